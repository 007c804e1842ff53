"""The Line page: the belt as it runs, its figures, its workers, and the controls."""

from __future__ import annotations

from pathlib import Path

from nicegui import ui

from console.layout import frame
from console.line_page.alarms import AlarmsPanel
from console.line_page.belt import BeltPanel
from console.line_page.controls import ControlsPanel
from console.line_page.drift import DriftPanel
from console.line_page.ended import EndedPanel
from console.line_page.figures import FiguresPanel
from console.line_page.latency import LatencyPanel
from console.line_page.promises import PromisesPanel
from console.line_page.start import StartPanel
from console.line_page.trend import TrendPanel
from console.line_page.verdicts import VerdictsPanel
from console.line_page.workers import WorkersPanel
from console.site import PATIENCE_S, Site
from console.widgets import block, panel, text, toggle

_BELT_S = 0.16
_FIGURES_S = 0.5


def build(site: Site) -> None:
    @ui.page("/", response_timeout=PATIENCE_S)
    def line() -> None:
        with frame(site, "Line"):
            page = LinePage(site)
        ui.timer(_BELT_S, page.show_belt)
        ui.timer(_FIGURES_S, page.show)


class LinePage:
    """One visitor's page; built anew when another run is shown."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._live = site.link.live
        self._place = block("div", "line-page")
        self._run_dir: Path | None = None
        self._build()

    def _build(self) -> None:
        self._place.clear()
        run = self._live.run
        self._run_dir = run.run_dir if run else None
        with self._place:
            if run is None:
                with block("div", "nothing"):
                    _nothing(self._live.complaint)
                    self._start = StartPanel(self._site)
                return
            self._belt = BeltPanel(run)
            self._ended = EndedPanel(self._site, run.run_dir)
            with block("div", "line-page") as self._body:
                self._figures = FiguresPanel()
                with block("div", "columns"):
                    with block("div", "stack"):
                        self._trend = TrendPanel()
                        self._verdicts = VerdictsPanel()
                        self._promises = PromisesPanel()
                        self._drift = DriftPanel()
                    with block("div", "stack"):
                        self._latency = LatencyPanel()
                        self._alarms = AlarmsPanel(self._site)
                    with block("div", "stack"):
                        self._workers = WorkersPanel(self._site, run.run_dir)
                    with block("div", "stack controls-stack"):
                        self._controls = ControlsPanel(self._site, run.run_dir)
            self._start = StartPanel(self._site)

    def show_belt(self) -> None:
        if self._run_dir is not None and self._run_dir == self._site.run_dir:
            self._site.link.draws_belt()
            self._belt.show_belt(self._live)

    async def show(self) -> None:
        if self._run_dir != self._site.run_dir:
            self._build()
        live = self._live
        self._start.show(live)
        if live.run is None:
            return
        self._body.set_visibility(bool(live.status))
        toggle(self._body, "past", live.state == "over")
        self._ended.show(live)
        self._belt.show(live)
        self._figures.show(live)
        self._trend.show(live)
        self._verdicts.show(live)
        self._promises.show(live)
        self._drift.show(live)
        self._latency.show(live)
        self._workers.show(live)
        await self._controls.show(live)
        await self._alarms.show(live)


def _nothing(complaint: str) -> None:
    with panel("No run yet"):
        block("div", "empty-belt")
        text("p", complaint or "The belt will be drawn here as soon as a line runs.")
        with block("p", "dim"):
            text("span", "Start one below, or in a terminal: ")
            text("code", "python run_line.py run --scenario demo")
