"""Pictures as tensors: decoded once, resized to a square, kept in memory while they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from training.augmentation.item_mask import item_mask
from training.errors import BadInput
from training.folders import PictureFolder
from training.pictures import open_picture
from training.unreadable import refuse_unreadable

Transform = Callable[[Tensor], Tensor]


def read_square(path: Path, side_px: int, *, with_mask: bool = False) -> Tensor:
    """A picture resized to a square: uint8 `[3, side_px, side_px]`.

    `[4, …]` with a mask: how much of each pixel is item, 255 everywhere if nobody can tell.
    """
    picture = open_picture(path).resize((side_px, side_px), Image.Resampling.BILINEAR)
    pixels = np.array(picture)
    if with_mask:
        mask = item_mask(pixels)
        if mask is None:
            mask = np.full(pixels.shape[:2], 255, np.uint8)
        pixels = np.dstack([pixels, mask])
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


class Pictures(Dataset[tuple[Tensor, int]]):
    """Labelled pictures of one or more folders, each passed through `transform` when asked for.

    The first `own` are the first folder's.
    Items are `(transform(picture), label)`, the picture being what `read_square` gives. They are
    decoded at the start and kept if they need no more than `memory_gb`, else decoded each time.
    Raises BadInput at the start for a picture that cannot be decoded.
    """

    def __init__(
        self,
        folders: Sequence[PictureFolder],
        side_px: int,
        transform: Transform,
        memory_gb: float,
        *,
        with_masks: bool = False,
    ) -> None:
        self.own = len(folders[0])
        self.labels = [label for folder in folders for label in folder.labels]
        self._files = [folder.root / path for folder in folders for path in folder.paths]
        self._side_px = side_px
        self._transform = transform
        self._with_masks = with_masks
        self._kept: Tensor | None = None
        if len(self._files) * self._channels * side_px**2 <= memory_gb * 1e9:
            self._kept = self._decode_all()
        else:
            refuse_unreadable(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def _channels(self) -> int:
        return 4 if self._with_masks else 3

    def _read(self, path: Path) -> Tensor:
        return read_square(path, self._side_px, with_mask=self._with_masks)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = self._read(self._files[index]) if self._kept is None else self._kept[index]
        return self._transform(picture), self.labels[index]

    def _decode_all(self) -> Tensor:
        # Filled in place: a list of pictures and their stack would need the memory twice.
        shape = (len(self._files), self._channels, self._side_px, self._side_px)
        kept = torch.empty(shape, dtype=torch.uint8)
        for index, path in enumerate(self._files):
            try:
                kept[index] = self._read(path)
            except BadInput:
                refuse_unreadable(self._files[index:])
                raise
        return kept
