"""The learning curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.selection.efficiency import Interval

# Okabe and Ito's colours, told apart by everybody; random is black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A6D3B", "#777777")
SHADED = 3


def draw(
    path: Path,
    title: str,
    budgets: Sequence[int],
    curves: Mapping[str, Sequence[Interval]],
    full: float | None,
    target: float | None,
) -> None:
    """Accuracy against labels, one line per strategy, best first; bands of the best and random.

    `curves` is in the order of the legend. Drawn by Agg, which needs no screen.
    """
    figure = Figure(figsize=(9, 5.5), dpi=140, layout="constrained")
    axes = figure.add_subplot()
    colours = iter(COLOURS)
    best = [name for name in curves if name != "random"][: SHADED - 1]
    for name, points in curves.items():
        colour = "black" if name == "random" else next(colours, COLOURS[-1])
        main = name == "random" or name in best
        axes.plot(
            budgets,
            [point.value for point in points],
            color=colour,
            linewidth=2.2 if main else 1.1,
            linestyle="--" if name == "random" else "-",
            alpha=1.0 if main else 0.8,
            marker="o",
            markersize=3,
            label=name.replace("_", " "),
            zorder=3 if main else 2,
        )
        if main:
            axes.fill_between(
                budgets,
                [point.low for point in points],
                [point.high for point in points],
                color=colour,
                alpha=0.13,
                linewidth=0,
            )
    _references(axes, full, target)
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("labelled pictures")
    axes.set_ylabel("accuracy on val")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    figure.savefig(path)


def _references(axes: Axes, full: float | None, target: float | None) -> None:
    for height, text in ((full, "all labels"), (target, "target")):
        if height is not None:
            axes.axhline(height, color="#555555", linewidth=0.9, linestyle=":")
            axes.annotate(
                f"{text}: {height:.1%}",
                (0.01, height),
                xycoords=axes.get_yaxis_transform(),
                xytext=(0, 3),
                textcoords="offset points",
                fontsize=8,
                color="#555555",
            )
