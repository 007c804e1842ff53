"""The outcome of the experiment, written down: curve.csv, summary.json, and a table to print."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from training.charts import png
from training.metrics import percent
from training.selection.fine_tuning import FineTuned
from training.selection.options import SimulateSettings
from training.selection.outcome import BASELINE, Interval, Outcome
from training.whole_file import replace_bytes, replace_table, replace_text

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
    replace_bytes(path, png(figure))


def _references(axes: Axes, full: float | None, target: float | None) -> None:
    for height, text in ((full, "all labels"), (target, "target")):
        if height is not None:
            axes.axhline(height, color="#555555", linewidth=0.9, linestyle=":")
            axes.annotate(
                f"{text}: {percent(height)}",
                (0.01, height),
                xycoords=axes.get_yaxis_transform(),
                xytext=(0, 3),
                textcoords="offset points",
                fontsize=8,
                color="#555555",
            )


def write_curve(path: Path, outcome: Outcome) -> None:
    """One row per strategy and budget: means over the seeds and ends of their 95% intervals."""
    figures = [f + end for f in ("accuracy", "macro_f1") for end in ("", "_low", "_high")]
    rows: list[list[object]] = [["strategy", "labels", "seeds", *figures]]
    for name, strategy in outcome.strategies.items():
        points = zip(outcome.budgets, strategy.accuracy, strategy.macro_f1, strict=True)
        for labels, *intervals in points:
            numbers = [f"{v:.5f}" for i in intervals for v in (i.value, i.low, i.high)]
            rows.append([name, labels, outcome.seeds, *numbers])
    replace_table(path, rows)


def write_summary(
    path: Path, settings: SimulateSettings, outcome: Outcome, fine_tuned: FineTuned | None
) -> None:
    """Everything but the curves; null stands for a figure beyond what was measured."""
    summary: dict[str, Any] = {
        "settings": settings.model_dump(mode="json"),
        "budgets": list(outcome.budgets),
        "seeds": outcome.seeds,
        "full": None if outcome.full is None else vars(outcome.full),
        "target_accuracy": outcome.target,
        "strategies": {
            name: {
                "area": _interval(strategy.area),
                "labels_needed": _number(strategy.labels_needed),
                "ratio_to_random": _interval(strategy.ratio),
                "accuracy_at_last_budget": _interval(strategy.accuracy[-1]),
                "macro_f1_at_last_budget": _interval(strategy.macro_f1[-1]),
            }
            for name, strategy in outcome.strategies.items()
        },
        "end_to_end": None if fine_tuned is None else _fine_tuned(fine_tuned),
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    replace_text(path, text + "\n")


def outcome_table(outcome: Outcome, share: float) -> Table:
    """The strategies, largest area first, for the terminal: accuracies and their 95% intervals."""
    table = Table(box=None, pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    needed = [f"labels to {share:.0%}", "÷ random's"] if outcome.target else []
    for title in [*needed, "area", f"at {outcome.budgets[-1]}"]:
        table.add_column(title, justify="right", no_wrap=True)
    for name, strategy in outcome.strategies.items():
        cells = [name]
        if strategy.labels_needed is not None and strategy.ratio is not None:
            labels = strategy.labels_needed
            cells += [f"> {outcome.budgets[-1]}" if math.isinf(labels) else f"{labels:.0f}"]
            cells += ["" if name == BASELINE else _ratio_text(strategy.ratio)]
        table.add_row(*cells, _spread_text(strategy.area), _spread_text(strategy.accuracy[-1]))
    return table


def fine_tuned_line(fine_tuned: FineTuned) -> str:
    """One sentence on the check with whole networks."""
    chosen, random, gain = fine_tuned.chosen, fine_tuned.random, fine_tuned.gain
    return (
        f"fine-tuned on {fine_tuned.labels} labels, {fine_tuned.seeds} seeds: "
        f"{fine_tuned.strategy} {_mean(chosen):.4f}, random {_mean(random):.4f}, "
        f"gain {_mean(gain):+.4f}; with the frozen network {_mean(fine_tuned.frozen_gain):+.4f}"
    )


def _ratio_text(ratio: Interval) -> str:
    value, low, high = (f"{v:.2f}" if math.isfinite(v) else "–" for v in vars(ratio).values())
    return f"{value} ({low}…{high})"


def _spread_text(interval: Interval) -> str:
    return f"{interval.value:.3f} ± {interval.high - interval.value:.3f}"


def _fine_tuned(fine_tuned: FineTuned) -> dict[str, Any]:
    return {**vars(fine_tuned), "mean_gain": _mean(fine_tuned.gain), "gain": fine_tuned.gain}


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _interval(interval: Interval | None) -> dict[str, float | None] | None:
    if interval is None:
        return None
    return {end: _number(value) for end, value in vars(interval).items()}


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 5)
