"""The pictures of a run: what is trained on, what is judged by, under which names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from training.dataset import Pictures
from training.errors import BadInput
from training.folders import (
    PictureFolder,
    class_names,
    joined,
    read_exclusions,
    read_folder,
    set_name,
)
from training.split_folders import split_folder
from training.train.options import TrainSettings
from training.transforms import eval_transform, train_transform


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


@dataclass(frozen=True)
class Splits:
    """Training pictures, and the sets to judge by; the first of these is `val`."""

    classes: tuple[str, ...]
    train: Pictures
    judged_by: dict[str, Pictures]
    val: PictureFolder


def open_splits(settings: TrainSettings) -> Splits:
    """Find and decode a run's pictures. Raises BadInput that names the folder or file."""
    folder = split_folder(settings.data, "train")
    classes = class_names(folder)
    if len(classes) < 2:
        raise BadInput(f"{folder}: at least two class folders are needed")
    train = _without_excluded(read_folder(folder, classes), settings)
    extra = [read_folder(root, classes) for root in settings.extra]
    folders = val_folders(settings, classes)
    if settings.val_too:
        train = joined(settings.data, [train, folders["val"]])
    pictures = Pictures(
        [train, *extra],
        settings.stored_px,
        train_transform(settings),
        settings.memory_gb,
        with_masks=settings.new_background > 0,
    )
    at_hand = pictures_per_epoch(pictures, settings)
    if at_hand < settings.batch:
        raise BadInput(f"--batch {settings.batch}: only {at_hand} pictures to train on")
    judged_by = {
        name: Pictures([folder], settings.size_px, eval_transform(), settings.memory_gb)
        for name, folder in folders.items()
    }
    return Splits(classes, pictures, judged_by, folders["val"])


def val_folders(settings: TrainSettings, classes: Sequence[str]) -> dict[str, PictureFolder]:
    """`val` of the data, then each --extra-val under its own name."""
    folders = {"val": read_folder(split_folder(settings.data, "val"), classes)}
    for root in settings.extra_val:
        name = set_name(root)
        if name in folders:
            raise BadInput(f"--extra-val {root}: a second set named {name}")
        folders[name] = read_folder(root, classes)
    return folders


def _without_excluded(train: PictureFolder, settings: TrainSettings) -> PictureFolder:
    if settings.exclude is None:
        return train
    excluded = read_exclusions(settings.exclude, settings.data)
    name = train.root.name
    return train.without(
        frozenset(path.relative_to(name) for path in excluded if path.parts[0] == name)
    )
