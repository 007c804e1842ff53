"""A picture of ranges that were foretold, and of what was found, as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from line.atomic_file import write_atomically
from reports.charts.plot import nice_step, steps_up_to

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 760, 260, 56, 34, 30
_INSIDE, _OUTSIDE, _RANGE, _GRID, _TEXT = "#0b6e4f", "#b3261e", "#9bb8d3", "#e3e3e3", "#333333"
_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" aria-label="{}" '
    'font-family="sans-serif" font-size="12" fill="{}">'
    '<rect width="100%" height="100%" fill="white"/>{}</svg>\n'
)
_LINE = Markup(
    '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" stroke-width="{}"/>'
)
_WORDS = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
_DOT = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3.5" fill="{}"/>')
_CROSS = Markup('<path d="M{x:.1f} {y:.1f}m-4-4l8 8m0-8l-8 8" stroke="{colour}" stroke-width="2"/>')


@dataclass(frozen=True, slots=True)
class Mark:
    """One range, and the value that was found."""

    low: float
    high: float
    found: float

    @property
    def holds(self) -> bool:
        return self.low <= self.found <= self.high


def write(path: Path, panels: Sequence[tuple[str, Sequence[Mark]]]) -> None:
    """One panel below the other: (title, marks from left to right). Raises OSError."""
    parts = [
        part
        for number, (title, marks) in enumerate(panels)
        for part in _panel(title, marks, number * _HEIGHT)
    ]
    label = "; ".join(title for title, _ in panels)
    svg = _SVG.format(_WIDTH, _HEIGHT * len(panels), label, _TEXT, Markup("").join(parts))
    write_atomically(path, svg.encode())


def _panel(title: str, marks: Sequence[Mark], top: float) -> list[Markup]:
    most = max(max(mark.high, mark.found) for mark in marks) or 1.0
    floor, foot = top + _TOP, top + _HEIGHT - _BOTTOM
    parts = [_WORDS.format(_LEFT, floor - 14, "start", title)]

    def y(value: float) -> float:
        return foot - (foot - floor) * value / most

    for value in steps_up_to(most, nice_step(most, 5)):
        parts.append(_LINE.format(_LEFT, y(value), _WIDTH - 10, y(value), _GRID, 1))
        parts.append(_WORDS.format(_LEFT - 8, y(value) + 4, "end", f"{value:g}"))
    room = (_WIDTH - 20 - _LEFT) / len(marks)
    for number, mark in enumerate(marks):
        x = _LEFT + (number + 0.5) * room
        # A range without width is seen as well.
        low, high = y(mark.low) + 1, y(mark.high) - 1
        parts.append(_LINE.format(x, low, x, high, _RANGE, f"{min(10.0, 0.6 * room):.1f}"))
        if mark.holds:
            parts.append(_DOT.format(x, y(mark.found), _INSIDE))
        else:
            parts.append(_CROSS.format(x=x, y=y(mark.found), colour=_OUTSIDE))
    return parts
