"""What `export` measured, beside the file it wrote: MODEL.export.json, and a first card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.export.runners import Latency
from training.machine import describe_machine
from training.metrics import Confusion
from training.report.card import write_card
from training.report.material import Material
from training.report.model import ReportedModel
from training.train.options import TrainSettings


@dataclass(frozen=True)
class Measured:
    """Figures of one exported ONNX file: on named sets of pictures, and in time."""

    sets: Mapping[str, Confusion]
    latency: Sequence[Latency]


def write_measured(
    path: Path, title: str, checkpoint: Path, trained: TrainSettings, measured: Measured
) -> None:
    """Write record and card of the model at `path`, exported from `checkpoint`."""
    model = ReportedModel.open(path)
    record = path.with_suffix(".export.json")
    text = json.dumps(_figures(model, checkpoint, measured), indent=2, ensure_ascii=False)
    record.write_text(text + "\n", encoding="utf-8")
    run = checkpoint if checkpoint.is_dir() else checkpoint.parent
    at_hand = (run / "metrics.json", trained.data / "manifest.json")
    material = Material.gather([record, *(file for file in at_hand if file.is_file())], path)
    write_card(path.with_suffix(".md"), title, material, model)


def _figures(model: ReportedModel, checkpoint: Path, measured: Measured) -> dict[str, Any]:
    return {
        "model": {
            "file": str(model.path),
            "sha256": model.sha256,
            "bytes": model.size_bytes,
        },
        "checkpoint": str(checkpoint),
        "sets": {name: confusion.summary() for name, confusion in measured.sets.items()},
        "latency": [
            {
                "height_px": timed.size_px[0],
                "width_px": timed.size_px[1],
                "median_ms": timed.median_ms,
                "p95_ms": timed.p95_ms,
            }
            for timed in measured.latency
        ],
        "machine": describe_machine(),
    }
