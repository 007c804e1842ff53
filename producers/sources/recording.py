"""Items that an earlier run recorded: the same pictures, at the same moments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from line import pictures
from line.errors import BadInput, PictureError
from line.pictures import Picture
from line.run_files.recording import RecordedItem, read_picture
from producers.shot import Shot
from producers.sources.recorded_lane import RecordedLane, index_name
from producers.sources.source import ItemFacts

_KEPT_ITEMS = 1024
"""Whose facts are asked for more than once"""

_Known = tuple[Path, RecordedItem] | None


class RecordingSource:
    """The lanes recorded in a run folder, each looked at when it is first asked for.

    An item that is missing between others was lost with a camera, or there was no time to write it:
    it passes the photo-eye midway between its neighbours, without a picture or a truth. Raises
    BadInput, naming the folder or the file, where nothing was recorded or a file is damaged.
    """

    is_reproducible = True
    is_exact = True
    length = None

    def __init__(self, recorded: Path, run_dir: Path | None = None) -> None:
        """`run_dir`: of the run that replays them, if it has begun: it knows where items stand."""
        self._recorded = recorded
        self._run_dir = run_dir
        self._lanes: dict[int, RecordedLane] = {}
        self._known: OrderedDict[tuple[int, int], _Known] = OrderedDict()
        self._lock = Lock()
        self.classes = self._lane(0).facts.classes

    def arrivals(self, camera: int, belt_speed_m_per_s: float, since: int = 0) -> Iterator[float]:
        """Belt times (s) of the triggers of items from `since` on, on a belt of another speed, too.

        The items lie on the belt as they did: recorded time × recorded speed ÷ speed.
        """
        lane = self._lane(camera)
        slower = lane.facts.belt_speed_m_per_s / belt_speed_m_per_s
        return (slower * trigger_s for trigger_s in lane.triggers_s(since))

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """As the source of the recorded run told them."""
        known = self._item(camera, seq)
        if known is None:
            return ItemFacts(None, "lost")
        return ItemFacts(known[1].true_class, known[1].origin)

    def shot(self, camera: int, seq: int) -> Shot:
        """The picture as it left the recorded camera. Raises PictureError where there is none."""
        known = self._item(camera, seq)
        if known is None:
            raise PictureError("no picture was recorded: the item was lost with its camera")
        path, item = known
        data = read_picture(path, item)
        return Shot(data, item.encoding, item.height_px, item.width_px, item.picture_crc32)

    def picture(self, camera: int, seq: int) -> Picture:
        """The same, unpacked."""
        shot = self.shot(camera, seq)
        return pictures.decode(shot.data, shot.encoding, shot.height_px, shot.width_px)

    def close(self) -> None:
        """Close what was opened."""
        for lane in self._lanes.values():
            lane.close()

    def _item(self, camera: int, seq: int) -> _Known:
        """The studio's thread asks as well as the camera's."""
        with self._lock:
            if (camera, seq) in self._known:
                return self._known[camera, seq]
            try:
                found = self._lane(camera).item(seq)
            except BadInput:  # damaged since the run began: this one item is lost
                found = None
            self._known[camera, seq] = found
            if len(self._known) > _KEPT_ITEMS:
                self._known.popitem(last=False)
            return found

    def _lane(self, camera: int) -> RecordedLane:
        if camera not in self._lanes:
            self._lanes[camera] = (
                RecordedLane.scanned(self._recorded, camera)
                if self._run_dir is None
                else RecordedLane.indexed(self._recorded, self._run_dir / index_name(camera))
            )
        return self._lanes[camera]
