"""Ways to show a picture to a model: as it is, padded to the network's shape, mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.evaluate.engines import Answer
from training.evaluate.model_file import ModelFile
from training.export.runners import Picture
from training.export.served import MEAN_PIXEL


@dataclass(frozen=True)
class Way:
    """One way; `letterbox` keeps the item's shape, `flips` averages four mirror images."""

    letterbox: bool = False
    flips: bool = False

    @property
    def name(self) -> str:
        """Words for tables."""
        used = [n for n, on in (("letterbox", self.letterbox), ("flips", self.flips)) if on]
        return " + ".join(used) or "as it is"

    def ask(self, model: ModelFile, picture: Picture) -> Answer:
        """Ask about one picture `[height, width, 3]`; the answer has one row.

        Mirror images go in one by one, since a file may be made for a single picture. Their
        probabilities are averaged; energy and embedding of four pictures have no one meaning.
        """
        shown = letterboxed(picture, model.aspect) if self.letterbox else picture
        if not self.flips:
            return model.engine.ask(shown[None])
        answers = [model.engine.ask(view[None]).probabilities for view in mirrored(shown)]
        return Answer(np.mean(answers, axis=0))


def ways_to_compare(letterbox: bool, flips: bool) -> list[Way]:
    """The way asked for last, and before it those that show what each part of it brings."""
    ways = [Way()]
    if letterbox:
        ways.append(Way(letterbox=True))
    if flips:
        ways.append(Way(flips=True))
    if letterbox and flips:
        ways.append(Way(letterbox=True, flips=True))
    return ways


def letterboxed(picture: Picture, aspect: float) -> Picture:
    """Pad to `aspect` (height ÷ width) with the mean pixel, the item in the middle.

    Squashed to the network's view, the picture then keeps its proportions, at fewer pixels.
    """
    height, width, _ = picture.shape
    wanted = max(height, round(width * aspect)), max(width, round(height / aspect))
    top, left = (wanted[0] - height) // 2, (wanted[1] - width) // 2
    padded = np.empty((*wanted, 3), dtype=np.uint8)
    padded[:] = np.round(MEAN_PIXEL).astype(np.uint8)
    padded[top : top + height, left : left + width] = picture
    return padded


def mirrored(picture: Picture) -> Iterator[Picture]:
    """As it is, left-right, upside down, both; contiguous, as the runtimes want them."""
    for rows in (1, -1):
        for columns in (1, -1):
            yield np.ascontiguousarray(picture[::rows, ::columns])
