"""A share of the decided items with their pictures, for a shadow model to answer as well."""

from __future__ import annotations

import zlib

from line.dispatch.actions import Picture
from line.messages import ShadowItem
from line.outcome import CLASSIFIED, Outcome
from line.process.hub import Hub
from line.process.picture_ring import Pictures


class ShadowFeed:
    """Which items are among them depends on seed, camera and sequence alone.

    Attributes:
        share: of the items that a model answered for; 0 while there is no shadow model.
    """

    def __init__(self, hub: Hub, pictures: Pictures, seed: int) -> None:
        self.share = 0.0
        self._hub = hub
        self._pictures = pictures
        self._seed = seed

    def wants(self, outcome: Outcome) -> bool:
        """Whether the item is among them."""
        return outcome.verdict in CLASSIFIED and is_sampled(
            self._seed, outcome.camera, outcome.seq, self.share
        )

    def offer(self, outcome: Outcome, picture: Picture | None) -> None:
        """Copy an item with its picture; where the shadow model has no room it is left."""
        if picture is None:
            return
        frame = picture.frame
        data = self._pictures.copy(frame, picture.payload)
        if data is not None:
            row = ShadowItem(outcome, frame.encoding, frame.height_px, frame.width_px)
            self._hub.offer(row, data)


def is_sampled(seed: int, camera: int, seq: int, share: float) -> bool:
    """Whether an item is among the `share` (0..1) that lot has chosen."""
    return share > 0 and zlib.crc32(f"{seed}/{camera}-{seq}/shadow".encode()) / 2**32 < share
