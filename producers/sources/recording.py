"""Items that an earlier run recorded: the same pictures, at the same moments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from line import pictures
from line.errors import PictureError
from line.pictures import Picture
from line.recording import Lane, read_lane, read_picture
from producers.sources.source import ItemFacts
from producers.studio import Shot


class RecordingSource:
    """The lanes recorded in a run folder, each read when it is first asked for.

    An item that is missing between others was lost with a camera, or there was no time to write it:
    it passes the photo-eye midway between its neighbours, without a picture or a truth. Raises
    BadInput, naming the folder or the file, where nothing was recorded or a file is damaged.
    """

    is_reproducible = True
    is_exact = True
    length = None

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._lanes: dict[int, Lane] = {}
        self.classes = self._lane(0).facts.classes

    def arrivals(self, camera: int, belt_speed_m_per_s: float, since: int = 0) -> Iterator[float]:
        """Belt times (s) of the triggers of items from `since` on, on a belt of another speed, too.

        The items lie on the belt as they did: recorded time × recorded speed ÷ speed.
        """
        lane = self._lane(camera)
        seqs = sorted(lane.items)
        times = [lane.items[seq].trigger_s for seq in seqs]
        slower = lane.facts.belt_speed_m_per_s / belt_speed_m_per_s
        if seqs:
            for trigger_s in np.interp(np.arange(since, seqs[-1] + 1), seqs, times):
                yield slower * float(trigger_s)

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """As the source of the recorded run told them."""
        item = self._lane(camera).items.get(seq)
        return ItemFacts(None, "lost") if item is None else ItemFacts(item.true_class, item.origin)

    def shot(self, camera: int, seq: int) -> Shot:
        """The picture as it left the recorded camera. Raises PictureError where there is none."""
        lane = self._lane(camera)
        item = lane.items.get(seq)
        if item is None:
            raise PictureError("no picture was recorded: the item was lost with its camera")
        data = read_picture(lane.files[seq], item)
        return Shot(data, item.encoding, item.height_px, item.width_px, item.picture_crc32)

    def picture(self, camera: int, seq: int) -> Picture:
        """The same, unpacked."""
        shot = self.shot(camera, seq)
        return pictures.decode(shot.data, shot.encoding, shot.height_px, shot.width_px)

    def close(self) -> None:
        """Nothing is held."""

    def _lane(self, camera: int) -> Lane:
        if camera not in self._lanes:
            self._lanes[camera] = read_lane(self._run_dir, camera)
        return self._lanes[camera]
