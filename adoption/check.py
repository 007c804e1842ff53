"""Whether the written graph answers as the original does, and which preprocessing is right.

The first needs no labels and says nothing of the second: both sides are given the same way of
preprocessing. The second is told by labelled pictures, with the original file alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adoption.answer_output import AnswerOutput
from adoption.preprocessing import PRESETS, Size, Way
from adoption.reference import Floats, Reference, prepared
from line import pictures
from line.errors import BadInput, PictureError
from line.pictures import Picture
from line.plain_text import plain
from pictures.picture_folder import FoundPictures

TOLERANCE = 1e-3
"""Largest difference of a probability where both are given the same numbers."""
LEVELS = 2
"""By so much a resized level may differ from Pillow's: each rounds twice, by width and height."""
_ROUNDING = 0.2
"""In levels; of float16."""
MOVED = 0.02
"""A probability that differs by more is told."""
MOST_COMPARED = 200
"""Pictures on which presets are compared, and the two graphs."""
_SHOWN = 3
_DRAWN_PX = ((240, 320), (384, 512), (512, 384), (224, 224), (90, 300), (480, 640), (3, 150))
_SEED = 11

Ask = Callable[[Picture], tuple[Floats, Floats]]
"""uint8 [height, width, 3] → numbers [height, width, 3] of its network, float32 [classes]."""


@dataclass(frozen=True)
class NamedPicture:
    """`label`: number of the class that its folder is named as; None if it is none."""

    name: str
    picture: Picture
    label: int | None = None


@cache
def drawn() -> tuple[NamedPicture, ...]:
    """Pictures of several sizes, soft and noisy; always the same."""
    rng = np.random.default_rng(_SEED)
    found = []
    for height, width in _DRAWN_PX:
        coarse = Image.fromarray(rng.integers(0, 256, (5, 7, 3), np.uint8))
        soft = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int64)
        noisy = (soft + rng.normal(0, 8, soft.shape)).clip(0, 255).astype(np.uint8)
        found.append(NamedPicture(f"a drawn picture of {width}x{height}", noisy))
    return tuple(found)


def paths_below(folder: Path, option: str, most: int | None = None) -> list[Path]:
    """Pictures of a folder, spread evenly over all of them where there are more than `most`.

    Raises:
        BadInput: naming the option, for a folder without pictures.
    """
    try:
        found = FoundPictures.below(folder).paths
    except OSError as error:
        raise BadInput(f"{option} {plain(str(folder))}: {error.strerror}") from None
    if not found:
        raise BadInput(f"{option} {plain(str(folder))}: holds no pictures")
    if most is not None and len(found) > most:
        found = [found[int(place)] for place in np.linspace(0, len(found) - 1, most)]
    return [folder / path for path in found]


def labelled_paths(
    folder: Path, names: Sequence[str], option: str
) -> tuple[list[Path], NDArray[np.int64]]:
    """Pictures of a folder of class folders, and the number of each one's class, [n].

    Raises:
        BadInput: naming the option, for a folder without pictures, and for one of no class.
    """
    paths = paths_below(folder, option)
    for path in paths:
        if path.parent.name not in names:
            raise BadInput(
                f"{option} {plain(str(folder))}: {plain(str(path.relative_to(folder)))} lies in "
                "no folder that is named as a class of the model"
            )
    return paths, np.array([names.index(path.parent.name) for path in paths])


def read_all(
    paths: Iterable[Path], classes: Sequence[str], max_pixels: float
) -> Iterator[NamedPicture]:
    """Raises BadInput naming the first that cannot be read."""
    numbers = {name: number for number, name in enumerate(classes)}
    for path in paths:
        try:
            picture = pictures.read(path, max_pixels)
        except PictureError as error:
            raise BadInput(plain(str(error))) from None
        yield NamedPicture(str(path), picture, numbers.get(path.parent.name))


@dataclass(frozen=True)
class Parity:
    """How the file differs from the original on `pictures` of them.

    levels              largest difference of what the network is shown, 0…255
    same_numbers        of a probability, where both are given the same numbers
    largest_difference  of a probability, where each prepares the picture by itself
    moved               pictures of which that is more than `MOVED`
    other_top           and another class is the first, by more than `MOVED`
    """

    pictures: int
    levels: float
    same_numbers: float
    largest_difference: float
    moved: int
    other_top: int


def compare(
    asked: Iterable[NamedPicture],
    ask: Ask,
    reference: Reference,
    answer: AnswerOutput,
    way: Way,
    size_px: Size,
) -> Parity:
    """Raises BadInput naming pictures that are shown or answered otherwise than allowed."""
    std = np.asarray(way.std, np.float32)
    levels, same, whole, other = [], [], [], 0
    differing = []
    for entry in asked:
        wanted = prepared(entry.picture, way, size_px)
        numbers, got = ask(entry.picture)
        levels.append(float((np.abs(numbers - wanted) * std).max()))
        same.append(_difference(answer.of(reference.run(numbers)), got))
        right = answer.of(reference.run(wanted))
        whole.append(_difference(right, got))
        other += int(right.max() - right[got.argmax()] > MOVED)
        allowed = LEVELS + _ROUNDING
        if not (levels[-1] <= allowed and same[-1] <= TOLERANCE):  # NaN is no less wrong
            differing.append(
                f"{plain(entry.name[-60:], 60)} by {levels[-1]:.1f} and {same[-1]:.4f}"
            )
    if differing:
        raise BadInput(
            f"{len(differing)} of {len(whole)} pictures are shown or answered otherwise than by "
            f"the original, by more than {LEVELS} levels or {TOLERANCE} in "
            f"probability: {', '.join(differing[:_SHOWN])}; nothing is written"
        )
    moved = sum(difference > MOVED for difference in whole)
    return Parity(len(whole), max(levels), max(same), max(whole), moved, other)


def _difference(wanted: Floats, got: Floats) -> float:
    return float(np.abs(wanted - got).max())


@dataclass(frozen=True)
class Accuracies:
    """Rightly named pictures of `pictures` labelled ones, by way of preprocessing."""

    pictures: int
    right: dict[str, int]


def accuracies(
    asked: Iterable[NamedPicture],
    reference: Reference,
    answer: AnswerOutput,
    ways: dict[str, Way],
    size_px: Size,
) -> Accuracies | None:
    """What the original names rightly; None where no picture has a label."""
    count, right = 0, dict.fromkeys(ways, 0)
    for entry in asked:
        if entry.label is None:
            continue
        count += 1
        for name, way in ways.items():
            given = answer.of(reference.run(prepared(entry.picture, way, size_px)))
            right[name] += int(given.argmax() == entry.label)
    return Accuracies(count, right) if count else None


def ways_to_compare(assumed: Way, *, levels_alone: bool) -> dict[str, Way]:
    """What was assumed, and each preset that is something else.

    `levels_alone`: the network takes no other numbers.
    """
    named = next((name for name, way in PRESETS.items() if way == assumed), "as above")
    others = {} if levels_alone else PRESETS
    return {named: assumed, **{name: way for name, way in others.items() if way != assumed}}
