"""Makes an item's picture as the lane's camera sees it: source first, optics on top."""

from __future__ import annotations

import math

from line.events import Dim
from line.pictures import Picture
from line.settings import Settings
from producers.belt import BeltItem
from producers.optics import Optics
from producers.randomness import Purpose, stream
from producers.shot import Take
from producers.sources import ProceduralSource, RecordedSource, Source


class Photographer:
    """Called from the studio's thread. The picture depends on the item alone."""

    def __init__(self, source: Source, settings: Settings, camera: int) -> None:
        if isinstance(source, ProceduralSource):
            source.prepare()
        self._source = source
        self._seed = settings.line.seed
        self._belt_speed_m_s = settings.belt.speed_m_per_s
        self._camera = camera
        self._optics = optics(settings, source.is_exact)
        self._dims = [e for e in settings.events if isinstance(e, Dim) and e.index == camera]

    def __call__(self, item: BeltItem) -> Picture:
        """uint8 [height, width, 3]. Raises PictureError."""
        return self._optics.expose(
            self._source.picture(self._camera, item.seq),
            belt_speed_m_s=self._belt_speed_m_s,
            belt_time_s=item.trigger_s,
            lamp_factor=self._lamp_factor(item),
            rng=stream(self._seed, self._camera, item.seq, Purpose.OPTICS),
        )

    def light(self, item: BeltItem) -> float:
        """The lamp at its trigger: all that its picture depends on besides its number."""
        return self._optics.lamp_level(item.trigger_s, self._lamp_factor(item))

    def _lamp_factor(self, item: BeltItem) -> float:
        return math.prod(dim.share for dim in self._dims if dim.covers(item.trigger_s))


def photographer(source: Source, settings: Settings, camera: int) -> Take:
    """A lane's camera; where the source was recorded, its pictures as they left the camera then."""
    if isinstance(source, RecordedSource):
        return lambda item: source.shot(camera, item.seq)
    return Photographer(source, settings, camera)


def optics(settings: Settings, source_is_exact: bool) -> Optics:
    """The camera that the settings describe; a perfect one where effects are off.

    `source_is_exact`: the source's pictures are to reach the model as they are, unless asked.
    """
    camera = settings.camera
    if camera.effects == "off" or (camera.effects == "auto" and source_is_exact):
        return Optics(view_m=camera.view_m)
    return Optics(
        exposure_ms=camera.exposure_ms,
        view_m=camera.view_m,
        lamp=camera.lamp,
        lamp_drift_per_min=camera.lamp_drift_per_min,
        vignetting=camera.vignetting,
        noise=camera.noise,
    )
