"""A drawing surface for the report's charts: SVG whose text keeps its size at any width.

Marks stand at percentages of the plot area (x to the right, y *downwards*, both 0..100), and the
SVG has no viewBox, so a browser stretches the marks with the page but never letters or hatching.
Tick labels lie outside of the area; report.css leaves the margin for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from markupsafe import Markup

from line.plain_text import plain

_MARK = Markup('<rect class="{}" x="{}%" y="{}%" width="{}%" height="{}%">{}</rect>')
_LINE = Markup('<line class="{}" x1="{}%" y1="{}%" x2="{}%" y2="{}%">{}</line>')
_TEXT = Markup('<text class="{}" x="{}%" y="{}%" dx="{}" dy="{}" text-anchor="{}">{}</text>')
_TITLE = Markup("<title>{}</title>")
_SVG = Markup('<svg class="plot" role="img" aria-label="{}" height="{}">{}</svg>')


class Plot:
    """One chart under construction. Every text given to it is escaped."""

    def __init__(self, label: str, height_px: int) -> None:
        """`label` says what is seen, for a reader who cannot see it."""
        self._label = label
        self._height_px = height_px
        self._marks: list[Markup] = []

    def box(
        self, name: str, x: float, y: float, width: float, height: float, title: str = ""
    ) -> None:
        """A filled box of the CSS class `name`; `title` shows under the pointer."""
        corner, size = (_short(x), _short(y)), (_short(width), _short(height))
        self._marks.append(_MARK.format(name, *corner, *size, _title(title)))

    def line(self, name: str, x1: float, y1: float, x2: float, y2: float, title: str = "") -> None:
        """A straight line of the CSS class `name`."""
        ends = (_short(value) for value in (x1, y1, x2, y2))
        self._marks.append(_LINE.format(name, *ends, _title(title)))

    def text(
        self,
        text: str,
        x: float,
        y: float,
        name: str = "tick",
        anchor: str = "middle",
        shift_px: tuple[float, float] = (0, 0),
    ) -> None:
        """A text of the CSS class `name`; `anchor` is start, middle or end."""
        self._marks.append(
            _TEXT.format(name, _short(x), _short(y), *map(_short, shift_px), anchor, plain(text))
        )

    def x_ticks(self, ticks: Iterable[tuple[float, str]]) -> None:
        """Labels below the area, at `(x, text)`."""
        self.line("axis", 0, 100, 100, 100)
        for x, text in ticks:
            self.line("grid", x, 0, x, 100)
            self.text(text, x, 100, shift_px=(0, 18))

    def y_ticks(self, ticks: Iterable[tuple[float, str]]) -> None:
        """Labels left of the area, at `(y, text)`."""
        for y, text in ticks:
            self.line("grid", 0, y, 100, y)
            self.text(text, 0, y, anchor="end", shift_px=(-8, 4))

    def svg(self) -> Markup:
        """The chart, to stand inside a page."""
        return _SVG.format(self._label, self._height_px, Markup("").join(self._marks))


def nice_step(span: float, steps: int) -> float:
    """The smallest of 1, 2, 5, 10, … that covers `span` in at most `steps` steps."""
    least = span / steps
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def steps_up_to(end: float, step: float) -> Iterator[float]:
    """0, step, 2·step, … up to and including `end`."""
    return (number * step for number in range(math.floor(end / step + 1e-9) + 1))


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _title(text: str) -> Markup:
    return _TITLE.format(plain(text)) if text else Markup("")
