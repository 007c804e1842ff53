"""Sections on what the model was measured to do: on pictures, in bytes, on the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.clean_figures import caution_about
from training.evaluate.interval import Share
from training.folders import set_name
from training.metrics import percent
from training.report import words
from training.report.document import Section, measured, missing
from training.report.sources import Source, line_source, line_threshold
from training.report.words import bullets, confused, counted, interval, ms, table

EVALUATE = "python -m training evaluate MODEL.onnx --data LABELLED --out DIR"
CLASS_COLUMNS = ("class", "pictures", "precision", "recall (95% interval)", "F1")


def accuracy(evaluated: Sequence[Source], exported: Sequence[Source]) -> list[Section]:
    """Accuracy on each set: by `evaluate`, or at least as `export` checked it."""
    if evaluated:
        return [_evaluated(source) for source in evaluated]
    sections = [_exported(source) for source in exported if source.figures["sets"]]
    return sections or [missing("Accuracy", "metrics.json of `evaluate`", EVALUATE)]


def _evaluated(source: Source) -> Section:
    figures = source.figures
    right = figures["accuracy"]
    known = {
        "Accuracy (95% interval)": f"{interval(counted(right))}, {right['right']} of "
        f"{right['pictures']} pictures",
        "Macro F1": f"{figures['macro']['f1']:.4f}",
        "Most confused": confused(figures["most_confused"]),
        **{
            name: f"{figures['calibration']['before'][key]:.4f}"
            for key, name in words.SCORES.items()
        },
        **dict(_at_precision(point) for point in figures["selection"]["at_precision"]),
    }
    parts = [bullets(known), *_not_clean(Path(figures["data"])), _per_class(figures["per_class"])]
    text = "\n\n".join(parts)
    return measured(f"Accuracy on {figures['data']}", text, source)


def _exported(source: Source) -> Section:
    parts = []
    for name, figures in source.figures["sets"].items():
        right = Share(round(figures["accuracy"] * figures["pictures"]), figures["pictures"])
        parts += [
            f"**{name}**: accuracy {interval(right)}, {right.right} of {right.of} pictures, macro "
            f"F1 {figures['macro']['f1']:.4f}. "
            f"Most confused: {confused(figures['most_confused'])}.",
            *_not_clean(Path(name)),
            _per_class(figures["per_class"]),
        ]
    return measured("Accuracy", "\n\n".join(parts), source)


def _not_clean(pictures: Path) -> list[str]:
    """What is to be said beside figures on a folder of pictures."""
    caution = caution_about(pictures)
    return [f"**Not clean: {caution}.**"] if caution else []


def _at_precision(point: Mapping[str, Any]) -> tuple[str, str]:
    name = f"Coverage at a precision of {percent(point['wanted'])}"
    reached = point["reached"]
    if reached is None:
        return name, "no threshold reaches it"
    return name, f"{percent(reached['coverage'])} (threshold {reached['threshold']:.4f})"


def _per_class(rows: Mapping[str, Mapping[str, float]]) -> str:
    cells = [
        [
            name,
            row["pictures"],
            percent(row["precision"]),
            interval(Share(round(row["recall"] * row["pictures"]), int(row["pictures"]))),
            f"{row['f1']:.3f}",
        ]
        for name, row in rows.items()
    ]
    return table(CLASS_COLUMNS, cells)


def latency(evaluated: Sequence[Source], exported: Sequence[Source]) -> list[Section]:
    """Time of one picture on one thread, and where that was."""
    sections = [_latency(source) for source in evaluated]
    sections += [_latency_by_size(source) for source in exported]
    return sections or [missing("Latency", "metrics.json of `evaluate`", EVALUATE)]


def _latency(source: Source) -> Section:
    timed = source.figures["latency"]
    text = (
        f"Batch {timed['batch']}, {timed['threads']} thread, {timed['pictures']} pictures of "
        f"{set_name(Path(source.figures['data']))}: median {ms(timed['median_ms'])}, 95th "
        f"percentile {ms(timed['p95_ms'])}. {words.machine(source.figures.get('machine'))}"
    )
    return measured("Latency", text, source)


def _latency_by_size(source: Source) -> Section:
    rows = [
        [f"{timed['height_px']} × {timed['width_px']}", ms(timed["median_ms"]), ms(timed["p95_ms"])]
        for timed in source.figures["latency"]
    ]
    text = (
        "Batch 1, 1 thread, random pixels.\n\n"
        + table(["picture (height × width)", "median", "95th percentile"], rows)
        + f"\n\n{words.machine(source.figures.get('machine'))}"
    )
    return measured("Latency by size of the picture", text, source)


def line(sources: Sequence[Source]) -> list[Section]:
    """A run of the line: in time, right, purity and recovery."""
    command = "python run_line.py run --source LABELLED --model MODEL.onnx"
    if not sources:
        return [missing("On the line", "summary.json of a run of the line", command)]
    return [_line(source) for source in sources]


def _line(source: Source) -> Section:
    figures = source.figures
    items, threshold = figures["items"], line_threshold(source)
    deadline = figures["deadline_ms"]
    facts = {
        "Pictures": line_source(source) or words.NONE,
        "Items": f"{items['fed']} fed, {items['lost']} lost, {items['duplicates']} twice",
        "Accuracy of the classified": percent(figures["accuracy"]),
        "Answered in time": percent(figures["in_time_rate"])
        + ("; no deadline at this speed" if deadline is None else f", deadline {ms(deadline)}"),
        "Left on the belt for want of confidence": f"{figures['low_confidence']}, threshold "
        + (words.NONE if threshold is None else f"{threshold:.4f}"),
        "Latency, trigger to decision": _line_latency(figures),
        "Throughput": f"{figures['throughput_fps']:.1f} answers a second; workers: "
        f"{figures['workers']}, speed: {figures['speed']}",
    }
    verdicts = [[name, count] for name, count in figures["verdicts"].items() if count]
    fed_from = line_source(source)
    parts = [
        bullets(facts),
        *(_not_clean(Path(fed_from)) if fed_from else []),
        table(["verdict", "items"], verdicts),
        _purity(figures),
    ]
    return measured(f"On the line: {figures['scenario']}", "\n\n".join(parts), source)


def _line_latency(figures: Mapping[str, Any]) -> str:
    taken = figures["latency_ms"]
    if taken is None:
        return "nothing was answered"
    waits = "; a full queue at speed max, so mostly waiting" if figures["speed"] == "max" else ""
    return f"median {ms(taken['p50'])}, 95th percentile {ms(taken['p95'])}{waits}"


def _purity(figures: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            percent(purity),
            percent(figures["purity_by_mass"][name]),
            percent(figures["recovery"][name]),
            percent(figures["recovery_by_mass"][name]),
        ]
        for name, purity in figures["purity"].items()
    ]
    formula = (
        "Purity: right items in a bin ÷ all items in it. Recovery: items of a class ejected into "
        "its bin (or rightly left on the belt, where it has none) ÷ its items fed."
    )
    return f"{table(['class', 'purity', 'by mass', 'recovery', 'by mass'], rows)}\n\n{formula}"
