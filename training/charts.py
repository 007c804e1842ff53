"""Pictures of figures that more than one command draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from training.metrics import Confusion

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


History = Sequence[dict[str, float]]
TRAIN_COLOUR = "#777777"


def draw_history(path: Path, history: History) -> None:
    """Draw one panel per figure; a dotted line marks the best epoch, the later of two equals."""
    figure = canvas(9.0, 6.0)
    (loss, accuracy), (f1, rate) = panels(figure, 2, 2)
    _draw_lines(loss, "loss", history)
    _draw_lines(accuracy, "accuracy", history)
    _draw_lines(f1, "macro_f1", history)
    _draw_rate(rate, history)
    for axes in (accuracy, f1):
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    best = max(history, key=lambda row: (row["val_accuracy"], row["epoch"]))
    for axes in (loss, accuracy, f1, rate):
        axes.axvline(best["epoch"], color=SOFT, linewidth=1, linestyle=":", zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(0.5, max(len(history), 2) + 0.5)
    for axes in (f1, rate):
        axes.set_xlabel("epoch", color=INK)
    loss.legend(frameon=False, fontsize=9, labelcolor=INK)
    figure.suptitle(
        f"Best on val: {best['val_accuracy']:.1%} right, macro F1 {best['val_macro_f1']:.3f}, "
        f"after epoch {best['epoch']:.0f} of {len(history)}",
        fontsize=12,
        color=INK,
    )
    figure.savefig(path)


def _draw_lines(axes: Axes, figure_name: str, history: History) -> None:
    """One line per set that has the figure; the training pictures' is grey."""
    columns = dict.fromkeys(key for row in history for key in row)
    sets = [key.removesuffix(f"_{figure_name}") for key in columns if key.endswith(figure_name)]
    colours = iter(COLOURS * len(sets))
    for name in sets:
        colour = TRAIN_COLOUR if name == "train" else next(colours)
        values = [row.get(f"{name}_{figure_name}", math.nan) for row in history]
        _line(axes, history, values, name, colour)
    axes.set_title(figure_name.replace("_f1", " F1"), loc="left", fontsize=10, color=INK)


def _draw_rate(axes: Axes, history: History) -> None:
    rates = [row.get("rate", math.nan) for row in history]
    _line(axes, history, rates, "rate", INK)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:.2g}")
    axes.set_title("head's learning rate at the epoch's end", loc="left", fontsize=10, color=INK)


def _line(axes: Axes, history: History, values: Sequence[float], label: str, colour: str) -> None:
    epochs = [row["epoch"] for row in history]
    size = 4 if len(epochs) <= 30 else 0
    axes.plot(epochs, values, "o-", color=colour, label=label, markersize=size, linewidth=1.8)
