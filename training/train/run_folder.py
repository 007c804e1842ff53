"""A run's folder.

last.pt                     all it takes to go on; what it says counts, so it is written last
best.pt                     the best epoch so far
config.toml                 the options; `train --config` with it makes the run anew
history.csv, history.png    loss, accuracy, macro F1 and rate: one row per epoch; the chart is drawn
                            as often as there is time for it, and at the end
confusion/epoch-03.csv      confusion on val after that epoch
metrics.json                figures of the best epoch, as are
confusion.csv, confusion.png, errors.html
train.lock                  held by the training that is at work here

A run killed before last.pt does that epoch again, to the same end, and writes these again.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from training.charts import history_chart, png
from training.confusion_chart import confusion_chart
from training.errors import BadInput, TrainingError
from training.folder_lock import FolderLock
from training.folders import PictureFolder
from training.metrics import Confusion, never_right_line
from training.train.error_page import write_error_page
from training.train.options import TrainSettings
from training.whole_file import check_writable, replace_bytes, replace_table, replace_text

if TYPE_CHECKING:  # they load torch, which `evaluate` does without
    from training.checkpoint import Checkpoint
    from training.train.epoch import Judgement


def write_history(run: Path, history: Sequence[dict[str, float]]) -> None:
    """history.csv: one row per epoch, all of them each time; empty where a set came later."""
    columns = list(dict.fromkeys(key for row in history for key in row))
    rows = ([row.get(column, "") for column in columns] for row in history)
    replace_table(run / "history.csv", [columns, *rows])


def write_metrics(run: Path, metrics: dict[str, Any]) -> None:
    """metrics.json: figures of the best epoch so far."""
    text = json.dumps(metrics, indent=2, ensure_ascii=False)
    replace_text(run / "metrics.json", text + "\n")


def write_confusion(path: Path, confusion: Confusion) -> None:
    """Counts with names: rows are true classes, columns predicted ones."""
    path.parent.mkdir(exist_ok=True)
    counts = zip(confusion.classes, confusion.counts.tolist(), strict=True)
    rows = [[name, *row] for name, row in counts]
    replace_table(path, [["true \\ predicted", *confusion.classes], *rows])


def write_config(run: Path, settings: TrainSettings) -> None:
    """config.toml: every option but --out and --resume; with --config it makes the run anew."""
    options = settings.model_dump(mode="json", exclude={"out", "resume"}, exclude_none=True)
    # JSON's strings, numbers, booleans and lists are written as TOML's are.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in options.items()]
    replace_text(run / "config.toml", "\n".join(["[train]", *lines]) + "\n")


def how_to_go_on(run: Path) -> str:
    """What somebody who interrupted a training wants to know."""
    if not (run / "last.pt").is_file():
        return "interrupted before anything was written; the same command begins anew"
    command = shlex.join(["python", "-m", "training", "train", "--resume", "--out", str(run)])
    return f"interrupted; `{command}` goes on after the last whole epoch"


def warning_of_run(run: Path) -> str | None:
    """A line that names the classes that the best epoch never recognises; None if it knows all."""
    try:
        metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
        return never_right_line(metrics["val"]["per_class"], "on val")
    except (OSError, ValueError, KeyError):  # somebody has put it elsewhere, and needs no warning
        return None


WORST_SHOWN = 24
LOCK = "train.lock"
_CHART_SHARE = 0.05
"""Of the time, for drawing history.png while the run goes on."""
OF_BEST = ("best.pt", "metrics.json", "confusion.csv", "confusion.png", "errors.html")


class TrainingFolder:
    """Where a run writes. Raises BadInput at once if nothing can be written there."""

    def __init__(self, out: Path) -> None:
        self.path = out
        self._next_chart = 0.0
        self._lock = FolderLock(out, LOCK, "--out", "another training")
        check_writable("--out", out)

    def refuse_earlier_run(self) -> None:
        """Raise BadInput if a run stands here: hours of it would go for a forgotten option."""
        if (self.path / "last.pt").exists():
            raise BadInput(
                f"--out {self.path}: holds a run; --resume goes on with it, "
                "a new one needs another folder"
            )

    def lock(self) -> None:
        """Keep other trainings out of a folder that is there; `begin` does it for a new one."""
        self._lock.acquire()

    def release(self) -> None:
        """Let other trainings in."""
        self._lock.release()

    def begin(
        self, settings: TrainSettings, start: Checkpoint, best_epoch: int, *, new: bool
    ) -> None:
        """Make the folder agree with `start`: what an earlier run or a lost epoch left goes.

        Raises BadInput where another training is at work, or was since the folder was looked at.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            if new:
                self.refuse_earlier_run()
            write_config(self.path, settings)
            self._forget_after(len(start.history))
            self._write_history(start.history, best_epoch, chart=True)
            start.save(self.path / "last.pt")
        except OSError as error:
            raise BadInput(f"--out {self.path}: {error.strerror or error}") from error

    def write_epoch(
        self,
        checkpoint: Checkpoint,
        judged: Judgement,
        val: PictureFolder,
        *,
        best_epoch: int,
        last: bool,
    ) -> None:
        """Write down the epoch that `checkpoint` ends with; `judged` is its judgement by `val`.

        `best_epoch` is the best so far; `last` says whether this one ends the run.

        Raises TrainingError if it cannot be written, as on a full disk; the run can be resumed.
        """
        epoch = len(checkpoint.history)
        try:
            chart = last or monotonic() >= self._next_chart
            self._write_history(checkpoint.history, best_epoch, chart=chart)
            write_confusion(self._confusion_of(epoch), judged.confusion)
            if best_epoch == epoch:
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
        chart = confusion_chart(judged.confusion, f"epoch {epoch}, on val")
        replace_bytes(out / "confusion.png", png(chart))
        try:
            title = f"{out.name}: errors of epoch {epoch} on val"
            write_error_page(out / "errors.html", title, val, judged.probabilities, WORST_SHOWN)
        except BadInput:  # a picture has gone since the run began, which goes on without it
            (out / "errors.html").unlink(missing_ok=True)

    def _write_history(
        self, history: Sequence[dict[str, float]], best_epoch: int, *, chart: bool
    ) -> None:
        if not history:
            return
        write_history(self.path, history)
        if chart:
            began = monotonic()
            replace_bytes(self.path / "history.png", png(history_chart(history, best_epoch)))
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
