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
from training.clean_figures import NOT_CLEAN_ON_VAL
from training.errors import BadInput, Diverged
from training.metrics import Confusion
from training.run_logs import RunLogs, check_installed
from training.train.batches import TrainBatches, val_batches
from training.train.epoch import (
    Judgement,
    Learner,
    MovingAverage,
    check_weights,
    evaluate,
    train_one_epoch,
)
from training.train.epoch_choice import EpochChoice
from training.train.options import TrainSettings
from training.train.progress import RunBar, epoch_line
from training.train.resumed import changes, check_same_network
from training.train.run_folder import TrainingFolder
from training.train.schedule import Schedule
from training.train.splits import (
    Splits,
    class_weights,
    open_splits,
    pictures_per_epoch,
)
from training.transforms import batch_mix

# Seeds of neighbouring runs and epochs must not meet: run 0's epoch 1 is not run 1's epoch 0.
SEED_STRIDE = 100_003


def fit(settings: TrainSettings, console: Console, start: Checkpoint | None = None) -> str:
    """Run all epochs, or those after `start`; returns what the best one is worth, in words.

    After each epoch `out` holds what `run_folder` lists. Raises BadInput before the first epoch,
    never later; Diverged where an epoch ends in what is not a number, and TrainingError where it
    cannot be written down: the epochs before it stand.
    """
    check_installed(settings)
    run = Run(settings, console, start)
    try:
        run.announce()
        with RunLogs(settings, console, len(run.history)) as logs, run.bar:
            while not run.finished:
                confusion = run.one_epoch()
                logs.write(run.history[-1], confusion)
    finally:
        run.close()
    best = f"best {run.choice.figure} on val {run.choice.best(run.history):.4f}"
    return f"{best}; {NOT_CLEAN_ON_VAL}"


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
            self._folder.lock()
            check_same_network(settings, start)
        self._compute = compute.choose(settings)
        _seed_everything(settings.seed)
        self._splits = open_splits(settings)
        self.choice = EpochChoice.of(self._splits.train.labels, self._splits.classes)
        self._batches = TrainBatches(self._splits, settings, console)
        network = backbone.build(settings, len(self._splits.classes))
        self._origin = changes(settings, start) if start else self._load_weights(network)
        network.model.to(self._compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._freeze = backbone.Freeze(network, settings.freeze_stages)
        self._learner = _learner(network, settings, self._splits, len(self._batches))
        self.history: list[dict[str, float]] = []
        self._metrics: dict[str, Any] = {"epoch": 0}
        if start is not None:
            self._go_on_from(start)
        self.bar = RunBar(console, settings.epochs, len(self._batches))
        self._folder.begin(settings, self._checkpoint(), self._best_epoch, new=start is None)

    @property
    def finished(self) -> bool:
        """All epochs done, or no gain for as long as patience lasts."""
        return len(self.history) >= self._settings.epochs or self.choice.stands_still(
            self.history, self._settings.patience_epochs
        )

    def close(self) -> None:
        """Let others train in the folder."""
        self._folder.release()

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
        for line in (self._origin, self.choice.why):
            if line:
                self._console.print(line, markup=False)

    def one_epoch(self) -> Confusion:
        """Learn, judge, write it down; returns the confusion on val."""
        began = time.monotonic()
        epoch = len(self.history)
        seed = self._settings.seed * SEED_STRIDE + epoch
        _seed_everything(seed)
        self._freeze.start_epoch(head_only=epoch < self._settings.freeze_epochs)
        self.bar.start_epoch(epoch)
        try:
            loss = train_one_epoch(
                self._learner,
                self._batches.epoch(seed),
                self._learner.schedule.after([row["val_loss"] for row in self.history]),
                self._compute,
                self.bar.advance,
            )
            check_weights(self._learner)
            judged = self._judge()
        except Diverged as error:
            raise Diverged(self._what_stands(epoch, str(error))) from error
        learnt = {"epoch": epoch + 1, "rate": self._learner.rate, "train_loss": loss}
        seconds = round(time.monotonic() - began, 1)
        figures = _figures(judged, balanced=self.choice.balanced)
        self.history.append({**learnt, **figures, "seconds": seconds})
        self._write(judged)
        self._console.print(epoch_line(self.history[-1], self._settings.epochs))
        return judged["val"].confusion

    def _what_stands(self, epoch: int, reason: str) -> str:
        out = self._settings.out
        kept = f"epoch {epoch} stands" if epoch else "no epoch is done"
        return (
            f"{out}: epoch {epoch + 1}: {reason}: --rate {self._settings.rate:g} is too high for "
            f"it, perhaps; {kept}, and --resume --out {out} with a lower --rate goes on from there"
        )

    def _judge(self) -> dict[str, Judgement]:
        model, classes = self._learner.average.model, self._splits.classes
        return {
            name: evaluate(model, val_batches(pictures, self._settings), classes, self._compute)
            for name, pictures in self._splits.judged_by.items()
        }

    def _write(self, judged: dict[str, Judgement]) -> None:
        summaries = {name: judgement.confusion.summary() for name, judgement in judged.items()}
        chosen_by = self.choice.figure
        self._metrics = {"epoch": len(self.history), "chosen_by": chosen_by, **summaries}
        self._folder.write_epoch(
            self._checkpoint(),
            judged["val"],
            self._splits.val,
            best_epoch=self._best_epoch,
            last=self.finished,
        )

    @property
    def _best_epoch(self) -> int:
        return self.choice.best_epoch(self.history) if self.history else 0

    def _load_weights(self, network: backbone.Network) -> str:
        return backbone.load_weights(network, self._settings, self._splits.classes)

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
        # Steps as they are now, for the schedule: another batch has other steps to an epoch.
        learner.average.steps = learner.step = len(start.history) * len(self._batches)
        learner.load_optimizer(start.optimizer)
        self.history = list(start.history)
        self._metrics = dict(start.metrics)


def _learner(
    network: backbone.Network, settings: TrainSettings, splits: Splits, steps: int
) -> Learner:
    """`steps` of an epoch."""
    labels, classes = splits.train.labels, len(splits.classes)
    device = next(network.model.parameters()).device
    weight = class_weights(labels, classes).to(device) if settings.balance == "loss" else None
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


def _seed_everything(seed: int) -> None:
    """Seed every generator that torch, torchvision or NumPy may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _figures(judged: dict[str, Judgement], *, balanced: bool) -> dict[str, float]:
    figures = {}
    for name, judgement in judged.items():
        figures[f"{name}_loss"] = judgement.loss
        figures[f"{name}_accuracy"] = judgement.confusion.accuracy
        if balanced:
            figures[f"{name}_balanced"] = judgement.confusion.balanced_accuracy
        figures[f"{name}_macro_f1"] = judgement.confusion.macro_f1
    return figures
