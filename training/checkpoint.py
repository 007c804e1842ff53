"""A run's state in one file: enough to go on as if never stopped, and enough to export.

`weights` are the averaged ones, those that were evaluated; `model`, `optimizer` and the counters
are for going on. Random streams need no saving: each epoch's are made from (seed, epoch).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.errors import BadInput
from training.options import load
from training.settings import best_of
from training.train.options import TrainSettings
from training.whole_file import replace_bytes


def read_stored(path: Path, what: str) -> Mapping[str, Any]:
    """The mapping that a file holds, on the CPU. BadInput if it is not `what`, naming the file."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises whatever the bytes lead it to
        raise BadInput(f"{path}: not {what}") from error
    if not isinstance(content, Mapping):
        raise BadInput(f"{path}: not {what}")
    return content


def check_finite(source: str, state: Mapping[str, Any]) -> None:
    """Raise BadInput that names `source` and the first tensor that holds what is not a number."""
    for key, value in state.items():
        if torch.is_tensor(value) and not bool(torch.isfinite(value).all()):
            raise BadInput(f"{source}: {key} is not all numbers: the training had gone wrong")


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
        """Write it whole or not at all. Raises OSError."""
        content = io.BytesIO()
        torch.save({"format": FORMAT, **vars(self)}, content)
        replace_bytes(path, content.getbuffer())

    def train_settings(self) -> TrainSettings:
        """The settings of the run; an option younger than the checkpoint has its default."""
        return load(TrainSettings, {}, checkpoint=self.settings)


def load_run(out: Path) -> Checkpoint:
    """The last state of the run in a folder, to go on from. BadInput if there is no run."""
    if not (out / "last.pt").is_file():
        raise BadInput(f"--resume: {out} holds no run: there is no last.pt")
    return load_checkpoint(out / "last.pt")


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, or a run folder's best one.

    Raises BadInput that names the file if it is none, or if its weights are not numbers.
    """
    file = best_of(path)
    content = dict(read_stored(file, "a checkpoint"))
    if content.pop("format", None) != FORMAT:
        raise BadInput(f"{file}: not a checkpoint of this trainer")
    checkpoint = Checkpoint(**{**content, "classes": tuple(content["classes"])})
    for state in (checkpoint.weights, checkpoint.model):
        check_finite(str(file), state)
    return checkpoint
