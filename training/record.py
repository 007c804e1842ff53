"""What a run leaves to read, one file each; `run_folder` says when which is written."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.metrics import Confusion
from training.train.options import TrainSettings
from training.whole_file import replacing


def write_history(run: Path, history: Sequence[dict[str, float]]) -> None:
    """history.csv: one row per epoch, all of them each time; empty where a set came later."""
    columns = list(dict.fromkeys(key for row in history for key in row))
    with (
        replacing(run / "history.csv") as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=columns)
        writer.writeheader()
        writer.writerows(history)


def write_metrics(run: Path, metrics: dict[str, Any]) -> None:
    """metrics.json: figures of the best epoch so far."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    _write_text(run / "metrics.json", text + "\n")


def write_confusion(path: Path, confusion: Confusion) -> None:
    """Counts with names: rows are true classes, columns predicted ones."""
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ predicted", *confusion.classes])
        for name, row in zip(confusion.classes, confusion.counts.tolist(), strict=True):
            writer.writerow([name, *row])


def write_config(run: Path, settings: TrainSettings) -> None:
    """config.toml: every option but --out and --resume; with --config it makes the run anew."""
    options = settings.model_dump(mode="json", exclude={"out", "resume"}, exclude_none=True)
    # JSON's strings, numbers, booleans and lists are written as TOML's are.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in options.items()]
    _write_text(run / "config.toml", "\n".join(["[train]", *lines]) + "\n")


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
