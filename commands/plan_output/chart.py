"""One measure over the speed of the belt, a line for each number of workers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

from planner.plan.answer import fastest_belts
from planner.plan.estimate import Estimate
from planner.plan.run import Result
from planner.plan.target import Target
from planner.plan.wording import NAMES, interval, workers
from reports.charts.plot import Plot, nice_step, steps_up_to

KEYS = (("●", "k0"), ("▲", "k1"), ("■", "k2"), ("◆", "k3"), ("▼", "k4"), ("✚", "k5"))
"""Shape and CSS class of each line: told apart without colour."""
MOST_LINES = len(KEYS)
_HEIGHT_PX = 300
_ROOM = 0.05
"""Above and below the values, as a share of what is shown."""


def chart(
    group: Sequence[Result], counts: Sequence[int], name: str, title: str, target: Target
) -> Markup:
    """Mean of the measure `name`, and where 90 % of runs lie; the knee of each line is ringed.

    The knee is the fastest belt up to which that many workers meet the target.
    """
    speeds = [result.cell.belt_speed_m_per_s for result in group]
    axis = _Axis(max(speeds), _floor(group, target))
    plot = Plot(f"{title} over the speed of the belt", _HEIGHT_PX)
    plot.y_ticks(axis.y_ticks())
    plot.x_ticks(axis.x_ticks())
    plot.text("m/s", 100, 100, anchor="end", shift_px=(0, 34))
    if name in target.least:
        y = axis.y(target.least[name])
        plot.line("target", 0, y, 100, y)
        text = f"target {100 * target.least[name]:g} %"
        plot.text(text, 0, y, name="target-mark", anchor="start", shift_px=(6, 14))
    knees = {
        answer.workers: answer.enough.cell.belt_speed_m_per_s
        for answer in fastest_belts(group)
        if answer.enough is not None
    }
    for (shape, key), count in zip(KEYS, counts, strict=False):
        own = sorted(
            (result for result in group if result.cell.workers == count),
            key=lambda result: result.cell.belt_speed_m_per_s,
        )
        points = [(r.cell.belt_speed_m_per_s, r.measures[name]) for r in own]
        _draw(plot, axis, points, count, f"{key}", shape, name, knees.get(count))
    return plot.svg()


def _draw(
    plot: Plot,
    axis: _Axis,
    points: Sequence[tuple[float, Estimate]],
    count: int,
    key: str,
    shape: str,
    name: str,
    knee_m_per_s: float | None,
) -> None:
    places = [(axis.x(speed), axis.y(value.mean)) for speed, value in points]
    for (x1, y1), (x2, y2) in pairwise(places):
        plot.line(f"course {key}", x1, y1, x2, y2)
    for (speed, value), (x, y) in zip(points, places, strict=True):
        plot.line(f"interval {key}", x, axis.y(value.low), x, axis.y(value.high))
        plot.text(shape, x, y, name=f"mark {key}", shift_px=(0, 4))
        hint = f"{workers(count)}, {speed:g} m/s: {NAMES[name]} {interval(value)}"
        plot.box("hint", x - 1.5, y - 3, 3, 6, hint)
        if speed == knee_m_per_s:
            plot.text("◯", x, y, name=f"knee {key}", shift_px=(0, 8))


class _Axis:
    """Places in percent of the area: belt speed from 0, a share from `floor` to 1."""

    def __init__(self, fastest_m_per_s: float, floor: float) -> None:
        self._end = fastest_m_per_s * 1.04
        self._fastest = fastest_m_per_s
        self._floor = floor

    def x(self, speed_m_per_s: float) -> float:
        return 100 * speed_m_per_s / self._end

    def y(self, share: float) -> float:
        place = (min(1.0, max(self._floor, share)) - self._floor) / (1 - self._floor)
        return 100 - 100 * place / (1 + _ROOM)

    def x_ticks(self) -> list[tuple[float, str]]:
        step = nice_step(self._fastest, 8)
        return [(self.x(value), f"{value:g}") for value in steps_up_to(self._fastest, step)]

    def y_ticks(self) -> list[tuple[float, str]]:
        step = nice_step(1 - self._floor, 5)
        first = -(-self._floor // step)
        values = [step * (first + number) for number in range(int((1 - self._floor) / step + 1.5))]
        return [(self.y(v), f"{100 * v:g} %") for v in values if v <= 1 + 1e-9]


def _floor(group: Sequence[Result], target: Target) -> float:
    """Where the axes of all measures begin: 0, or higher where all shares lie close to 1."""
    lows = [result.measures[name].low for result in group for name in NAMES]
    lowest = min(*lows, *target.least.values())
    return 0.0 if lowest < 0.5 else lowest - (1 - lowest) * _ROOM - 0.005
