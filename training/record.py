"""What a run leaves to read.

history.csv                 loss, accuracy, macro F1: one row per epoch
confusion/epoch-03.csv      confusion on val after that epoch
metrics.json, confusion.csv the best epoch so far
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.metrics import Confusion


def write_history(run: Path, history: Sequence[dict[str, float]]) -> None:
    """One row per epoch, all of them each time: the file is small and never half old."""
    with (run / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


def write_metrics(run: Path, metrics: dict[str, Any]) -> None:
    """Figures of the best epoch so far."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    (run / "metrics.json").write_text(text + "\n", encoding="utf-8")


def write_confusion(path: Path, confusion: Confusion) -> None:
    """Counts with names: rows are true classes, columns predicted ones."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ predicted", *confusion.classes])
        for name, row in zip(confusion.classes, confusion.counts.tolist(), strict=True):
            writer.writerow([name, *row])
