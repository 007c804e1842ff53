"""A model is tried before a line begins: on pictures of the size that it will be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from line.errors import BadInput, ModelError
from line.pictures import Picture
from workers.engine import Takes
from workers.reasons import NOT_ENOUGH_MEMORY

Size = tuple[int, int]
"""Height and width in pixels."""

_USUAL_SIDES_PX = (64, 224, 256, 192, 160, 128, 96, 288, 299, 320, 384, 416, 448, 480, 512, 640)
_SEED = 5
_CAMERA_PX = range(32, 4097)
"""Sides that the procedural source's pictures may have: camera.width_px and camera.height_px."""

Classify = Callable[[Picture], NDArray[np.float32]]
"""Raises ModelError for what it cannot answer."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `doubts`: what it failed on, though not on everything."""

    takes: Takes
    doubts: tuple[str, ...]


def tried(
    classify: Classify, takes: Takes, size: Size | None, named: Size | None, *, is_set: bool
) -> Tried:
    """Try a model on pictures of `size`, or where that is None of a size that it takes.

    `takes`: what the file says that it is limited to; `named`: the size that its entries name;
    `is_set`: whether `size` is a setting, so that another can be set.

    Raises:
        BadInput: if it answers none of the pictures, or takes another size alone.
    """
    if takes.batch not in (None, 1):
        raise BadInput(f"takes batches of {takes.batch} pictures only, expected one or any number")
    if size is not None and not takes.fits(*size):
        wanted = _ask(takes.within(*size)) if is_set else ""
        raise BadInput(f"takes pictures of {takes.size} only, not {size[1]}x{size[0]}{wanted}")
    fitting = takes.within(*(size or named or (_USUAL_SIDES_PX[0],) * 2))
    failures = _failures(classify, fitting)
    if len(failures) == len(_PICTURES):
        out_of_memory = NOT_ENOUGH_MEMORY in failures[0]
        other = None if out_of_memory else _another_size(classify, takes, named)
        if other is None:
            raise BadInput(failures[0])
        if size is not None:
            wanted = _ask(other) if is_set else ""
            raise BadInput(f"{failures[0]}; it takes {other[1]}x{other[0]}{wanted}")
        fitting, failures = other, _failures(classify, other)
    if takes.batch is None and not _takes_two(classify, fitting):
        takes = replace(takes, batch=1)
    return Tried(takes, tuple(failures))


def noise(height_px: int, width_px: int) -> Picture:
    """One picture, uint8 [1, height, width, 3], always the same; flat ones are special to some."""
    return np.random.default_rng(_SEED).integers(0, 256, (1, height_px, width_px, 3), np.uint8)


_PICTURES: dict[str, Callable[[int, int], Picture]] = {
    "a picture": noise,
    "a black picture": lambda height, width: np.zeros((1, height, width, 3), np.uint8),
    "a white picture": lambda height, width: np.full((1, height, width, 3), 255, np.uint8),
}


def _failures(classify: Classify, size: Size) -> list[str]:
    failures = []
    for what, make in _PICTURES.items():
        try:
            classify(make(*size))
        except ModelError as error:
            failures.append(f"{error}, on {what} of {size[1]}x{size[0]}")
    return failures


def _takes_two(classify: Classify, size: Size) -> bool:
    try:
        classify(np.repeat(noise(*size), 2, axis=0))
    except ModelError:
        return False
    return True


def _another_size(classify: Classify, takes: Takes, named: Size | None) -> Size | None:
    """A size on which it answers; None if none of the usual ones is."""
    sizes = [(side, side) for side in _USUAL_SIDES_PX]
    if named is not None:
        sizes.insert(0, named)
    for size in dict.fromkeys(takes.within(*size) for size in sizes):
        if len(_failures(classify, size)) < len(_PICTURES):
            return size
    return None


def _ask(size: Size) -> str:
    height, width = size
    if not {height, width} <= set(_CAMERA_PX):
        return ", which no camera of the line has"
    return f": set camera.width_px to {width} and camera.height_px to {height}"
