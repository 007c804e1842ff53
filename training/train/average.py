"""Average the weights of runs that began alike: one network, a little better than each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from training.checkpoint import Checkpoint, load_checkpoint
from training.errors import BadInput
from training.train.options import AverageSettings


def average(settings: AverageSettings) -> Path:
    """Write a checkpoint with the mean of the weights of several; all else is the first one's.

    It is to be exported or trained from, not resumed. Raises BadInput that names a checkpoint of
    another network or of other classes.
    """
    if len(settings.checkpoints) < 2:
        raise BadInput("average: at least two checkpoints are needed")
    loaded = [load_checkpoint(path) for path in settings.checkpoints]
    first = loaded[0]
    for path, other in zip(settings.checkpoints[1:], loaded[1:], strict=True):
        _check_alike(settings.checkpoints[0], first, path, other)
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    replace(first, weights=_mean([one.weights for one in loaded])).save(settings.out)
    return settings.out


def _check_alike(one: Path, first: Checkpoint, path: Path, other: Checkpoint) -> None:
    if other.classes != first.classes:
        raise BadInput(f"{path}: was trained on other classes than {one}")
    shapes = [{key: value.shape for key, value in c.weights.items()} for c in (first, other)]
    if shapes[0] != shapes[1]:
        raise BadInput(f"{path}: is of another network than {one}")


def _mean(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Floats are averaged; counters are the first one's."""
    return {
        key: torch.stack([state[key] for state in states]).mean(dim=0)
        if value.is_floating_point()
        else value
        for key, value in states[0].items()
    }
