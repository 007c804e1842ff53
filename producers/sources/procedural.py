"""Items drawn on the fly, in a given mix of classes, without end."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate

from line.errors import BadInput
from line.pictures import Picture
from producers.procedural import CLASSES, draw, prepare
from producers.randomness import Purpose, first_uniforms, stream
from producers.sources.source import ItemFacts


class ProceduralSource:
    """Draws scrap. `mix` gives each class its weight; a class that is not named is never fed.

    Raises BadInput for a weight that is negative or not finite, for a positive weight of a class
    that cannot be drawn, and where no weight is positive.
    """

    is_reproducible = True
    is_exact = False
    length = None

    def __init__(self, seed: int, mix: Mapping[str, float], width_px: int, height_px: int) -> None:
        _check(mix)
        self._seed = seed
        self._size_px = (width_px, height_px)
        # In the order of CLASSES, so that the order of the mix does not matter.
        self.classes = tuple(name for name in CLASSES if mix.get(name, 0.0) > 0.0)
        self._bounds = list(accumulate(mix[name] for name in self.classes))

    def prepare(self) -> None:
        """Make now what the first picture needs and all others share."""
        prepare(*self._size_px)

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """The class, drawn by weight, and "procedural"."""
        rng = stream(self._seed, camera, seq, Purpose.ITEM)
        return ItemFacts(self._class(rng.random()), "procedural")

    def true_classes(self, camera: int) -> Iterator[str]:
        """What `facts` says of item 0, 1, 2 … of a lane, without end."""
        return map(self._class, first_uniforms(self._seed, camera, Purpose.ITEM))

    def picture(self, camera: int, seq: int) -> Picture:
        """The item, drawn."""
        material = self.facts(camera, seq).true_class
        assert material is not None
        return draw(material, stream(self._seed, camera, seq, Purpose.PICTURE), *self._size_px)

    def close(self) -> None:
        """Nothing is held."""

    def _class(self, share: float) -> str:
        draw_of_lot = share * self._bounds[-1]
        # Rounding may carry the product up to the last bound itself.
        place = min(bisect_right(self._bounds, draw_of_lot), len(self.classes) - 1)
        return self.classes[place]


def _check(mix: Mapping[str, float]) -> None:
    for name, weight in mix.items():
        if not (math.isfinite(weight) and weight >= 0.0):
            raise BadInput(f"classes.{name}.share: {weight} must be a number of at least 0")
        if weight > 0.0 and name not in CLASSES:
            raise BadInput(
                f"classes.{name}.share: the procedural source draws only {', '.join(CLASSES)}"
            )
    if not any(weight > 0.0 for weight in mix.values()):
        raise BadInput("classes: at least one share must be greater than 0")
