"""What pictures cost a camera that has the machine to itself."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import closing
from statistics import median
from time import perf_counter

from line.errors import BadInput
from line.settings import Settings
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source

_ROUNDS, _PICTURES = 4, 40


def pictures_alone(settings: Settings) -> tuple[list[float], float]:
    """How long the camera takes over pictures of a belt that stands; how much longer if it moves.

    By two pixels, while the shutter is open.
    """
    pixel_m = settings.camera.view_m / settings.camera.width_px
    exposure_ms = min(100.0, 2000 * pixel_m / settings.belt.speed_m_per_s)
    both = [settings.replaced({"camera": {"exposure_ms": ms}}) for ms in (0.0, exposure_ms)]
    still_ms, moved_ms = picture_times_ms(both)
    return still_ms, max(0.0, median(moved_ms) - median(still_ms))


def picture_times_ms(manners: Sequence[Settings]) -> list[list[float]]:
    """How long the camera takes over each of some pictures, the machine being its own.

    Some are made in each of the `manners`, in turns: what disturbs one disturbs all of them.

    Raises:
        BadInput: the source does not know its items' classes, or a picture cannot be made.
    """
    own = manners[0].replaced({"source": {"order": "random"}, "line": {"cameras": 1}})
    with closing(open_source(own)) as source:
        if source.classes is None:
            raise BadInput(
                f"source.spec: {own.source.spec}: nobody knows its items' classes, "
                "and a profile says what the model answers to each class"
            )
        cameras = [Photographer(source, settings, camera=0) for settings in manners]
        times_ms: list[list[float]] = [[] for _ in cameras]
        for _ in range(_ROUNDS):
            for photograph, times in zip(cameras, times_ms, strict=True):
                for seq in range(_PICTURES):
                    began = perf_counter()
                    zlib.crc32(photograph(BeltItem(seq, 0.0, 0.0)).tobytes())
                    times.append(1000 * (perf_counter() - began))
    return [times[_PICTURES:] for times in times_ms]  # the first round warms up
