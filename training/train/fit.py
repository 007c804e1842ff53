"""Train a network: from the settings to the last checkpoint."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn

from training import backbone, compute
from training.checkpoint import Checkpoint
from training.errors import BadInput
from training.metrics import Confusion
from training.run_logs import RunLogs, check_installed
from training.train.epoch import Judgement, Learner, MovingAverage, evaluate, train_one_epoch
from training.train.options import TrainSettings
from training.train.progress import RunBar, epoch_line
from training.train.run_folder import TrainingFolder
from training.train.schedule import Schedule
from training.train.splits import (
    Splits,
    class_weights,
    open_splits,
    pictures_per_epoch,
    train_batches,
    val_batches,
)
from training.transforms import batch_mix

# Seeds of neighbouring runs and epochs must not meet: run 0's epoch 1 is not run 1's epoch 0.
SEED_STRIDE = 100_003


def fit(settings: TrainSettings, console: Console, start: Checkpoint | None = None) -> float:
    """Run all epochs, or those after `start`; returns the best accuracy on val.

    After each epoch `out` holds what `run_folder` lists. Raises BadInput before the first epoch,
    never later; TrainingError where an epoch cannot be written down.
    """
    check_installed(settings)
    run = Run(settings, console, start)
    run.announce()
    with RunLogs(settings, console, len(run.history)) as logs, run.bar:
        while not run.finished:
            confusion = run.one_epoch()
            logs.write(run.history[-1], confusion)
    return run.best


class Run:
    """The state of one training run, an epoch at a time."""

    def __init__(
        self, settings: TrainSettings, console: Console, start: Checkpoint | None = None
    ) -> None:
        self._settings = settings
        self._console = console
        self._folder = TrainingFolder(settings.out)
        if start is None:
            self._folder.refuse_earlier_run()
        else:
            _check_same_network(settings, start)
        self._compute = compute.choose(settings)
        _seed_everything(settings.seed)
        self._splits = open_splits(settings)
        network = backbone.build(settings, len(self._splits.classes))
        if start is None:
            backbone.load_weights(network, settings, self._splits.classes)
        network.model.to(self._compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._freeze = backbone.Freeze(network, settings.freeze_stages)
        self._learner = _learner(network, settings, self._splits)
        self.history: list[dict[str, float]] = []
        self._metrics: dict[str, Any] = {"epoch": 0}
        if start is not None:
            self._go_on_from(start)
        self.bar = RunBar(console, settings.epochs, _steps(settings, self._splits))
        self._folder.begin(settings, self._checkpoint())

    @property
    def best(self) -> float:
        """Best accuracy on val so far."""
        return max((row["val_accuracy"] for row in self.history), default=0.0)

    @property
    def finished(self) -> bool:
        """All epochs done, or no gain for as long as patience lasts."""
        done, patience = len(self.history), self._settings.patience_epochs
        accuracies = [row["val_accuracy"] for row in self.history]
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

    def one_epoch(self) -> Confusion:
        """Learn, judge, write it down; returns the confusion on val."""
        began = time.monotonic()
        epoch = len(self.history)
        seed = self._settings.seed * SEED_STRIDE + epoch
        _seed_everything(seed)
        self._freeze.start_epoch(head_only=epoch < self._settings.freeze_epochs)
        self.bar.start_epoch(epoch)
        loss = train_one_epoch(
            self._learner,
            train_batches(self._splits, self._settings, seed),
            self._learner.schedule.after([row["val_loss"] for row in self.history]),
            self._compute,
            self.bar.advance,
        )
        judged = self._judge()
        learnt = {"epoch": epoch + 1, "rate": self._learner.rate, "train_loss": loss}
        seconds = round(time.monotonic() - began, 1)
        self.history.append({**learnt, **_figures(judged), "seconds": seconds})
        self._write(judged)
        self._console.print(epoch_line(self.history[-1], self._settings.epochs))
        return judged["val"].confusion

    def _judge(self) -> dict[str, Judgement]:
        model, classes = self._learner.average.model, self._splits.classes
        return {
            name: evaluate(model, val_batches(pictures, self._settings), classes, self._compute)
            for name, pictures in self._splits.judged_by.items()
        }

    def _write(self, judged: dict[str, Judgement]) -> None:
        summaries = {name: judgement.confusion.summary() for name, judgement in judged.items()}
        self._metrics = {"epoch": len(self.history), **summaries}
        # The later of two equals: the rate was lower, the average longer.
        best = judged["val"].confusion.accuracy >= self.best
        self._folder.write_epoch(
            self._checkpoint(), judged["val"], self._splits.val, best=best, last=self.finished
        )

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            settings=self._settings.model_dump(mode="json"),
            classes=self._splits.classes,
            history=self.history,
            metrics=self._metrics,
            weights=self._learner.average.model.state_dict(),
            model=self._learner.model.state_dict(),
            optimizer=self._learner.optimizer.state_dict(),
            steps=self._learner.step,
        )

    def _go_on_from(self, start: Checkpoint) -> None:
        if start.classes != self._splits.classes:
            was = ", ".join(start.classes)
            raise BadInput(f"--resume: {self._settings.out} was trained on other classes: {was}")
        learner = self._learner
        learner.model.load_state_dict(start.model)
        learner.average.model.load_state_dict(start.weights)
        learner.average.steps = learner.step = start.steps
        learner.load_optimizer(start.optimizer)
        self.history = list(start.history)
        self._metrics = dict(start.metrics)


def _check_same_network(settings: TrainSettings, start: Checkpoint) -> None:
    for option in ("backbone", "head"):
        was, wanted = start.settings[option], getattr(settings, option)
        if was != wanted:
            raise BadInput(f"--resume: {settings.out} was trained with --{option} {was}")


def _learner(network: backbone.Network, settings: TrainSettings, splits: Splits) -> Learner:
    labels, classes = splits.train.labels, len(splits.classes)
    device = next(network.model.parameters()).device
    weight = class_weights(labels, classes).to(device) if settings.balance == "loss" else None
    steps = _steps(settings, splits)
    optimizer = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[settings.optimizer]
    return Learner(
        model=network.model,
        average=MovingAverage(network.model, settings.ema_decay),
        optimizer=optimizer(backbone.parameter_groups(network, settings)),
        loss=nn.CrossEntropyLoss(weight, label_smoothing=settings.label_smoothing),
        mix=batch_mix(settings, classes),
        schedule=Schedule(
            kind=settings.schedule,
            total_steps=steps * settings.epochs,
            warmup_steps=round(steps * settings.warmup_epochs),
            plateau_factor=settings.plateau_factor,
            plateau_epochs=settings.plateau_epochs,
        ),
    )


def _steps(settings: TrainSettings, splits: Splits) -> int:
    """Steps of an epoch."""
    return pictures_per_epoch(splits.train, settings) // settings.batch


def _seed_everything(seed: int) -> None:
    """Seed every generator that torch, torchvision or NumPy may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _figures(judged: dict[str, Judgement]) -> dict[str, float]:
    figures = {}
    for name, judgement in judged.items():
        figures[f"{name}_loss"] = judgement.loss
        figures[f"{name}_accuracy"] = judgement.confusion.accuracy
        figures[f"{name}_macro_f1"] = judgement.confusion.macro_f1
    return figures
