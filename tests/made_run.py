"""Run folders and evaluations made by hand, for whoever reads them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from line.config import load
from line.model.facts import FILE, ModelFacts
from line.outcome import Outcome
from line.run_files.review_file import QueuedItem
from sinks.csv_log import CsvLog
from sinks.review_queue import ReviewQueue
from tests.sinks.test_csv_log import outcome

CLASSES = ("glass", "metal", "paper")


def waiting(seq: int, classes: Sequence[str] = CLASSES) -> QueuedItem:
    """A queued item; the lower its number, the more doubtful."""
    return QueuedItem(
        frame_id=f"0-{seq}",
        image=f"images/0-{seq}.png",
        predicted_class=classes[seq % 3],
        confidence=0.45,
        margin=0.01 * seq,
        top3=f"{classes[0]}:0.4500|{classes[2]}:0.3500|{classes[1]}:0.2000",
        reason="random" if seq == 4 else "margin",
        scheduled_s=100.0 - seq,
        picture_hash=seq,
    )


def make_run(
    folder: Path, classes: Sequence[str] = CLASSES, rows: Sequence[Outcome] | None = None
) -> Path:
    """A finished run with nine rows; the items 1 to 6 wait for a label, 1 the most doubtful."""
    folder.mkdir(parents=True)
    facts = ModelFacts(path="tiny.onnx", sha256="ab" * 32, classes=tuple(classes))
    (folder / FILE).write_text(facts.model_dump_json())
    (folder / "settings.json").write_text(load().model_dump_json())
    with closing(CsvLog(folder / "results.csv")) as log:
        log.store(list(rows or map(outcome, range(9))))
    with ReviewQueue(folder / "review") as queue:
        queue.add([waiting(seq, classes) for seq in range(1, 7)])
        for seq in range(1, 7):
            queue.write_image(f"images/0-{seq}.png", png(30 * seq))
    return folder


def png(grey: int) -> bytes:
    """A small picture of one grey."""
    picture = io.BytesIO()
    Image.fromarray(np.full((6, 8, 3), grey, np.uint8)).save(picture, "PNG")
    return picture.getvalue()


def account(run: Path, **figures: Any) -> None:
    """A summary.json and a report.html, as if the run had been accounted for."""
    summary = {
        "scenario": "demo",
        "ended": "finished",
        "items": {"fed": 9, "logged": 9, "lost": 0, "duplicates": 0},
        "in_time_rate": 1.0,
        "accuracy": 0.875,
        "review_queue": 6,
        "workers": 2,
        "speed": 1.0,
        "seed": 7,
    }
    (run / "summary.json").write_text(json.dumps(summary | figures))
    (run / "report.html").write_text("<!doctype html><title>Report</title><h1>It went well</h1>")


def make_evaluation(
    folder: Path, sha256: str, classes: Sequence[str] = CLASSES, data: str = "data/val"
) -> Path:
    """What `training evaluate` leaves: four pictures of each class, one of the last one wrong."""
    folder.mkdir(parents=True)
    share = {"value": 11 / 12, "low": 0.65, "high": 0.99, "right": 11, "pictures": 12}
    figures = {
        "model": {"file": "models/tiny.onnx", "sha256": sha256, "classes": list(classes)},
        "data": data,
        "pictures": 12,
        "accuracy": share,
        "macro": {"precision": 0.9, "recall": 0.9, "f1": 0.9},
        "per_class": {
            name: {"precision": 0.9, "recall": 0.9, "f1": 0.9, "pictures": 4} for name in classes
        },
        "calibration": {"before": {"ece": 0.05, "nll": 0.2, "brier": 0.1}},
        "selection": {"aurc": 0.01},
        "latency": {"median_ms": 6.0, "p95_ms": 7.0},
    }
    (folder / "metrics.json").write_text(json.dumps(figures))
    rows = [["true", *classes]]
    rows += [[name, *(4 * (other == name) for other in classes)] for name in classes]
    rows[-1][-2:] = [1, 3]
    (folder / "confusion.csv").write_text("".join(",".join(map(_cell, row)) + "\n" for row in rows))
    steps = "".join(f"{1 - n / 24},{n},{min(n, 11)},0,0\n" for n in range(1, 13))
    (folder / "risk_coverage.csv").write_text("threshold,accepted,right,coverage,risk\n" + steps)
    (folder / "worst.html").write_text(
        "<!doctype html><title>x</title><script>top.hacked=1</script>"
    )
    return folder


def _cell(value: object) -> str:
    return '"' + str(value).replace('"', '""') + '"'
