"""Sections on how the model was trained, and on its quantisation."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.folders import set_name
from training.metrics import percent
from training.report import words
from training.report.document import Section, measured, missing
from training.report.sources import Source, settings_of
from training.report.words import megabytes, ms, table
from training.train.options import TrainSettings

PREPARE = "python -m training prepare PICTURES --out DATA"
TRAIN = "python -m training train --data DATA --out RUN"
FIGURES = ("train_loss", "val_loss", "val_accuracy", "val_macro_f1")


def data(sources: Sequence[Source]) -> list[Section]:
    """Pictures of each class in each split."""
    if not sources:
        return [missing("Data", "manifest.json of a prepared folder", PREPARE)]
    return [_data(source) for source in sources]


def _data(source: Source) -> Section:
    counts = source.figures["counts"]
    splits = list(counts)
    rows = [
        [name, *(counts[split][name] for split in splits)] for name in source.figures["classes"]
    ]
    total = ["all", *(sum(counts[split].values()) for split in splits)]
    text = (
        f"`{set_name(source.folder)}`, prepared from `{source.figures['source']}`; the SHA-256 of "
        "each picture is in the manifest.\n\n" + table(["pictures", *splits], [*rows, total])
    )
    return measured("Data", text, source)


def training(sources: Sequence[Source]) -> list[Section]:
    """The run's settings, its epochs, and the figures of its best one."""
    if not sources:
        return [missing("Training", "metrics.json and history.csv of a training run", TRAIN)]
    return [_training(source) for source in sources]


def _training(source: Source) -> Section:
    settings = settings_of(source)
    best = source.figures["val"]
    chosen_by = source.figures.get("chosen_by", "accuracy")
    lines = [
        described(settings) if settings else "The run's checkpoint is gone.",
        f"Best epoch: {source.figures['epoch']}, accuracy on val {percent(best['accuracy'])} of "
        f"{best['pictures']} pictures. It was chosen by {chosen_by} there, which makes the figures "
        "a little too good.",
        _history(source),
    ]
    return measured("Training", "\n\n".join(line for line in lines if line), source)


def described(settings: TrainSettings) -> str:
    """A sentence on a run's settings."""
    jitter = max(settings.brightness, settings.contrast, settings.saturation, settings.hue)
    used = {
        f"first {settings.freeze_stages} stages frozen": settings.freeze_stages,
        f"head alone for {settings.freeze_epochs} epochs": settings.freeze_epochs,
        f"label smoothing {settings.label_smoothing}": settings.label_smoothing,
        f"averaged weights (decay {settings.ema_decay})": settings.ema_decay,
        f"crops of at least {settings.crop_min_area:.0%} of the area": settings.crop_min_area < 1,
        "flips both ways": settings.flips,
        "quarter turns": settings.quarter_turns,
        "TrivialAugment": settings.trivial_augment,
        "colour jitter": jitter,
        "random erasing": settings.erase,
        "MixUp or CutMix": settings.mix,
    }
    return (
        f"{settings.backbone} from weights `{settings.weights}`, at most {settings.epochs} epochs "
        f"at {settings.size_px} px, batch {settings.batch}, rate {settings.rate:g}; "
        f"{', '.join(what for what, on in used.items() if on)}. Seed {settings.seed}."
    )


def _history(source: Source) -> str:
    file = source.folder / "history.csv"
    if not file.is_file():
        return ""
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows:
        return ""
    figures = [name for name in FIGURES if name in rows[0]]
    head = ["epoch", *(name.replace("_", " ") for name in figures)]
    return table(
        head, [[row["epoch"], *(f"{float(row[name]):.4f}" for name in figures)] for row in rows]
    )


QUANTIZE = "python -m training quantize RUN --data DATA --out MODEL.onnx --report DIR"
COLUMNS = (
    *("model", "accuracy", "drop", "another class than float", "size", "latency"),
    *("times as fast as float", "chosen"),
)


def quantization(sources: Sequence[Source]) -> list[Section]:
    """The table of models."""
    if not sources:
        return [missing("Quantisation", "quantize.csv of `quantize`", QUANTIZE)]
    return [_quantization(source) for source in sources]


def _quantization(source: Source) -> Section:
    file = source.folder / "quantize.csv"
    if not file.is_file():
        return missing("Quantisation", str(file), QUANTIZE)
    figures = source.figures
    text = (
        f"{table(COLUMNS, _rows(file))}\n\nAccuracy on {figures['judged_on']}, by which the "
        "variant was chosen: it is a little too good. Drop is what eight bits cost of it, at most "
        f"{figures['max_drop']} was allowed. "
        "Errors may cancel: how many pictures got another class says how far a model has moved. "
        f"Latency: {figures['latency']}. "
        f"{words.machine(figures.get('machine'))}"
    )
    return measured("Quantisation", text, replace(source, file=file))


def _rows(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return [
            [
                row["name"],
                percent(float(row["accuracy"])),
                f"{float(row['drop']):+.4f}",
                f"{row['other_top']} of {row['pictures']}" if row.get("other_top") else "",
                megabytes(int(row["size_bytes"])),
                ms(float(row["latency_ms"])),
                f"{float(row['ratio_to_fp32']):.2f}",
                "yes" if row["chosen"].lower() in {"true", "1", "yes"} else "",
            ]
            for row in csv.DictReader(lines)
        ]
