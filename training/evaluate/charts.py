"""Risk–coverage and reliability as PNG, risk–coverage as CSV too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.charts import png
from training.evaluate.calibration_scores import Bin
from training.evaluate.risk_coverage import Choice, RiskCoverage
from training.whole_file import replace_bytes, replace_table

DOTS_PER_INCH = 120
INK, SECOND, FAINT = "#1f4e79", "#c55a11", "#b0b0b0"


def write_risk_coverage(path: Path, curve: RiskCoverage) -> None:
    """One row per threshold, highest first."""
    columns = (curve.thresholds, curve.accepted, curve.right, curve.coverage, curve.risk)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    replace_table(path, [("threshold", "accepted", "right", "coverage", "risk"), *rows])


def draw_risk_coverage(path: Path, curve: RiskCoverage, choices: Sequence[Choice]) -> None:
    """Errors among the accepted against the share accepted, with the chosen thresholds."""
    figure, axes = _empty(6.0, 4.0)
    axes.step(curve.coverage, 100 * curve.risk, where="pre", color=INK)
    for choice in choices:
        risk = 100 * (1 - choice.precision.value)
        axes.plot(choice.coverage, risk, "o", color=SECOND)
        axes.annotate(
            f"≥ {choice.threshold:.3f}",
            (choice.coverage, risk),
            xytext=(-6, 8),
            textcoords="offset points",
            ha="right",
            color=SECOND,
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("coverage: share of pictures accepted")
    axes.set_ylabel("risk: errors among them, %")
    axes.set_title(f"area under the curve {curve.aurc:.4f}")
    replace_bytes(path, png(figure))


def draw_reliability(path: Path, bins: Mapping[str, Sequence[Bin]]) -> None:
    """Share of right answers against confidence, one line per name; the diagonal is honest."""
    figure, axes = _empty(4.8, 4.4)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    for (name, points), colour in zip(bins.items(), (INK, SECOND), strict=False):
        confidence = [point.confidence for point in points]
        accuracy = [point.accuracy for point in points]
        axes.plot(confidence, accuracy, "o-", color=colour, label=name, markersize=4)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("mean confidence of the bin")
    axes.set_ylabel("share of right answers")
    axes.legend(loc="upper left", frameon=False)
    replace_bytes(path, png(figure))


def _empty(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """A figure of its own: pyplot would keep each one, and look for a screen."""
    figure = Figure(figsize=(width_in, height_in), dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
