"""Transforms that change what is not the item: what it lies on, and the camera that sees it."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2  # type: ignore[import-untyped]
from torchvision.transforms.v2 import functional  # type: ignore[import-untyped]

ZOOM = (0.5, 1.15)
SHEAR_DEG = 15.0
SHIFT = 0.18
"""Share of the side."""


class NewBackground(v2.Transform):  # type: ignore[misc]
    """Turn, scale and shift the item and lay it on another background, with a probability.

    uint8 `[4, h, w]`, the last channel how much of a pixel is item, → uint8 `[3, h, w]`. A picture
    whose last channel is 255 everywhere keeps its background.
    """

    def __init__(self, probability: float, backgrounds: Tensor) -> None:
        """`backgrounds`: uint8 `[n, 3, h, w]`."""
        super().__init__()
        self._probability = probability
        self._backgrounds = backgrounds

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        side = flat_inputs[0].shape[-1]
        return {
            "changes": bool(torch.rand(()) < self._probability),
            "place": {
                "angle": _between(-180, 180),
                "translate": [_between(-SHIFT, SHIFT) * side for _ in range(2)],
                "scale": math.exp(_between(*map(math.log, ZOOM))),
                "shear": [_between(-SHEAR_DEG, SHEAR_DEG), 0.0],
            },
            "background": int(torch.randint(len(self._backgrounds), ())),
            "mirrored": bool(torch.rand(()) < 0.5),
            "turns": int(torch.randint(4, ())),
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        if not params["changes"] or bool((inpt[3] == 255).all()):
            return torch.as_tensor(inpt[:3])
        background = torch.rot90(
            self._backgrounds[params["background"]], params["turns"], dims=(-2, -1)
        )
        if params["mirrored"]:
            background = background.flip(-1)
        placed = functional.affine(
            inpt, **params["place"], interpolation=v2.InterpolationMode.BILINEAR
        )
        item, share = placed[:3].float(), placed[3:].float() / 255
        return torch.as_tensor((item * share + background * (1 - share)).to(torch.uint8))


class OtherCamera(v2.Transform):  # type: ignore[misc]
    """Another lamp and exposure, and at times noise, blur, few pixels, or JPEG's traces.

    uint8 `[3, h, w]` → the same.
    """

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height = flat_inputs[0].shape[-2]
        return {
            "lamp": [math.exp(_between(-0.22, 0.22)), 1.0, math.exp(_between(-0.22, 0.22))],
            "exposure": math.exp(_between(-0.35, 0.35)),
            "gamma": math.exp(_between(-0.4, 0.4)),
            "noise": _at_times(0.3, 0.0, 0.06),
            "blur": _at_times(0.3, 0.3, 2.0),
            "jpeg": round(_at_times(0.3, 25, 90)),
            "height": round(_at_times(0.2, height / 4, height / 1.5)),
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        lamp = torch.tensor(params["lamp"])[:, None, None]
        light = (inpt.float() / 255 * lamp * params["exposure"]).clamp(0, 1) ** params["gamma"]
        light = light + params["noise"] * torch.randn(light.shape)
        picture = (255 * light.clamp(0, 1)).to(torch.uint8)
        if params["blur"]:
            picture = functional.gaussian_blur(picture, [5, 5], [params["blur"]] * 2)
        if params["height"]:
            few = functional.resize(picture, [params["height"]] * 2, antialias=True)
            picture = functional.resize(few, list(inpt.shape[-2:]), antialias=True)
        if params["jpeg"]:
            picture = _through_jpeg(picture, params["jpeg"])
        return torch.as_tensor(picture)


def _through_jpeg(picture: Tensor, quality: int) -> Tensor:
    kept = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(kept, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(kept))).permute(2, 0, 1)


def _between(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))


def _at_times(probability: float, low: float, high: float) -> float:
    """A number of the range; else 0."""
    return _between(low, high) if torch.rand(()) < probability else 0.0
