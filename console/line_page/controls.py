"""What can be asked of the running line: infeed, belt, clock, threshold, workers, its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nicegui import ui

from console.line_page.orders import OrdersList
from console.live import LiveLine
from console.number_field import NumberField
from console.site import Site
from console.widgets import Question, ask_first, attribute, block, button, panel, text

_ENABLED_PHASES = ("running", "draining")
_DRAIN = Question(
    "Drain this run?",
    "Nothing more is fed. What is on the belt is finished, then the run ends and is accounted for.",
    "Drain the run",
)
_STOP = Question(
    "Stop this run at once?",
    "What is on the belt and has no row yet is not waited for. The run ends and is accounted for; "
    "it can be resumed.",
    "Stop the run",
)


class ControlsPanel:
    """Buttons and fields of one run; each order is answered by a line at the page's foot."""

    def __init__(self, site: Site, run_dir: Path) -> None:
        self._site = site
        self._run_dir = run_dir
        self._workers = 0
        self._turns = asyncio.Lock()
        self._workers_ordered = False
        """what was ordered is shown, not what the line tells"""
        self._paused = False
        with panel("Controls", classes="controls-panel"):
            with block("div", "row run-buttons"):
                self._pause = button("Pause infeed", self._pause_or_go_on, "primary")
                self._drain = button("Drain", lambda: self._order("drain"), "danger")
                self._stop = button("Stop", lambda: self._order("stop"), "danger")
            with block("div", "fields"):
                self._belt = NumberField(
                    "Belt speed", "m/s", lambda v: self._order("belt_speed", m_per_s=v), step=0.05
                )
                self._clock = NumberField(
                    "Clock", "×", lambda v: self._order("clock", multiplier=v), step=0.1
                )
                self._threshold = NumberField(
                    "Threshold", "", lambda v: self._order("threshold", value=v), step=0.01
                )
                self._build_workers()
            self._orders = OrdersList(run_dir)
        ask_first(self._drain, _DRAIN)
        ask_first(self._stop, _STOP)
        for element in self._all:
            attribute(element, "disabled", True)  # until it is known what holds

    async def _order(self, action: str, **facts: object) -> bool:
        return await self._site.order(action, self._run_dir, **facts)

    @property
    def _all(self) -> tuple[ui.element, ...]:
        fields = (self._belt, self._clock, self._threshold)
        of_fields = (part for field in fields for part in field.parts)
        return (self._pause, self._drain, self._stop, self._fewer, self._plus, *of_fields)

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
        if not self._workers_ordered:
            self._workers = int(status.get("workers") or 0)
            self._count.set_text(str(status.get("workers", "–")))
        for field, key in (
            (self._belt, "belt_speed_m_per_s"),
            (self._clock, "clock"),
            (self._threshold, "threshold"),
        ):
            value = status.get(key)
            field.show(value if isinstance(value, int | float) else None)
        of_pace = (*self._belt.parts, *self._clock.parts)
        for element in self._all:
            can = able and (paced or element not in of_pace)
            can |= element is self._stop and live.state == "running"
            attribute(element, "disabled", None if can else True)
        await self._orders.show()

    async def _pause_or_go_on(self) -> None:
        await self._order("unpause" if self._paused else "pause")

    async def _more(self, by: int) -> None:
        """A second press counts from the first one, not from what the line tells meanwhile."""
        self._workers = wanted = max(0, self._workers + by)
        self._count.set_text(str(wanted))
        self._workers_ordered = True
        async with self._turns:  # or the first order could come last
            await self._order("workers", count=wanted)
            if wanted == self._workers:  # no other press has come
                self._workers_ordered = False
