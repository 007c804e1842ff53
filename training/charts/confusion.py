"""A confusion matrix as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.charts.canvas import INK, canvas
from training.metrics import Confusion

# With more classes than this a cell is too small for two lines, with more than that for any.
SHARES_UP_TO, COUNTS_UP_TO = 14, 30


def draw_confusion(path: Path, confusion: Confusion, title: str) -> None:
    """Counts and shares of the row in a table of squares, shaded by share, since classes differ."""
    _figure(confusion, title).savefig(path)


def confusion_pixels(confusion: Confusion, title: str) -> NDArray[np.uint8]:
    """The same as uint8 `[height, width, 3]`."""
    canvas = FigureCanvasAgg(_figure(confusion, title))
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return pixels[..., :3].copy()


def _figure(confusion: Confusion, title: str) -> Figure:
    counts, classes = confusion.counts, confusion.classes
    cell_in = 0.78 if len(classes) <= SHARES_UP_TO else 0.45
    side_in = min(14.0, max(3.2, cell_in * len(classes)))
    figure = canvas(side_in + 1.9, side_in + 1.5)
    axes = figure.add_subplot()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.1)
    _label_cells(axes, confusion)
    _label_axes(axes, confusion)
    figure.suptitle(
        f"{confusion.accuracy:.1%} of {counts.sum():,} right, macro F1 {confusion.macro_f1:.3f}\n"
        f"{title}",
        fontsize=11,
        color=INK,
        wrap=True,
    )
    return figure


def _label_cells(axes: Axes, confusion: Confusion) -> None:
    classes = len(confusion.classes)
    if classes > COUNTS_UP_TO:
        return
    totals = confusion.counts.sum(axis=1).clip(min=1)
    for (row, column), count in _filled(confusion):
        share = count / totals[row]
        colour = "white" if share > 0.55 else INK
        both = classes <= SHARES_UP_TO
        weight = "bold" if row == column else "normal"
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
        up = 0.12 if both else 0.0
        axes.text(column, row - up, f"{count}", fontsize=11, fontweight=weight, **style)
        if both:
            axes.text(column, row + 0.22, _percent(share), fontsize=8, alpha=0.85, **style)


def _percent(share: float) -> str:
    """Rounded, but never to a 0% or 100% that is not true."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share:.0%}"


def _filled(confusion: Confusion) -> list[tuple[tuple[int, int], int]]:
    rows, columns = confusion.counts.nonzero()
    return [
        ((int(r), int(c)), int(confusion.counts[r, c])) for r, c in zip(rows, columns, strict=True)
    ]


def _label_axes(axes: Axes, confusion: Confusion) -> None:
    classes = confusion.classes
    totals = confusion.counts.sum(axis=1)
    named = [f"{name} ({total})" for name, total in zip(classes, totals, strict=True)]
    axes.set_xticks(range(len(classes)), classes, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), named)
    axes.set_xticks([i - 0.5 for i in range(1, len(classes))], minor=True)
    axes.set_yticks([i - 0.5 for i in range(1, len(classes))], minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, labelcolor=INK, labelsize=10)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true (pictures)", color=INK, labelpad=10)
