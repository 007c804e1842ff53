"""The pictures of a finished run's items, from wherever they can still be had."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from line import pictures
from line.errors import BadInput, PictureError
from line.pictures import Picture
from line.run_files.recording import is_recorded
from line.settings import Settings
from producers.belt import BeltItem
from producers.photographer import photographer
from producers.shot import Shot
from producers.sources import Source, open_source
from producers.sources.recording import RecordingSource
from reports.comparison.compared_run import ComparedRun, Item


class ItemPictures:
    """Context manager: owns the source that makes pictures again.

    A picture comes from the run's recording, else from its review queue, else it is made again from
    the seed, and then only shown if it is the one of then to the byte, or if none was taken then.
    """

    def __init__(self, run: ComparedRun) -> None:
        self._run = run
        self._stack = ExitStack()
        self._settings: Settings | None = None
        self._source: Source | None = None
        self._recording = _recording(run.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, item: Item) -> Picture:
        """uint8 [height, width, 3]. Raises PictureError, saying why it cannot be had."""
        camera, seq = _key(item)
        picture = self._recorded(camera, seq)
        if picture is None:
            picture = self._queued(item)
        return self._made_again(item, camera, seq) if picture is None else picture

    def _recorded(self, camera: int, seq: int) -> Picture | None:
        if self._recording is None:
            return None
        try:
            return self._recording.picture(camera, seq)
        except (PictureError, BadInput):
            return None

    def _queued(self, item: Item) -> Picture | None:
        path = self._run.path / "review" / "images" / f"{item.frame_id}.png"
        try:
            return pictures.read(path, max_pixels=80e6) if path.is_file() else None
        except PictureError:
            return None

    def _made_again(self, item: Item, camera: int, seq: int) -> Picture:
        fed = BeltItem(seq, item.scheduled_s, item.scheduled_s)
        try:
            settings, source = self._opened()
            taken = photographer(source, settings, camera)(fed)
        except BadInput as error:
            raise PictureError(str(error)) from None
        except IndexError:
            raise PictureError("the source has no such item any more") from None
        if isinstance(taken, Shot):
            return pictures.decode(taken.data, taken.encoding, taken.height_px, taken.width_px)
        data = pictures.encode(taken, settings.camera.encoding, settings.camera.jpeg_quality)
        taken_then = None if self._run.is_virtual else item.picture_crc32
        if taken_then is not None and zlib.crc32(data) != taken_then:
            raise PictureError("made again from the seed it is not the picture of then")
        return taken

    def _opened(self) -> tuple[Settings, Source]:
        if self._settings is None:
            self._settings = _settings(self._run.settings)
        if self._source is None:
            if self._settings.source.spec.startswith("webcam:"):
                raise BadInput("a webcam shows nothing twice, and nothing was recorded")
            self._source = self._stack.enter_context(
                closing(open_source(self._settings, self._run.path))
            )
        return self._settings, self._source


def _settings(values: Mapping[str, object]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError:
        raise BadInput("its settings are of another version of the line") from None


def _recording(run_dir: Path) -> RecordingSource | None:
    try:
        return RecordingSource(run_dir) if is_recorded(run_dir) else None
    except BadInput:  # damaged: the other ways remain
        return None


def _key(item: Item) -> tuple[int, int]:
    """Its camera and sequence. Raises PictureError for an item that no camera has named."""
    camera, _, seq = item.frame_id.partition("-")
    if not (camera.isdecimal() and seq.isdecimal()):
        raise PictureError(f"{item.frame_id!r} is not camera-sequence")
    return int(camera), int(seq)
