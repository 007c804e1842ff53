"""From what the user wrote to the source that is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from line.errors import BadInput
from line.settings import Settings
from pictures.picture_file import SUFFIXES
from producers.sources.folder import FolderSource, Order
from producers.sources.picture_list import NAME, PictureList, write_folder, write_video
from producers.sources.procedural import ProceduralSource
from producers.sources.source import Source
from producers.sources.video import VideoSource, WebcamSource

_ALLOWED = '"procedural", a folder of pictures, a video file or "webcam:N"'
RECORDING = "recording"
_WEBCAM = re.compile(r"webcam:(\d{1,3})")


def open_source(settings: Settings, run_dir: Path | None = None, *, opened: bool = True) -> Source:
    """The source that a run's settings name. Raises BadInput, naming the field or the path.

    `run_dir`: of a run that has begun, or of one that is fed again from its seed: its list says
    which pictures there are. Not `opened`: it only tells of its items, another process shows them.
    """
    if run_dir is None and settings.source.replays and settings.source.spec != RECORDING:
        run_dir = Path(settings.source.replays)
    return open_spec(
        settings.source.spec,
        seed=settings.line.seed,
        cameras=settings.line.cameras,
        mix={name: one.share for name, one in settings.classes.items()},
        width_px=settings.camera.width_px,
        height_px=settings.camera.height_px,
        order="random" if settings.source.order == "random" else "once",
        max_pixels=round(settings.source.max_megapixels * 1e6),
        max_bytes=round(settings.source.max_file_mb * 1e6),
        max_items=settings.source.max_items,
        replays=settings.source.replays,
        run_dir=run_dir,
        opened=opened,
    )


def open_spec(
    spec: str,
    *,
    seed: int,
    cameras: int,
    mix: Mapping[str, float],
    width_px: int,
    height_px: int,
    order: Order = "once",
    frame: tuple[int, int] | None = None,
    max_pixels: int = 50_000_000,
    max_bytes: int = 64_000_000,
    max_items: int = 1_000_000,
    replays: str = "",
    run_dir: Path | None = None,
    opened: bool = True,
) -> Source:
    """The source named by `spec`: "procedural", a folder, a video file, "webcam:N" or "recording".

    `mix`, `width_px` and `height_px` shape procedural items; `order`, `frame` and the limits
    `max_…` hold for folders; `replays` is the folder of the recorded run. `run_dir` and `opened`
    are as in `open_source`. Raises BadInput, naming what it got, for anything else and for whatever
    the source itself refuses.
    """
    if spec == "procedural":
        return ProceduralSource(seed, mix, width_px, height_px)
    if spec == RECORDING:
        return _open_recording(replays, run_dir)
    if spec.startswith("webcam:"):
        return _open_webcam(spec, cameras, opened)
    path = Path(spec)
    listed = None if run_dir is None else PictureList(run_dir / NAME)
    if listed is not None and listed.kind == "video":
        listed.close()
        return VideoSource(path, cameras=cameras, frames=len(listed))
    if listed is not None or (
        spec and path.is_dir()
    ):  # an empty path would be the working directory
        return FolderSource(
            path,
            seed=seed,
            order=order,
            cameras=cameras,
            frame=frame,
            max_pixels=max_pixels,
            max_bytes=max_bytes,
            max_items=max_items,
            listed=listed,
        )
    if path.is_file():
        if path.suffix.lower() in SUFFIXES:
            raise BadInput(f"source.spec {spec!r}: is one picture; name the folder that holds it")
        return VideoSource(path, cameras=cameras)
    raise BadInput(f"source.spec {spec!r}: no such file or folder; must be {_ALLOWED}")


def _open_recording(recorded: str, run_dir: Path | None) -> Source:
    if not recorded:
        raise BadInput("source.replays: names no run folder; use: run_line.py replay RUN_DIR")
    # Imported late: only a replay reads MCAP files.
    from producers.sources.recording import RecordingSource

    return RecordingSource(Path(recorded), run_dir)


def keep_pictures(settings: Settings, run_dir: Path) -> None:
    """Keep in a new run folder which pictures the run feeds, where the seed alone does not say.

    Raises:
        BadInput: naming the field or the path, as `open_source` does, or if there is no room.
    """
    spec = settings.source.spec
    if spec == "procedural" or spec.startswith("webcam:"):
        return
    try:
        if spec == RECORDING:
            _keep_lanes(settings, run_dir)
            return
        with closing(open_source(settings)) as source:
            if isinstance(source, FolderSource):
                write_folder(run_dir, source.paths, source.classes)
            elif isinstance(source, VideoSource):
                write_video(run_dir, source.length)
    except OSError as error:
        raise BadInput(f"{run_dir / NAME}: {error.strerror or error}") from None


def _keep_lanes(settings: Settings, run_dir: Path) -> None:
    from producers.sources.recorded_lane import index_name, index_of

    for camera in range(settings.line.cameras):
        index = index_of(Path(settings.source.replays), camera)
        (run_dir / index_name(camera)).write_bytes(index)


def _open_webcam(spec: str, cameras: int, opened: bool) -> WebcamSource:
    number = _WEBCAM.fullmatch(spec)
    if number is None:
        raise BadInput(f"source.spec {spec!r}: must be {_ALLOWED}, with N a number from 0")
    if cameras != 1:
        raise BadInput(f"source.spec {spec!r}: one camera can feed one lane, not {cameras}")
    return WebcamSource(int(number[1]), opened=opened)
