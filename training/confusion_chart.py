"""A confusion as a chart: a table of squares, or its worst pairs where there are many classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.charts import COLOURS, INK, canvas, plain
from training.metrics import Confusion, percent

# With more classes than this a cell is too small for two lines, with more than that for one and
# for its name.
SHARES_UP_TO, TABLE_UP_TO = 14, 30
PAIRS, NAME_LENGTH = 30, 28


def confusion_chart(confusion: Confusion, title: str) -> Figure:
    """Counts and shares of the row in a table of squares, shaded by share, since classes differ.

    With more than 30 classes it is the pairs that are taken for one another most often.
    """
    drawn = _worst_pairs if len(confusion.classes) > TABLE_UP_TO else _table
    figure = drawn(confusion)
    figure.suptitle(
        f"{percent(confusion.accuracy)} of {confusion.counts.sum():,} right, "
        f"macro F1 {confusion.macro_f1:.3f}\n{_plain_text(title)}",
        fontsize=11,
        color=INK,
        wrap=True,
    )
    return figure


def confusion_pixels(confusion: Confusion, title: str) -> NDArray[np.uint8]:
    """The same as uint8 `[height, width, 3]`."""
    canvas = FigureCanvasAgg(confusion_chart(confusion, title))
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return pixels[..., :3].copy()


def _worst_pairs(confusion: Confusion) -> Figure:
    """A bar a pair, the worst at the top, with its count and its share of the true class."""
    pairs = confusion.most_confused(PAIRS)
    totals = dict(zip(confusion.classes, confusion.counts.sum(axis=1), strict=True))
    figure = canvas(9.0, 1.9 + 0.3 * max(len(pairs), 3))
    axes = figure.add_subplot()
    plain(axes)
    bars = axes.barh(range(len(pairs)), [pair["count"] for pair in pairs], color=COLOURS[0])
    shares = [
        f"{pair['count']} of {totals[pair['true']]}, "
        f"{_percent(pair['count'] / totals[pair['true']])}"
        for pair in pairs
    ]
    axes.bar_label(bars, shares, padding=3, fontsize=8, color=INK)
    names = [f"{_short(pair['true'])} taken for {_short(pair['predicted'])}" for pair in pairs]
    axes.set_yticks(range(len(pairs)), names)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    of_all = confusion.counts.sum() - np.trace(confusion.counts)
    shown = sum(pair["count"] for pair in pairs)
    axes.set_xlabel(
        f"pictures; these {len(pairs)} pairs are {shown:,} of {of_all:,} errors, "
        f"{len(confusion.classes)} classes",
        color=INK,
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _short(name: str) -> str:
    return _plain_text(name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…")


def _plain_text(text: str) -> str:
    """What stands between two dollar signs would be read as a formula."""
    return text.replace("$", r"\$")


def _table(confusion: Confusion) -> Figure:
    counts, classes = confusion.counts, confusion.classes
    cell_in = 0.78 if len(classes) <= SHARES_UP_TO else 0.45
    side_in = min(14.0, max(3.2, cell_in * len(classes)))
    figure = canvas(side_in + 1.9, side_in + 1.5)
    axes = figure.add_subplot()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.1)
    _label_cells(axes, confusion)
    _label_axes(axes, confusion)
    return figure


def _label_cells(axes: Axes, confusion: Confusion) -> None:
    classes = len(confusion.classes)
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
    short = [_short(name) for name in classes]
    named = [f"{name} ({total})" for name, total in zip(short, totals, strict=True)]
    axes.set_xticks(range(len(classes)), short, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), named)
    axes.set_xticks([i - 0.5 for i in range(1, len(classes))], minor=True)
    axes.set_yticks([i - 0.5 for i in range(1, len(classes))], minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, labelcolor=INK, labelsize=10)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true (pictures)", color=INK, labelpad=10)
