"""A run's state in one file: enough to go on as if never stopped, and enough to export.

`weights` are the averaged ones, those that were evaluated; `model`, `optimizer` and the counters
are for going on. Random streams need no saving: each epoch's are made from (seed, epoch).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.errors import BadInput
from training.options import TrainSettings
from training.settings import load
from training.stored import read_stored

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run knows after `len(history)` epochs."""

    settings: dict[str, Any]
    classes: tuple[str, ...]
    history: list[dict[str, float]]
    metrics: dict[str, Any]
    weights: dict[str, Any]
    model: dict[str, Any]
    optimizer: dict[str, Any]
    steps: int

    def save(self, path: Path) -> None:
        """Write to a neighbour and rename, so that a killed run leaves a whole file."""
        partial = path.with_suffix(".partial")
        torch.save({"format": FORMAT, **vars(self)}, partial)
        partial.replace(path)

    def train_settings(self) -> TrainSettings:
        """The settings of the run; an option younger than the checkpoint has its default."""
        return load(TrainSettings, {}, checkpoint=self.settings)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, or a run folder's best one. BadInput that names the file if it is none."""
    file = path / "best.pt" if path.is_dir() else path
    content = dict(read_stored(file, "a checkpoint"))
    if content.pop("format", None) != FORMAT:
        raise BadInput(f"{file}: not a checkpoint of this trainer")
    return Checkpoint(**{**content, "classes": tuple(content["classes"])})
