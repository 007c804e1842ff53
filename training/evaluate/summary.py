"""The figures of an evaluation as tables for a console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.clean_figures import caution_about
from training.metrics import percent

Figures = Mapping[str, Any]

NAME_WIDTH = 33


def print_summary(figures: Figures, console: Console) -> None:
    """A table per class, one of everything else, and one of the ways if there are several."""
    model = figures["model"]
    console.print(
        f"{model['file']} ({model['kind']}) on {figures['data']}, {figures['pictures']} pictures, "
        f"shown {figures['shown']}",
        markup=False,
    )
    console.print(_classes(figures))
    for name, value in _lines(figures):
        console.print(f"{name:<{NAME_WIDTH}}{value}", markup=False)
    if len(figures["ways"]) > 1:
        console.print(_ways(figures))


def _classes(figures: Figures) -> Table:
    table = _table("class", "pictures", "precision", "recall", "F1")
    rows = {
        **figures["per_class"],
        "macro mean": {**figures["macro"], "pictures": ""},
        "weighted mean": {**figures["weighted"], "pictures": figures["pictures"]},
    }
    for name, row in rows.items():
        scores = (f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
        table.add_row(escape(name), str(row["pictures"]), *scores)
    return table


def _lines(figures: Figures) -> Iterator[tuple[str, str]]:
    yield "accuracy, 95% interval", _share(figures["accuracy"])
    if caution := caution_about(Path(figures["data"])):
        yield "not clean", caution
    pairs = [f"{p['true']} → {p['predicted']} {p['count']}" for p in figures["most_confused"]]
    yield "most confused, true → predicted", ", ".join(pairs) or "none"
    yield from _calibration(figures["calibration"])
    selection = figures["selection"]
    yield "AURC, of it avoidable", f"{selection['aurc']:.4f}, {selection['excess_aurc']:.4f}"
    for point in selection["at_precision"]:
        yield f"coverage at precision {point['wanted']:g}", _reached(point["reached"])
    if figures["novelty"] is not None:
        for name, score in figures["novelty"]["scores"].items():
            accepted = f"{percent(score['novel_accepted'])} let through with 95% of the known"
            yield f"novelty AUROC, {name}", f"{score['auroc']:.3f}; {accepted}"
    timed = figures["latency"]
    yield (
        "latency, one thread, batch 1",
        f"median {timed['median_ms']:.1f} ms, 95% {timed['p95_ms']:.1f} ms",
    )


def _calibration(calibration: Figures) -> Iterator[tuple[str, str]]:
    before, after = calibration["before"], calibration["after"]
    binning = f"{calibration['bins']} bins of equal {calibration['binning']}"
    names = {"ece": f"ECE, {binning}", "nll": "NLL", "brier": "Brier score"}
    for key, name in names.items():
        then = f" → {after[key]:.4f}" if after else ""
        yield name, f"{before[key]:.4f}{then}"
    if after:
        yield "temperature →", f"{calibration['temperature']:.4f} from {calibration['fitted_on']}"


def _reached(choice: Figures | None) -> str:
    if choice is None:
        return "not reached at any threshold"
    precision = choice["precision"]
    return (
        f"{percent(choice['coverage'])} (threshold {choice['threshold']:.4f}; "
        f"{precision['right']} of {precision['pictures']} right)"
    )


def _ways(figures: Figures) -> Table:
    table = _table("shown", "accuracy", "gain (+, −)", "p", "NLL", "ms (95%)")
    for way in figures["ways"]:
        timed = way["latency"]
        table.add_row(
            way["shown"],
            f"{way['accuracy']['value']:.4f}",
            f"{way['gain']:+.4f} ({way['mended']}, {way['broken']})",
            f"{way['p_value']:.2f}",
            f"{way['nll']:.4f}",
            f"{timed['median_ms']:.1f} ({timed['p95_ms']:.1f})",
        )
    return table


def _share(share: Figures) -> str:
    return (
        f"{share['value']:.4f}, {share['low']:.4f} to {share['high']:.4f} "
        f"({share['right']} of {share['pictures']})"
    )


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table
