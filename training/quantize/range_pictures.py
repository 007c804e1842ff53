"""Pictures of the network's size, in memory: those that set ranges and those to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.folders import PictureFolder, read_folder
from training.pictures import open_picture
from training.quantize.options import QuantizeSettings
from training.split_folders import split_folder

Pixels = NDArray[np.uint8]  # [pictures, h, w, 3]
FURTHER_SHARE = 4  # one picture in so many comes from further folders, where there are any


def range_pictures(
    settings: QuantizeSettings, classes: Sequence[str], size_px: tuple[int, int]
) -> Pixels:
    """A draw of training pictures, and of further folders. BadInput names what cannot be read."""
    train = read_folder(split_folder(settings.data, "train"), tuple(classes))
    further = [read_folder(root, tuple(classes)) for root in settings.extra]
    share = settings.pictures // FURTHER_SHARE if further else 0
    rng = np.random.default_rng(settings.seed)
    files = _drawn([train], settings.pictures - share, rng) + _drawn(further, share, rng)
    return resized(files, size_px)


def resized(files: Sequence[Path], size_px: tuple[int, int]) -> Pixels:
    """Each picture as the model file squashes what it is given: uint8 `[files, h, w, 3]`."""
    height, width = size_px
    stack: Pixels = np.empty((len(files), height, width, 3), np.uint8)
    for index, file in enumerate(files):
        picture = open_picture(file).resize((width, height), Image.Resampling.BILINEAR)
        stack[index] = np.asarray(picture)
    return stack


def _drawn(folders: Sequence[PictureFolder], wanted: int, rng: np.random.Generator) -> list[Path]:
    files = [folder.root / path for folder in folders for path in folder.paths]
    return [files[index] for index in rng.permutation(len(files))[:wanted]]
