"""What a picture is like, from some of its lines: far cheaper than to draw or read it."""

from __future__ import annotations

import numpy as np

from line.drift.statistics import light_level, ratio_level, sharpness_level
from line.pictures import Picture
from line.run_files.picture_statistics import PictureLevels

_LINES = 16
_MOST_PX = 1024
"""Of a line, from its middle."""


def levels_of(picture: Picture) -> PictureLevels:
    """Light, sharpness, and both colour ratios of uint8 [height, width, 3]; see `PictureLevels`."""
    height_px, width_px, _ = picture.shape
    step = max(1, height_px // _LINES)
    left = max(0, (width_px - _MOST_PX) // 2)
    part = picture[step // 2 :: step, left : left + _MOST_PX]
    planes = np.ascontiguousarray(part.transpose(2, 0, 1))  # sums along the last axis are fast
    red, green, blue = (int(plane.sum(dtype=np.uint64)) / plane.size for plane in planes)
    here, beside = planes[1, :, 1:], planes[1, :, :-1]
    differences = np.maximum(here, beside) - np.minimum(here, beside)
    contrast = int(differences.sum(dtype=np.uint64)) / max(1, differences.size)
    return (
        light_level((red + green + blue) / 3),
        sharpness_level(contrast / (green + 1)),
        ratio_level((red + 1) / (green + 1)),
        ratio_level((blue + 1) / (green + 1)),
    )
