"""Which pictures of a run can be made ahead, and whether all of them have room at once."""

from __future__ import annotations

from itertools import islice

from line.errors import BadInput
from line.settings import Settings
from producers.arrivals import source_arrivals
from producers.sources import RecordedSource, Source

_MOST_COUNTED = 100_000
"""Of a run that ends with its duration: each item has to be drawn for it."""


def can_be_ahead(source: Source, settings: Settings) -> bool:
    """A recording is read as it is; what a webcam will see nobody knows."""
    if settings.camera.prepare == "live" or isinstance(source, RecordedSource):
        return False
    return source.is_reproducible


def wanted(source: Source, settings: Settings, camera: int, since: int = 0) -> int | None:
    """Pictures that a lane's belt waits for, from item `since` on.

    None: it waits for its lead alone, or nobody has counted so many.
    """
    if settings.camera.prepare != "all":
        return None
    count = _count(source, settings, camera, _MOST_COUNTED)
    return max(0, count - since) if count <= _MOST_COUNTED else None


def refuse_what_does_not_fit(source: Source, settings: Settings) -> None:
    """Before a run. How large the pictures of files are, and those packed, shows as they are made.

    Raises:
        BadInput: if all pictures are to be made before the belt runs, and that cannot be.
    """
    if settings.camera.prepare != "all" or isinstance(source, RecordedSource):
        return
    if not source.is_reproducible:
        raise BadInput(
            f"camera.prepare: what {settings.source.spec} will see cannot be made beforehand; "
            'use "live"'
        )
    line = settings.line
    if not (line.items or line.duration_s or source.length):
        raise BadInput(
            'camera.prepare: "all" needs a run with an end: set line.items or line.duration_s'
        )
    if (each := picture_bytes(settings)) == 0:
        return
    most = 10**6 * settings.camera.prepare_mb // each
    for camera in range(line.cameras):
        count = _count(source, settings, camera, most)
        if count > most:
            many = f"more than {most}" if line.duration_s else f"{count}"
            raise BadInput(
                f"camera.prepare: {many} pictures of {each / 1e6:.3g} MB do not fit into "
                f"camera.prepare_mb = {settings.camera.prepare_mb}"
            )


def picture_bytes(settings: Settings) -> int:
    """Of each picture of the run; 0 if that shows when they are made."""
    if settings.drawn_px is None or settings.camera.encoding != "raw":
        return 0
    height_px, width_px = settings.drawn_px
    return 3 * height_px * width_px


def _count(source: Source, settings: Settings, camera: int, most: int) -> int:
    """Items of a lane; some number above `most` where there are more."""
    line = settings.line
    if line.duration_s or isinstance(source, RecordedSource):
        return sum(1 for _ in islice(source_arrivals(source, settings, camera), most + 1))
    limits = [limit for limit in (line.items or None, source.length) if limit is not None]
    return min((len(range(camera, limit, line.cameras)) for limit in limits), default=most + 1)
