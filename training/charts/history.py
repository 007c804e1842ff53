"""A run's history as a picture: loss, accuracy, macro F1 and rate, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from training.charts.canvas import COLOURS, INK, SOFT, canvas, panels

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
