"""Train a network: from the settings to the last checkpoint."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn

from training import backbone, compute, record
from training.balance import class_weights, pictures_per_epoch
from training.checkpoint import Checkpoint
from training.ema import MovingAverage
from training.epoch import Judgement, Learner, evaluate, train_one_epoch
from training.errors import BadInput
from training.options import TrainSettings
from training.splits import Splits, open_splits, train_batches, val_batches
from training.transforms import batch_mix

# Seeds of neighbouring runs and epochs must not meet: run 0's epoch 1 is not run 1's epoch 0.
SEED_STRIDE = 100_003


def fit(settings: TrainSettings, console: Console, start: Checkpoint | None = None) -> float:
    """Run all epochs, or those after `start`; returns the best accuracy on val.

    After each epoch `out` holds last.pt, the records of record.py and, of the best epoch so far,
    best.pt. Raises BadInput before the first epoch, never later.
    """
    run = Run(settings, console, start)
    run.announce()
    while not run.finished:
        run.one_epoch()
    return run.best


class Run:
    """The state of one training run, an epoch at a time."""

    def __init__(
        self, settings: TrainSettings, console: Console, start: Checkpoint | None = None
    ) -> None:
        self._settings = settings
        self._console = console
        self._compute = compute.choose(settings)
        _seed_everything(settings.seed)
        self._splits = open_splits(settings)
        network = backbone.build(settings, len(self._splits.classes))
        if start is None:
            backbone.load_weights(network, settings, self._splits.classes)
        network.model.to(self._compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._freeze = backbone.Freeze(network, settings.freeze_stages)
        self._learner = _learner(network, settings, self._splits)
        self._history: list[dict[str, float]] = []
        if start is not None:
            self._go_on_from(start)
        settings.out.mkdir(parents=True, exist_ok=True)

    @property
    def best(self) -> float:
        """Best accuracy on val so far."""
        return max((row["val_accuracy"] for row in self._history), default=0.0)

    @property
    def finished(self) -> bool:
        """All epochs done, or no gain for as long as patience lasts."""
        done, patience = len(self._history), self._settings.patience_epochs
        accuracies = [row["val_accuracy"] for row in self._history]
        return done >= self._settings.epochs or bool(
            patience
            and done > patience
            and max(accuracies[-patience:]) <= max(accuracies[:-patience])
        )

    def announce(self) -> None:
        """Say on the console what is about to be trained, on what, where."""
        settings, splits = self._settings, self._splits
        sets = ", ".join(f"{len(p)} in {name}" for name, p in splits.judged_by.items())
        pictures = pictures_per_epoch(splits.train, settings)
        number = "bf16" if self._compute.bf16 else "fp32"
        self._console.print(
            f"{settings.backbone} {settings.size_px} px, {len(splits.classes)} classes, "
            f"{pictures} pictures an epoch, {sets}; {self._compute.device}, {number}"
        )

    def one_epoch(self) -> None:
        """Learn, judge, write it down."""
        began = time.monotonic()
        epoch = len(self._history)
        seed = self._settings.seed * SEED_STRIDE + epoch
        _seed_everything(seed)
        self._freeze.start_epoch(head_only=epoch < self._settings.freeze_epochs)
        batches = train_batches(self._splits, self._settings, seed)
        quiet = not self._console.is_terminal  # in a log the bar would only leave empty lines
        with Progress(console=self._console, transient=True, disable=quiet) as progress:
            bar = progress.add_task(f"epoch {epoch + 1}", total=len(batches))
            loss = train_one_epoch(
                self._learner, batches, self._compute, lambda: progress.advance(bar)
            )
        judged = self._judge()
        self._history.append(_history_row(epoch, loss, judged, time.monotonic() - began))
        self._console.print(_epoch_line(self._history[-1], self._settings.epochs))
        self._write(judged)

    def _judge(self) -> dict[str, Judgement]:
        model, classes = self._learner.average.model, self._splits.classes
        return {
            name: evaluate(model, val_batches(pictures, self._settings), classes, self._compute)
            for name, pictures in self._splits.judged_by.items()
        }

    def _write(self, judged: dict[str, Judgement]) -> None:
        out, confusion = self._settings.out, judged["val"].confusion
        checkpoint = self._checkpoint(judged)
        record.write_history(out, self._history)
        record.write_confusion(out / f"confusion/epoch-{len(self._history):02}.csv", confusion)
        checkpoint.save(out / "last.pt")
        # The later of two equals: the rate was lower, the average longer.
        if confusion.accuracy >= self.best:
            checkpoint.save(out / "best.pt")
            record.write_metrics(out, checkpoint.metrics)
            record.write_confusion(out / "confusion.csv", confusion)

    def _checkpoint(self, judged: dict[str, Judgement]) -> Checkpoint:
        figures = {name: judgement.confusion.summary() for name, judgement in judged.items()}
        return Checkpoint(
            settings=self._settings.model_dump(mode="json"),
            classes=self._splits.classes,
            history=self._history,
            metrics={"epoch": len(self._history), **figures},
            weights=self._learner.average.model.state_dict(),
            model=self._learner.model.state_dict(),
            optimizer=self._learner.optimizer.state_dict(),
            steps=self._learner.step,
        )

    def _go_on_from(self, start: Checkpoint) -> None:
        if start.classes != self._splits.classes:
            raise BadInput(f"--resume: {self._settings.out} was trained on other classes")
        learner = self._learner
        learner.model.load_state_dict(start.model)
        learner.average.model.load_state_dict(start.weights)
        learner.average.steps = learner.step = start.steps
        learner.optimizer.load_state_dict(start.optimizer)
        self._history = list(start.history)


def _learner(network: backbone.Network, settings: TrainSettings, splits: Splits) -> Learner:
    labels, classes = splits.train.labels, len(splits.classes)
    device = next(network.model.parameters()).device
    weight = class_weights(labels, classes).to(device) if settings.balance == "loss" else None
    steps = pictures_per_epoch(splits.train, settings) // settings.batch
    return Learner(
        model=network.model,
        average=MovingAverage(network.model, settings.ema_decay),
        optimizer=torch.optim.AdamW(backbone.parameter_groups(network, settings)),
        loss=nn.CrossEntropyLoss(weight, label_smoothing=settings.label_smoothing),
        mix=batch_mix(settings, classes),
        total_steps=steps * settings.epochs,
        warmup_steps=round(steps * settings.warmup_epochs),
    )


def _seed_everything(seed: int) -> None:
    """Seed every generator that torch, torchvision or NumPy may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _history_row(
    epoch: int, loss: float, judged: dict[str, Judgement], seconds: float
) -> dict[str, float]:
    row: dict[str, float] = {"epoch": epoch + 1, "train_loss": loss}
    for name, judgement in judged.items():
        row[f"{name}_loss"] = judgement.loss
        row[f"{name}_accuracy"] = judgement.confusion.accuracy
        row[f"{name}_macro_f1"] = judgement.confusion.macro_f1
    return {**row, "seconds": round(seconds, 1)}


def _epoch_line(row: dict[str, Any], epochs: int) -> str:
    figures = [
        f"{key} {value:.4f}" for key, value in row.items() if key not in {"epoch", "seconds"}
    ]
    return f"epoch {row['epoch']}/{epochs}  {'  '.join(figures)}  {row['seconds']} s"
