"""Rare classes: heavier in the loss, or drawn more often."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.utils.data import RandomSampler, Sampler, WeightedRandomSampler


def class_weights(labels: Sequence[int], classes: int) -> Tensor:
    """One weight per class, float32 `[classes]`, inverse to its share; the mean picture weighs 1.

    A class that has no pictures gets 0.
    """
    counts = torch.bincount(torch.tensor(labels), minlength=classes).float()
    return torch.where(counts > 0, len(labels) / (counts * (counts > 0).sum()), 0.0)


def picture_order(
    labels: Sequence[int], classes: int, balanced: bool, generator: Generator
) -> Sampler[int]:
    """The order of one epoch: each picture once, or with replacement, every class as often."""
    if not balanced:
        return RandomSampler(labels, generator=generator)
    weights = class_weights(labels, classes)[torch.tensor(labels)].tolist()
    return WeightedRandomSampler(weights, len(labels), generator=generator)
