"""Line charts as SVG elements, in the colours of console.css; texts in them stay texts.

Every line has a colour, a dash and a marker of its own, so that none is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from console.widgets import attribute, block, text

Point = tuple[float, float]

_WIDTH, _HEIGHT = 420, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 40
_MARKER_R = 3.2


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`; `ticks` are values and what stands there."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """0..1 along the axis."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve; `number` chooses its look (0 or 1), `marked` draws a marker at each point."""

    name: str
    points: Sequence[Point]
    number: int = 0
    marked: bool = False


def percent_axis(label: str, high: float = 1.0) -> Axis:
    """0 % to `high`, of a share in 0..1."""
    digits = 1 if high < 0.04 else 0
    ticks = tuple((high * n / 4, f"{100 * high * n / 4:.{digits}f}") for n in range(5))
    return Axis(f"{label}, %", 0.0, high, ticks)


def line_chart(
    title: str, x: Axis, y: Axis, lines: Sequence[Line], *, diagonal: bool = False
) -> ui.element:
    """The chart; `diagonal` draws where x equals y. `title` is what a reader is told."""
    with block("svg", "chart") as svg:
        attribute(svg, "viewBox", f"0 0 {_WIDTH} {_HEIGHT}")
        attribute(svg, "role", "img")
        attribute(svg, "aria-label", title)
        _grid(x, y)
        if diagonal:
            _path(_trace([(x.low, x.low), (x.high, x.high)], x, y), "chart-diagonal")
        for line in lines:
            _path(_trace(line.points, x, y), f"chart-line look-{line.number}")
            if line.marked:
                for point in line.points:
                    _marker(*_pixel(point, x, y), line.number)
    return svg


def legend(names: Sequence[str]) -> None:
    """What the looks stand for, in their order."""
    with block("ul", "legend"):
        for number, name in enumerate(names):
            with block("li"):
                with block("svg", "legend-key") as svg:
                    attribute(svg, "viewBox", "0 0 30 10")
                    attribute(svg, "aria-hidden", "true")
                    _path("M0 5H30", f"chart-line look-{number}")
                    _marker(15, 5, number)
                text("span", name)


def _grid(x: Axis, y: Axis) -> None:
    for value, words in y.ticks:
        _, at = _pixel((x.low, value), x, y)
        _path(f"M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}", "chart-grid")
        _words(words, _LEFT - 7, at + 4, "end")
    for value, words in x.ticks:
        at, _ = _pixel((value, y.low), x, y)
        _words(words, at, _HEIGHT - _BOTTOM + 17, "middle")
    _words(x.label, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 5, "middle", "chart-label")
    side = _words(y.label, 0, 0, "middle", "chart-label")
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    attribute(side, "transform", f"translate(11 {middle:.0f}) rotate(-90)")


def _trace(points: Sequence[Point], x: Axis, y: Axis) -> str:
    return "M" + "L".join("{:.1f} {:.1f}".format(*_pixel(point, x, y)) for point in points)


def _pixel(point: Point, x: Axis, y: Axis) -> Point:
    across = _LEFT + x.place(point[0]) * (_WIDTH - _LEFT - _RIGHT)
    down = _HEIGHT - _BOTTOM - y.place(point[1]) * (_HEIGHT - _TOP - _BOTTOM)
    return across, down


def _path(trace: str, classes: str) -> None:
    attribute(block("path", classes), "d", trace)


def _marker(x: float, y: float, number: int) -> None:
    """A disc for the first line, a square for the second."""
    r = _MARKER_R
    disc = f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0"
    square = f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z"
    _path(square if number else disc, f"chart-marker look-{number}")


def _words(words: str, x: float, y: float, anchor: str, classes: str = "chart-tick") -> ui.element:
    element = text("text", words, classes)
    for name, value in (("x", f"{x:.1f}"), ("y", f"{y:.1f}"), ("text-anchor", anchor)):
        attribute(element, name, value)
    return element
