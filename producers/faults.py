"""What a scenario's timed faults do to a camera's pictures on their way to the line."""

from __future__ import annotations

from line.events import Corrupt, Stall
from line.settings import Settings
from producers.belt import BeltItem
from producers.randomness import Purpose, stream

_DAMAGED_BYTES = 64
"""Enough to spoil a JPEG, few enough to leave a raw picture recognisable."""


class PictureFaults:
    """Of one lane. Both depend on the seed and the item alone."""

    def __init__(self, settings: Settings, camera: int) -> None:
        self._seed = settings.line.seed
        self._camera = camera
        self._stalls = sorted(
            (e for e in settings.events if isinstance(e, Stall) and e.index == camera),
            key=lambda stall: stall.at_s,
        )
        self._corruptions = [e for e in settings.events if isinstance(e, Corrupt)]

    def released_s(self, item: BeltItem) -> float:
        """Belt time from which on the item's picture may leave the camera."""
        moment_s = item.trigger_s
        for stall in self._stalls:
            if stall.covers(moment_s):
                moment_s = stall.end_s
        return moment_s

    def transmit(self, item: BeltItem, data: bytes) -> bytes:
        """The picture's bytes as they arrive: mostly whole, some altered, some cut short."""
        hit = any(
            e.hits(self._seed, self._camera, item.seq, item.trigger_s) for e in self._corruptions
        )
        if not hit:
            return data
        rng = stream(self._seed, self._camera, item.seq, Purpose.DAMAGE)
        if rng.random() < 0.5:
            return data[: int(rng.integers(len(data)))]
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=_DAMAGED_BYTES):
            damaged[place] ^= int(rng.integers(1, 256))
        return bytes(damaged)
