"""A run's log for Weights & Biases, offline: OUT/wandb, which `wandb sync` uploads if wanted."""

from __future__ import annotations

import wandb

from training.confusion_chart import confusion_pixels
from training.metrics import Confusion
from training.train.options import TrainSettings

PROJECT = "scrapline"


class WandbLog:
    """A curve for each column of the history, and each epoch's confusion as a picture.

    A resumed run adds a second log to the same group.
    """

    def __init__(self, settings: TrainSettings) -> None:
        self._run = wandb.init(
            mode="offline",
            project=PROJECT,
            group=settings.out.name,
            name=settings.out.name,
            dir=settings.out,
            config=settings.model_dump(mode="json"),
            settings=wandb.Settings(silent=True, console="off", disable_git=True),
        )

    def write(self, row: dict[str, float], confusion: Confusion) -> None:
        """Take in an epoch."""
        epoch = int(row["epoch"])
        picture = wandb.Image(confusion_pixels(confusion, f"epoch {epoch}, on val"))
        self._run.log({**row, "confusion": picture}, step=epoch)

    def close(self) -> None:
        """End the log."""
        self._run.finish()
