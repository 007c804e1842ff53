"""What a network was shown in training: how a picture becomes the numbers that it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Size = tuple[int, int]
"""Height and width in pixels."""
Colour = tuple[float, float, float]
Resize = Literal["squash", "crop", "letterbox"]
RESIZES: tuple[Resize, ...] = ("squash", "crop", "letterbox")
Interpolation = Literal["bilinear", "bicubic"]

PAD_LEVEL = 114
"""Of the bars of a letterbox; Ultralytics' grey."""
LONGEST_SIDES = 16
"""A picture to be cut becomes no longer than so many times what is wanted: one of 1 × 4096 pixels
would take a gigabyte."""
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Way:
    """One way of preprocessing.

    (level - `mean`) / `std`, both in levels 0…255, in the order of the network's channels.

    resize      squash     both sides to the size, whatever the shape
                crop       the picture covers the size, the middle is cut out; a side that would
                           be more than `LONGEST_SIDES` times as long is squashed to that
                letterbox  the picture fits into the size, grey bars fill the rest
    cut_share   side that is cut out ÷ side that the picture is resized to before
    """

    mean: Colour
    std: Colour
    resize: Resize
    bgr: bool = False
    cut_share: float = 1.0
    interpolation: Interpolation = "bilinear"

    def resized_px(self, size_px: Size) -> Size:
        """What a picture is resized to (or has to cover) before `size_px` is cut out of it.

        Rounded down, as timm does it.
        """
        share = 1.0 if self.resize == "letterbox" else self.cut_share
        height, width = (math.floor(side / share + _ROUNDING) for side in size_px)
        return height, width

    @property
    def is_plain(self) -> bool:
        """Whether the network takes levels as they are."""
        return self.mean == PLAIN_MEAN and self.std == PLAIN_STD


PLAIN_MEAN = (0.0, 0.0, 0.0)
PLAIN_STD = (1.0, 1.0, 1.0)
_WHITE = (255.0, 255.0, 255.0)
_HALF = (127.5, 127.5, 127.5)


def in_levels(mean: Colour, std: Colour) -> tuple[Colour, Colour]:
    """As levels 0…255; on the scale of 0…1 unless any of the numbers is above 1."""
    if max(*mean, *std) > 1:
        return mean, std
    return _scaled(mean), _scaled(std)


def _scaled(colour: Colour) -> Colour:
    red, green, blue = colour
    return 255 * red, 255 * green, 255 * blue


_IMAGENET = in_levels((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PRESETS = {
    "imagenet": Way(*_IMAGENET, "crop", cut_share=0.875),
    "keras-tf": Way(_HALF, _HALF, "squash"),
    "keras-caffe": Way((103.939, 116.779, 123.68), PLAIN_STD, "squash", bgr=True),
    "yolo": Way(PLAIN_MEAN, _WHITE, "crop"),
    "none": Way(PLAIN_MEAN, PLAIN_STD, "squash"),
}
"""imagenet: torchvision's; keras-tf, keras-caffe: modes of Keras' `preprocess_input`;
yolo: Ultralytics' classifiers; none: the network does it itself."""
