"""What an epoch is made of: rare classes weighed up or drawn more often, extras in part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from training.pictures import Pictures
from training.train.options import TrainSettings


def class_weights(labels: Sequence[int], classes: int) -> Tensor:
    """One weight per class, float32 `[classes]`, inverse to its share; the mean picture weighs 1.

    A class that has no pictures gets 0.
    """
    counts = torch.bincount(torch.tensor(labels), minlength=classes).float()
    return torch.where(counts > 0, len(labels) / (counts * (counts > 0).sum()), 0.0)


def epoch_order(pictures: Pictures, settings: TrainSettings, generator: Generator) -> list[int]:
    """Indices of the pictures of one epoch, shuffled, all of `own` and a share of the rest.

    With the balanced sampler as many are drawn, with replacement, each class as often.
    """
    chosen = torch.arange(len(pictures))
    drawn = pictures.own + torch.randperm(len(pictures) - pictures.own, generator=generator)
    chosen = torch.cat([chosen[: pictures.own], drawn[: _extras(pictures, settings)]])
    if settings.balance == "sampler":
        labels = torch.tensor(pictures.labels)[chosen].tolist()
        weights = class_weights(labels, max(labels) + 1)[torch.tensor(labels)]
        order = torch.multinomial(weights, len(chosen), replacement=True, generator=generator)
    else:
        order = torch.randperm(len(chosen), generator=generator)
    return [int(i) for i in chosen[order]]


def pictures_per_epoch(pictures: Pictures, settings: TrainSettings) -> int:
    """Length of every epoch's order."""
    return pictures.own + _extras(pictures, settings)


def _extras(pictures: Pictures, settings: TrainSettings) -> int:
    return round(settings.extra_share * (len(pictures) - pictures.own))
