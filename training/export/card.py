"""The model card: what the file is, what it was measured to do, where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.export.contract import ModelFacts
from training.export.parity import Parity
from training.export.runners import Latency
from training.folders import set_name
from training.metrics import Confusion
from training.options import TrainSettings


@dataclass(frozen=True)
class Measured:
    """Figures of one exported ONNX file: on named sets of pictures, in time, in bytes."""

    sets: Mapping[str, Confusion]
    latency: Sequence[Latency]
    parity: Parity
    bytes: int


def write_card(
    path: Path, title: str, facts: ModelFacts, trained: TrainSettings, measured: Measured
) -> None:
    """Write the card as Markdown."""
    sections = [
        f"# {title}",
        _what(facts),
        _figures(measured),
        _speed(measured),
        _training(trained),
        f"## Provenance and licence\n\n{facts.provenance}",
        _limits(facts),
    ]
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _what(facts: ModelFacts) -> str:
    height, width = facts.size_px
    return (
        f"Classifies one picture of one item: {', '.join(facts.classes)}.\n\n"
        "- Input `image`: uint8 `[batch, height, width, 3]`, RGB, any size; the file squashes it "
        f"to {height}×{width} and normalises it.\n"
        "- Output `probabilities`: float32 `[batch, classes]`.\n"
        f"- Backbone {facts.backbone}; confidence threshold {facts.threshold}, temperature "
        f"{facts.temperature}; class names and these facts are in the file's metadata."
    )


def _figures(measured: Measured) -> str:
    lines = ["## Accuracy", "", "Measured with this ONNX file, pictures at their own size."]
    if not measured.sets:
        lines += ["", "Not measured: no pictures were at hand at export."]
    for name, confusion in measured.sets.items():
        right, all_ = int(confusion.counts.trace()), int(confusion.counts.sum())
        lines += [
            "",
            f"**{name}**: accuracy {confusion.accuracy:.4f} ({right} of {all_}), "
            f"macro F1 {confusion.macro_f1:.4f}",
            "",
            "| class | pictures | precision | recall | F1 |",
            "|---|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {label} | {row['pictures']} | {row['precision']:.3f} | {row['recall']:.3f} "
            f"| {row['f1']:.3f} |"
            for label, row in confusion.per_class().items()
        ]
        lines += ["", f"Most confused: {_confused(confusion)}."]
    return "\n".join(lines)


def _confused(confusion: Confusion) -> str:
    pairs = confusion.most_confused()
    named = [f"{p['true']} taken for {p['predicted']} ({p['count']})" for p in pairs]
    return ", ".join(named) or "none"


def _speed(measured: Measured) -> str:
    lines = [
        "## Size and speed",
        "",
        f"{measured.bytes / 1e6:.1f} MB. ONNX Runtime, one CPU thread, batch 1:",
        "",
        "| picture (height × width) | median | 95th percentile |",
        "|---|---:|---:|",
    ]
    lines += [
        f"| {t.size_px[0]} × {t.size_px[1]} | {t.median_ms:.1f} ms | {t.p95_ms:.1f} ms |"
        for t in measured.latency
    ]
    parity = measured.parity
    lines += [
        "",
        f"Largest difference from the trained network on {parity.pictures} pictures: "
        f"{parity.largest_difference:.4f} in probability, {parity.other_top} other top classes.",
    ]
    return "\n".join(lines)


def _training(trained: TrainSettings) -> str:
    extra = "".join(
        f", {trained.extra_share:.0%} of {set_name(root)} drawn anew each time"
        for root in trained.extra
    )
    return (
        f"## Training\n\nThe last run: {trained.epochs} epochs at {trained.size_px} px, "
        f"batch {trained.batch}; each shows all of {set_name(trained.data)}'s train part{extra}. "
        f"AdamW, linear warm-up and cosine, label smoothing "
        f"{trained.label_smoothing}, averaged weights (decay {trained.ema_decay}); "
        f"{', '.join(_regularisation(trained))}."
    )


def _regularisation(trained: TrainSettings) -> list[str]:
    jitter = max(trained.brightness, trained.contrast, trained.saturation, trained.hue)
    used = {
        f"first {trained.freeze_stages} stages frozen": trained.freeze_stages,
        f"head alone for {trained.freeze_epochs} epochs": trained.freeze_epochs,
        f"crops of at least {trained.crop_min_area:.0%} of the area": trained.crop_min_area < 1,
        "flips both ways": trained.flips,
        "quarter turns": trained.quarter_turns,
        "TrivialAugment": trained.trivial_augment,
        "colour jitter": jitter,
        "random erasing": trained.erase,
        "MixUp or CutMix": trained.mix,
    }
    return [what for what, on in used.items() if on]


def _limits(facts: ModelFacts) -> str:
    return (
        "## Limits\n\nIt knows these "
        f"{len(facts.classes)} classes and names one of them for anything it is shown. Figures on "
        "the pictures above do not carry over to another camera, light or belt: measure there. "
        "Choices were made with val in view, which makes that figure a little too good. "
        "Probabilities are not calibrated beyond the temperature given."
    )
