"""A blank figure in the trainer's colours."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

DOTS_PER_INCH = 140
# Okabe and Ito's colours, told apart by everybody.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, SOFT = "#222222", "#8a8a8a"


def canvas(width_in: float, height_in: float) -> Figure:
    """A figure of its own: pyplot would keep each one, and look for a screen."""
    return Figure(figsize=(width_in, height_in), dpi=DOTS_PER_INCH, layout="constrained")


def panels(figure: Figure, rows: int, columns: int) -> NDArray[Any]:
    """Axes `[rows, columns]` over the same x, with a faint grid and no box."""
    grid: NDArray[Any] = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for axes in grid.flat:
        plain(axes)
        axes.grid(alpha=0.25, linewidth=0.6)
    return grid


def plain(axes: Axes) -> None:
    """Take away the box, and make what is left lighter than the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(SOFT)
    axes.tick_params(color=SOFT, labelcolor=INK, labelsize=9)
