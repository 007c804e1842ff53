"""The report's timeline of single items: a bar for each, split by stage."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reports.charts.plot import Plot, nice_step, steps_up_to
from reports.stages import Course
from reports.wording import number

_ROW_PX = 26
_BAR = 0.6
"""Part of a row that its bar fills."""
_ROOM = 1.35
"""Length of the axis in terms of the longest bar: the rest is for what stands behind it."""
_NEAR = 2.0
"""A deadline that lies within so many longest bars is shown."""


def stage_chart(courses: Sequence[Course]) -> Markup:
    """Needs at least one course that took any time."""
    end_ms = max(course.end_ms for course in courses)
    deadlines = [c.deadline_ms for c in courses if c.deadline_ms is not None]
    near = [moment for moment in deadlines if moment <= _NEAR * end_ms]
    axis_ms = _ROOM * max(end_ms, *near) if near else _ROOM * end_ms
    plot = Plot("Items by the stages of their way", _ROW_PX * len(courses))
    step_ms = nice_step(axis_ms, 6)
    plot.x_ticks((100 * at / axis_ms, f"{at:g} ms") for at in steps_up_to(axis_ms, step_ms))
    height = 100 / len(courses)
    for place, course in enumerate(courses):
        _draw(plot, course, height * place, height, axis_ms)
    return plot.svg()


def _draw(plot: Plot, course: Course, top: float, height: float, axis_ms: float) -> None:
    scale, margin = 100 / axis_ms, (1 - _BAR) / 2 * height
    middle = top + height / 2
    plot.text(course.frame_id, 0, middle, anchor="end", shift_px=(-8, 4))
    for stage in course.stages:
        title = f"{course.frame_id} {stage.name}: {number(stage.duration_ms, 'ms')}"
        box = (scale * stage.start_ms, top + margin, scale * stage.duration_ms, _BAR * height)
        plot.box(f"s-{stage.name}", *box, title)
    behind_ms = course.end_ms
    if course.deadline_ms is not None and course.deadline_ms <= axis_ms:
        x = scale * course.deadline_ms
        plot.line("deadline", x, top, x, top + height, f"deadline {number(course.deadline_ms)} ms")
        behind_ms = max(behind_ms, course.deadline_ms)
    text = f"{number(course.end_ms, 'ms')} {course.verdict}"
    plot.text(text, scale * behind_ms, middle, anchor="start", shift_px=(6, 4))
