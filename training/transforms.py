"""From a stored uint8 picture to what the network sees, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2  # type: ignore[import-untyped]

from training.augmentation.backgrounds import drawn_backgrounds
from training.augmentation.surroundings import NewBackground, OtherCamera
from training.dataset import Transform
from training.pictures import MEAN, STD
from training.train.options import TrainSettings

BACKGROUNDS = 600
"""Drawn for a run; each is mirrored and turned at random."""

BatchMix = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class QuarterTurn(v2.Transform):  # type: ignore[misc]
    """Turn by 0, 90, 180 or 270°: exact, and true for a belt seen from above."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"turns": int(torch.randint(4, ()))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return torch.rot90(inpt, params["turns"], dims=(-2, -1))


def train_transform(settings: TrainSettings) -> Transform:
    """Random background, crop, place and colours.

    uint8 `[3, h, w]`, or with a mask `[4, h, w]` where the background changes, → float32
    `[3, size_px, size_px]`.
    """
    steps: list[torch.nn.Module] = []
    if settings.new_background:
        drawn = drawn_backgrounds(BACKGROUNDS, settings.stored_px, settings.seed)
        steps += [NewBackground(settings.new_background, drawn)]
    steps += [
        v2.RandomResizedCrop(settings.size_px, scale=(settings.crop_min_area, 1.0), antialias=True)
    ]
    if settings.flips:
        steps += [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]
    if settings.quarter_turns:
        steps += [QuarterTurn()]
    if settings.rotation_deg or settings.translate or settings.zoom:
        steps += [_affine(settings)]
    steps += [_colours(settings)]
    jitter = (settings.brightness, settings.contrast, settings.saturation, settings.hue)
    if any(jitter):
        steps += [v2.ColorJitter(*jitter)]
    steps += _normalise()
    if settings.erase:
        steps += [v2.RandomErasing(settings.erase, scale=(0.02, 0.2))]
    return _chain(steps)


def eval_transform() -> Transform:
    """Normalisation alone: the picture was resized to the network's size when it was read."""
    return _chain(_normalise())


def batch_mix(settings: TrainSettings, classes: int) -> BatchMix:
    """Blend pictures in pairs (MixUp) or paste one into another (CutMix), and labels alike.

    `(float32 [batch, 3, h, w], int64 [batch])` → the same, or with labels `[batch, classes]`.
    """
    either = v2.RandomChoice(
        [v2.MixUp(alpha=0.2, num_classes=classes), v2.CutMix(alpha=1.0, num_classes=classes)]
    )
    mix: BatchMix = v2.RandomApply([either], p=settings.mix)
    return mix


def _colours(settings: TrainSettings) -> torch.nn.Module:
    """Another camera, or one operation of TrivialAugment, which changes colours most often."""
    otherwise = v2.TrivialAugmentWide() if settings.trivial_augment else v2.Identity()
    share = settings.other_camera
    choice: torch.nn.Module = v2.RandomChoice([OtherCamera(), otherwise], p=[share, 1 - share])
    return choice if share else otherwise


def _affine(settings: TrainSettings) -> torch.nn.Module:
    """Turn, shift and scale in one resampling; what comes in from outside is an average pixel."""
    affine: torch.nn.Module = v2.RandomAffine(
        degrees=settings.rotation_deg,
        translate=(settings.translate, settings.translate),
        scale=(1 - settings.zoom, 1 + settings.zoom),
        interpolation=v2.InterpolationMode.BILINEAR,
        fill=[round(255 * mean) for mean in MEAN],
    )
    return affine


def _chain(steps: list[torch.nn.Module]) -> Transform:
    chain: Transform = v2.Compose(steps)
    return chain


def _normalise() -> list[torch.nn.Module]:
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
