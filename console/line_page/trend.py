"""The trend over the last ten minutes: share in time and tonnes an hour, a point every ten seconds.

The charts are SVG of numbers alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from console.live import LiveLine
from console.widgets import attribute, panel, text
from line.observe.percent import percent

STEP_S = 10.0
_STEPS = 60
_WIDTH, _HEIGHT, _LEFT, _FOOT, _TOP = 210.0, 78.0, 30.0, 16.0, 7.0
_MINUTES = (10, 5, 0)

Point = float | None


class TrendPanel:
    """Two charts over the same ten minutes, the newest at the right."""

    def __init__(self) -> None:
        with panel("Last 10 minutes", note="a point every 10 s"):
            text("h3", "In time, %", "trend-name")
            self._in_time = _Chart()
            text("h3", "Throughput, t/h", "trend-name")
            self._mass = _Chart()

    def show(self, live: LiveLine) -> None:
        steps = live.history.steps(STEP_S)[-_STEPS:]
        paced = live.status.get("deadline_ms") is not None
        shares = [step.in_time_share if paced else None for step in steps]
        self._in_time.show([None if s is None else 100 * s for s in shares], 100.0)
        last = next((share for share in reversed(shares) if share is not None), None)
        self._in_time.name(f"Share of the items in time, lately {percent(last)}")
        rates = [step.t_per_h for step in steps]
        self._mass.show(rates, top_of(rates))
        lately = rates[-1] if rates else None
        self._mass.name(f"Tonnes an hour, lately {tonnes(lately)}")


class _Chart:
    def __init__(self) -> None:
        self._drawn = ""
        self._place = ui.html("", sanitize=False).classes("trend-chart")
        attribute(self._place, "role", "img")

    def show(self, points: Sequence[Point], top: float) -> None:
        drawn = sparkline(points, top)
        if drawn != self._drawn:
            self._drawn = drawn
            self._place.set_content(drawn)

    def name(self, words: str) -> None:
        attribute(self._place, "aria-label", words)


def sparkline(points: Sequence[Point], top: float) -> str:
    """The points as a line that breaks where there is none; the last one is now."""
    room = _HEIGHT - _FOOT - _TOP
    first = _STEPS - len(points)
    parts = [
        f'<path class="chart-grid" d="M{_LEFT} {y:.1f}H{_WIDTH}"/>'
        f'<text class="chart-tick" x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
        for y, value in (
            (_TOP, f"{top:g}"),
            (_TOP + room / 2, f"{top / 2:g}"),
            (_TOP + room, "0"),
        )
    ]
    for minutes in _MINUTES:
        x = _x(_STEPS - minutes * 60 / STEP_S)
        words = f"−{minutes} min" if minutes else "now"
        anchor = {_MINUTES[0]: "start", 0: "end"}.get(minutes, "middle")
        parts.append(
            f'<text class="chart-tick" x="{x:.1f}" y="{_HEIGHT - 2}" '
            f'text-anchor="{anchor}">{words}</text>'
        )
    trace, is_open = [], False
    for number, value in enumerate(points, first + 1):
        if value is None:
            is_open = False
            continue
        y = _TOP + room * (1 - min(1.0, value / top))
        trace.append(f"{'L' if is_open else 'M'}{_x(number):.1f} {y:.1f}")
        if not is_open:
            trace.append("h.01")  # a point by itself is seen as well
        is_open = True
    parts.append(f'<path class="trend-line" d="{"".join(trace)}"/>')
    return f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}">{"".join(parts)}</svg>'


def top_of(values: Sequence[Point]) -> float:
    """A round number above all of them."""
    most = max((value for value in values if value is not None), default=0.0)
    steps = (base * 10.0**power for power in range(-3, 7) for base in (1, 2, 5))
    return next((top for top in steps if top >= most), most)


def tonnes(rate: float | None) -> str:
    """Tonnes an hour with three digits that matter; a dash where there is none."""
    return "–" if rate is None else f"{rate:.3g}" if rate < 100 else f"{rate:,.0f}"


def _x(step: float) -> float:
    return _LEFT + (_WIDTH - _LEFT) * step / _STEPS
