"""What can be asked of the running line: infeed, belt, clock, threshold, workers, its end."""

from __future__ import annotations

import asyncio
from time import monotonic

from nicegui import context, run, ui

from console.line_page.orders import OrdersList
from console.live import LiveLine
from console.site import Site, say
from console.widgets import (
    NumberField,
    attribute,
    block,
    button,
    choice,
    panel,
    sure_button,
    text,
)
from line.errors import BadInput

_ENABLED_PHASES = ("running", "draining")
_SETTLES_S = 1.0
"""An order that was given shows in the line's status by then."""


class ControlsPanel:
    """Buttons and fields; each order is answered by a line at the page's foot."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._workers = 0
        self._turns = asyncio.Lock()
        self._workers_hold_until = 0.0
        """monotonic time until which what was ordered is shown, not what the line tells"""
        self._paused = False
        with panel("Controls", classes="controls-panel"):
            with block("div", "row"):
                self._pause = button("Pause infeed", self._pause_or_go_on, "primary")
                self._drain = sure_button("Drain", lambda: site.order("drain"))
                self._stop = sure_button("Stop", lambda: site.order("stop"))
            with block("div", "fields"):
                self._belt = NumberField(
                    "Belt speed",
                    "m/s",
                    lambda v: site.order("belt_speed", m_per_s=v),
                    least=0.01,
                    most=20,
                    step=0.05,
                )
                self._clock = NumberField(
                    "Clock",
                    "×",
                    lambda v: site.order("clock", multiplier=v),
                    least=0.01,
                    most=1000,
                    step=0.1,
                )
                self._threshold = NumberField(
                    "Threshold",
                    "",
                    lambda v: site.order("threshold", value=v),
                    least=0,
                    most=1,
                    step=0.01,
                )
                self._build_workers()
            self._orders = OrdersList(site)
        for element in self._all:
            attribute(element, "disabled", True)  # until it is known what holds

    @property
    def _all(self) -> tuple[ui.element, ...]:
        fields = (self._belt.entry, self._clock.entry, self._threshold.entry)
        return (self._pause, self._drain, self._stop, self._fewer, self._plus, *fields)

    def _build_workers(self) -> None:
        with block("div", "field"):
            text("span", "Workers", "field-label")
            with block("div", "stepper"):
                self._fewer = button("−", lambda: self._more(-1), name="One worker fewer")
                self._count = text("span", "–", "number")
                self._plus = button("+", lambda: self._more(1), name="One worker more")

    async def show(self, live: LiveLine) -> None:
        status = live.status
        able = live.state == "running" and status.get("phase") in _ENABLED_PHASES
        paced = status.get("clock") != "max"
        self._paused = bool(status.get("paused"))
        self._pause.set_text("Feed on" if self._paused else "Pause infeed")
        if monotonic() > self._workers_hold_until:
            self._workers = int(status.get("workers") or 0)
            self._count.set_text(str(status.get("workers", "–")))
        for field, key in (
            (self._belt, "belt_speed_m_per_s"),
            (self._clock, "clock"),
            (self._threshold, "threshold"),
        ):
            value = status.get(key)
            field.show(f"{value:.4g}" if isinstance(value, int | float) else "")
        for element in self._all:
            can = able and (paced or element not in (self._belt.entry, self._clock.entry))
            can |= element is self._stop and live.state == "running"
            attribute(element, "disabled", None if can else True)
        await self._orders.show()

    async def _pause_or_go_on(self) -> None:
        await self._site.order("unpause" if self._paused else "pause")

    async def _more(self, by: int) -> None:
        """A second press counts from the first one, not from what the line tells meanwhile."""
        self._workers = max(0, self._workers + by)
        self._count.set_text(str(self._workers))
        self._workers_hold_until = monotonic() + _SETTLES_S
        async with self._turns:  # or the first order could come last
            if not await self._site.order("workers", count=self._workers):
                self._workers_hold_until = 0.0


class StartPanel:
    """Starts a scenario where the console outlives the run; says how where it does not."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._starter = site.starter
        with panel("Start a run", classes="start-panel"):
            if self._starter is None:
                text("p", "This console was opened over one run.", "dim")
                with block("p", "dim"):
                    text("span", "To start runs from a page: ")
                    text("code", "python run_line.py console results")
                return
            with block("div", "row"):
                self._picked = self._starter.scenarios[0]
                choice("Scenario", self._starter.scenarios, self._pick)
                self._start = button("Start", self._begin, "primary")
            self._words = text("p", "", "dim")
            attribute(self._words, "role", "status")

    def show(self, live: LiveLine) -> None:
        if self._starter is not None:
            runs = live.state in ("running", "reaching", "silent")
            self._start.set_text("End this run, start another" if runs else "Start")

    def _pick(self, scenario: str) -> None:
        self._picked = scenario

    async def _begin(self) -> None:
        assert self._starter is not None
        visitor = context.client
        attribute(self._start, "disabled", True)
        self._words.set_text("What is under way is drained first …")
        try:
            await run.io_bound(self._starter.start, self._picked, self._site.who())
            said, bad = f"Started: {self._picked}", False
        except BadInput as error:
            said, bad = f"Not started: {error}", True
        with visitor:  # this panel may be gone: the page turns to the new run
            say(said, bad=bad)
        if not self._start.is_deleted:
            self._words.set_text("")
            attribute(self._start, "disabled", None)
