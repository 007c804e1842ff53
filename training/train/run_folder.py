"""A run's folder.

last.pt                     all it takes to go on; what it says counts, so it is written last
best.pt                     the best epoch so far
config.toml                 the options; `train --config` with it makes the run anew
history.csv, history.png    loss, accuracy, macro F1 and rate: one row per epoch; the chart is drawn
                            as often as there is time for it, and at the end
confusion/epoch-03.csv      confusion on val after that epoch
metrics.json                figures of the best epoch, as are
confusion.csv, confusion.png, errors.html

A run killed before last.pt does that epoch again, to the same end, and writes these again.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from training.charts import draw_confusion, draw_history
from training.errors import BadInput, TrainingError
from training.folders import PictureFolder
from training.metrics import Confusion
from training.train.error_page import write_error_page
from training.train.options import TrainSettings
from training.whole_file import check_writable, replace_text, replacing

if TYPE_CHECKING:  # they load torch, which `evaluate` does without
    from training.checkpoint import Checkpoint
    from training.train.epoch import Judgement


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
    replace_text(run / "metrics.json", text + "\n")


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
    replace_text(run / "config.toml", "\n".join(["[train]", *lines]) + "\n")


WORST_SHOWN = 24
_CHART_SHARE = 0.05
"""Of the time, for drawing history.png while the run goes on."""
OF_BEST = ("best.pt", "metrics.json", "confusion.csv", "confusion.png", "errors.html")


class TrainingFolder:
    """Where a run writes. Raises BadInput at once if nothing can be written there."""

    def __init__(self, out: Path) -> None:
        self.path = out
        self._next_chart = 0.0
        check_writable("--out", out)

    def refuse_earlier_run(self) -> None:
        """Raise BadInput if a run stands here: hours of it would go for a forgotten option."""
        if (self.path / "last.pt").exists():
            raise BadInput(
                f"--out {self.path}: holds a run; --resume goes on with it, "
                "a new one needs another folder"
            )

    def begin(self, settings: TrainSettings, start: Checkpoint) -> None:
        """Make the folder agree with `start`: what an earlier run or a lost epoch left goes."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_config(self.path, settings)
            self._forget_after(len(start.history))
            self._write_history(start.history, chart=True)
            start.save(self.path / "last.pt")
        except OSError as error:
            raise BadInput(f"--out {self.path}: {error.strerror or error}") from error

    def write_epoch(
        self,
        checkpoint: Checkpoint,
        judged: Judgement,
        val: PictureFolder,
        *,
        best: bool,
        last: bool,
    ) -> None:
        """Write down the epoch that `checkpoint` ends with; `judged` is its judgement by `val`.

        `best` and `last`: whether it is the best so far, and the one that ends the run.

        Raises TrainingError if it cannot be written, as on a full disk; the run can be resumed.
        """
        epoch = len(checkpoint.history)
        try:
            self._write_history(checkpoint.history, chart=last or monotonic() >= self._next_chart)
            write_confusion(self._confusion_of(epoch), judged.confusion)
            if best:
                self._write_best(checkpoint, judged, val)
            checkpoint.save(self.path / "last.pt")
        except OSError as error:
            fault = error.strerror or error
            raise TrainingError(
                f"{self.path}: {fault}; --resume does epoch {epoch} again"
            ) from error

    def _write_best(self, checkpoint: Checkpoint, judged: Judgement, val: PictureFolder) -> None:
        out, epoch = self.path, len(checkpoint.history)
        checkpoint.save(out / "best.pt")
        write_metrics(out, checkpoint.metrics)
        write_confusion(out / "confusion.csv", judged.confusion)
        with replacing(out / "confusion.png") as partial:
            draw_confusion(partial, judged.confusion, f"epoch {epoch}, on val")
        try:
            with replacing(out / "errors.html") as partial:
                title = f"{out.name}: errors of epoch {epoch} on val"
                write_error_page(partial, title, val, judged.probabilities, WORST_SHOWN)
        except BadInput:  # a picture has gone since the run began, which goes on without it
            (out / "errors.html").unlink(missing_ok=True)

    def _write_history(self, history: Sequence[dict[str, float]], *, chart: bool) -> None:
        if not history:
            return
        write_history(self.path, history)
        if chart:
            began = monotonic()
            with replacing(self.path / "history.png") as partial:
                draw_history(partial, history)
            self._next_chart = monotonic() + (monotonic() - began) / _CHART_SHARE

    def _forget_after(self, epochs: int) -> None:
        if epochs == 0:
            for name in (*OF_BEST, "history.csv", "history.png"):
                (self.path / name).unlink(missing_ok=True)
            shutil.rmtree(self.path / "confusion", ignore_errors=True)
        later = epochs + 1
        while self._confusion_of(later).exists():
            self._confusion_of(later).unlink()
            later += 1

    def _confusion_of(self, epoch: int) -> Path:
        return self.path / f"confusion/epoch-{epoch:02}.csv"
