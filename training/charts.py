"""How charts look, and the chart of a run's history."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from training.metrics import percent

DOTS_PER_INCH = 140
# Okabe and Ito's colours, told apart by everybody.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, SOFT = "#222222", "#8a8a8a"


def canvas(width_in: float, height_in: float) -> Figure:
    """A figure of its own: pyplot would keep each one, and look for a screen."""
    return Figure(figsize=(width_in, height_in), dpi=DOTS_PER_INCH, layout="constrained")


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


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


History = Sequence[dict[str, float]]
TRAIN_COLOUR = "#777777"


def history_chart(history: History, best_epoch: int) -> Figure:
    """One panel per figure; a dotted line marks the best epoch."""
    figure = canvas(9.0, 6.0)
    (loss, accuracy), (f1, rate) = panels(figure, 2, 2)
    _draw_lines(loss, "loss", history)
    _draw_lines(accuracy, "accuracy", history)
    _draw_lines(f1, "macro_f1", history)
    _draw_rate(rate, history)
    for axes in (accuracy, f1):
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    best = next(row for row in history if row["epoch"] == best_epoch)
    for axes in (loss, accuracy, f1, rate):
        axes.axvline(best["epoch"], color=SOFT, linewidth=1, linestyle=":", zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(0.5, max(len(history), 2) + 0.5)
    for axes in (f1, rate):
        axes.set_xlabel("epoch", color=INK)
    loss.legend(frameon=False, fontsize=9, labelcolor=INK)
    figure.suptitle(
        f"Best on val: {percent(best['val_accuracy'])} right, macro F1 {best['val_macro_f1']:.3f}, "
        f"after epoch {best_epoch} of {len(history)}",
        fontsize=12,
        color=INK,
    )
    return figure


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
