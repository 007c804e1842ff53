"""How good, how large and how fast each variant is, as a table on the screen and in files."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from training.evaluate.calibration_scores import nll
from training.export.runners import Runner, onnx_runner
from training.whole_file import replace_table, replace_text

ROUNDS, A_ROUND, WARM_UP = 30, 4, 5
TIMED_SIDE_PX = 224


@dataclass(frozen=True)
class Judged:
    """Figures of one model on the same pictures; `probabilities` are `[pictures, classes]`.

    Where some of them are not numbers, nothing is right and `nll` is infinite.
    """

    accuracy: float
    nll: float
    probabilities: NDArray[np.float32]

    @property
    def is_finite(self) -> bool:
        """Whether all answers are numbers."""
        return math.isfinite(self.nll)

    def other_top(self, than: Judged) -> int:
        """Pictures for which it names another class than `than` does."""
        return int((self.probabilities.argmax(1) != than.probabilities.argmax(1)).sum())


def judge_model(
    model: onnx.ModelProto, pictures: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Judged:
    """Answer `[n, h, w, 3]`, one at a time, as the line does."""
    run = onnx_runner(model.SerializeToString())
    probabilities = np.concatenate([run(picture[None]) for picture in pictures])
    if not np.isfinite(probabilities).all():
        return Judged(0.0, math.inf, probabilities)
    right = probabilities.argmax(1) == labels
    return Judged(float(right.mean()), nll(probabilities, labels), probabilities)


def latencies_ms(models: Mapping[str, onnx.ModelProto]) -> dict[str, float]:
    """Median milliseconds a picture of 224 × 224 takes each model, on one thread.

    They take turns, so that whatever else the machine does troubles all alike.
    """
    runs: dict[str, Runner] = {
        name: onnx_runner(model.SerializeToString()) for name, model in models.items()
    }
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (1, TIMED_SIDE_PX, TIMED_SIDE_PX, 3), dtype=np.uint8)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(WARM_UP):
            run(picture)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            for _ in range(A_ROUND):
                began = time.perf_counter()
                run(picture)
                times[name].append((time.perf_counter() - began) * 1e3)
    return {name: float(np.median(taken)) for name, taken in times.items()}


@dataclass(frozen=True)
class Entry:
    """A model that was tried, under the name it has in the table."""

    name: str
    model: onnx.ModelProto
    judged: Judged


@dataclass(frozen=True)
class Row:
    """One model of the table.

    `drop` is the accuracy it costs against `float32`, the network; `other_top` counts those of the
    `pictures` for which it names another class; `ratio_to_plain` is the plain export's latency ÷
    its own, so above 1 it is faster; both latencies are of the same minutes.
    """

    name: str
    accuracy: float
    nll: float
    drop: float
    other_top: int
    pictures: int
    size_bytes: int
    latency_ms: float
    ratio_to_plain: float
    ratio_to_fp32: float
    chosen: bool


def rows_of(entries: Sequence[Entry], times: Mapping[str, float], keep: Entry | None) -> list[Row]:
    """One row an entry, the first two of which are the plain export and float32."""
    plain, float32 = entries[0], entries[1]
    return [
        Row(
            name=entry.name,
            accuracy=entry.judged.accuracy,
            nll=entry.judged.nll,
            drop=float32.judged.accuracy - entry.judged.accuracy,
            other_top=entry.judged.other_top(float32.judged),
            pictures=len(entry.judged.probabilities),
            size_bytes=len(entry.model.SerializeToString()),
            latency_ms=times[entry.name],
            ratio_to_plain=times[plain.name] / times[entry.name],
            ratio_to_fp32=times[float32.name] / times[entry.name],
            chosen=keep is not None and entry.name == keep.name,
        )
        for entry in entries
    ]


def write_table(folder: Path, rows: Sequence[Row], facts: dict[str, Any]) -> None:
    """quantize.csv, a row a model, and quantize.json: the same and how they were measured."""
    folder.mkdir(parents=True, exist_ok=True)
    # JSON has no word for infinite.
    table = [{k: None if v == math.inf else v for k, v in asdict(row).items()} for row in rows]
    replace_table(folder / "quantize.csv", [list(table[0]), *(list(row.values()) for row in table)])
    text = json.dumps({**facts, "rows": table}, indent=2, ensure_ascii=False)
    replace_text(folder / "quantize.json", text + "\n")


def print_table(rows: Sequence[Row], console: Console) -> None:
    """One line a model; the chosen one is marked."""
    table = Table(box=None, pad_edge=False)
    titles = ("", "", "accuracy", "drop", "other class", "loss", "MB", "ms", "× plain", "× fp32")
    for title in titles:
        table.add_column(title, justify="left" if not title else "right")
    for row in rows:
        table.add_row(
            "→" if row.chosen else " ",
            row.name,
            f"{row.accuracy:.4f}",
            f"{row.drop:+.4f}",
            f"{row.other_top} of {row.pictures}",
            f"{row.nll:.4f}",
            f"{row.size_bytes / 1e6:.1f}",
            f"{row.latency_ms:.2f}",
            f"{row.ratio_to_plain:.2f}",
            f"{row.ratio_to_fp32:.2f}",
        )
    console.print(table)
