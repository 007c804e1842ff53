"""Writes a lane's recording, in the layout of `line.run_files.recording`.

The files open in Foxglove and in everything else that reads MCAP.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import monotonic, time_ns
from typing import Self

from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

from line.belt_time import Clock
from line.run_files.mcap_file import McapFile, timestamp
from line.run_files.recording import (
    IMAGE_TOPIC,
    ITEM_TOPIC,
    LANE_TOPIC,
    LaneFacts,
    RecordedItem,
    next_part,
    parts,
)
from line.settings import Settings
from producers.belt import BeltItem
from producers.shot import Shot
from producers.sources import Source

PART_ITEMS = 20_000
"""The writer remembers every chunk of a part until the part ends."""


class Recorder:
    """One camera process's part of its lane's recording. Context manager: owns the file.

    Whatever goes wrong with the file, or when the lane's recordings together would grow over
    `record.max_mb`, recording ends and `ended` says why; the line goes on.
    """

    def __init__(
        self, run_dir: Path, settings: Settings, camera: int, source: Source, clock: Clock
    ) -> None:
        self._run_dir = run_dir
        self._settings = settings
        self._camera = camera
        self._source = source
        self._clock = clock
        self._written = 0
        """bytes in parts that are finished"""
        self._part: _Part | None = None
        self.ended = ""
        """why nothing more is recorded; empty while it is"""

    def __enter__(self) -> Self:
        self._written = sum(path.stat().st_size for path in parts(self._run_dir, self._camera))
        try:
            self._open_part()  # a lane without items is a lane, too
        except OSError as error:
            self._end(str(error.strerror or error))
        return self

    def __exit__(self, *_: object) -> None:
        if self._part is not None and not self.ended:
            with suppress(OSError):  # what is written can be read without the file's index
                self._part.finish()
            self._part.close()

    def keep(self, item: BeltItem, shot: Shot) -> None:
        """Write one item, so that it survives the death of this process."""
        if self.ended:
            return
        try:
            part = self._open_part()
            if self._written + part.size + len(shot.data) > 1e6 * self._settings.record.max_mb:
                part.finish()
                self._end(f"record.max_mb = {self._settings.record.max_mb} is reached")
            else:
                part.write(self._facts(item, shot), shot.data)
        except OSError as error:
            self._end(str(error.strerror or error))

    def _open_part(self) -> _Part:
        if self._part is not None and self._part.items >= PART_ITEMS:
            self._part.finish()
            self._written += self._part.path.stat().st_size
            self._part = None
        if self._part is None:
            self._part = _Part(next_part(self._run_dir, self._camera), self._lane())
        return self._part

    def _end(self, why: str) -> None:
        self.ended = why
        if self._part is not None:
            self._part.close()

    def _lane(self) -> LaneFacts:
        return LaneFacts(
            camera=self._camera,
            cameras=self._settings.line.cameras,
            belt_speed_m_per_s=self._settings.belt.speed_m_per_s,
            classes=self._source.classes,
            encoding=self._settings.camera.encoding,
        )

    def _facts(self, item: BeltItem, shot: Shot) -> RecordedItem:
        known = self._source.facts(self._camera, item.seq)
        return RecordedItem(
            camera=self._camera,
            seq=item.seq,
            fed_s=item.fed_s,
            trigger_s=item.trigger_s,
            triggered_ns=self._triggered_ns(item),
            true_class=known.true_class,
            mass_g=self._settings.mass_g(known.true_class),
            origin=known.origin,
            encoding=shot.encoding,
            height_px=shot.height_px,
            width_px=shot.width_px,
            picture_crc32=shot.crc32,
            picture_at=None,
            without_picture=shot.error,
        )

    def _triggered_ns(self, item: BeltItem) -> int:
        """Wall clock's time of the trigger, ns; at `--speed max` the time of now."""
        if not self._clock.is_paced:
            return time_ns()
        return time_ns() - round(1e9 * (monotonic() - self._clock.wall(item.trigger_s)))


class _Part:
    """One file of a recording."""

    def __init__(self, path: Path, lane: LaneFacts) -> None:
        self.path = path
        self.items = 0
        self._camera = f"camera-{lane.camera}"
        self._file = McapFile(path.open("xb"))
        lanes = self._file.json_channel(f"/{self._camera}{LANE_TOPIC}", LaneFacts)
        self._items = self._file.json_channel(f"/{self._camera}{ITEM_TOPIC}", RecordedItem)
        kind = RawImage if lane.encoding == "raw" else CompressedImage
        self._images = self._file.protobuf_channel(f"/{self._camera}{IMAGE_TOPIC}", kind)
        self._file.add_json(lanes, time_ns(), lane)
        self._file.end_chunk()

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._file.position

    def write(self, item: RecordedItem, picture: bytes) -> None:
        """The picture first, if there is one; then the facts, which make it count."""
        if picture:
            item = item.model_copy(update={"picture_at": self._file.position})
            image = self._image(item, picture)
            self._file.add(self._images, item.triggered_ns, image.SerializeToString())
            self._file.end_chunk()
        self._file.add_json(self._items, item.triggered_ns, item)
        self._file.end_chunk()
        self.items += 1

    def finish(self) -> None:
        """Write the index, which tells where everything stands."""
        self._file.finish()

    def close(self) -> None:
        """May be called twice."""
        self._file.close()

    def _image(self, item: RecordedItem, picture: bytes) -> RawImage | CompressedImage:
        moment = timestamp(item.triggered_ns)
        if item.encoding == "jpeg":
            return CompressedImage(
                timestamp=moment, frame_id=self._camera, format="jpeg", data=picture
            )
        return RawImage(
            timestamp=moment,
            frame_id=self._camera,
            width=item.width_px,
            height=item.height_px,
            encoding="rgb8",
            step=3 * item.width_px,
            data=picture,
        )
