"""Items whose classes are known before they are seen: the twin takes no pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput
from line.settings import Settings
from producers.photographer import optics
from producers.sources import FolderSource, ProceduralSource, open_source


@dataclass(frozen=True, slots=True)
class KnownSource:
    """All that is to be known of the items of a run."""

    classes: tuple[str, ...]
    is_exact: bool
    """pictures as they are, see `producers.photographer.optics`"""
    length: int | None
    """pictures in all; None: no end"""
    true_classes: Callable[[int], Iterator[str]]
    """lane → of its items, in order"""


def is_smeared(settings: Settings, source_is_exact: bool) -> bool:
    """Whether the belt moves by more than a pixel while the shutter is open."""
    camera, belt = settings.camera, settings.belt
    return optics(settings, source_is_exact).blur_px(belt.speed_m_per_s, camera.width_px) > 1.0


def known_source(settings: Settings) -> KnownSource:
    """Raises BadInput, naming it, for a source without classes, and for whatever it refuses."""
    spec = settings.source.spec
    if spec == "procedural":
        mix = {name: each.share for name, each in settings.classes.items()}
        drawn = ProceduralSource(settings.line.seed, mix, 1, 1)
        return KnownSource(drawn.classes, drawn.is_exact, None, drawn.true_classes)
    if spec.startswith("webcam:") or Path(spec).is_file():
        raise BadInput(
            f"source.spec {spec!r}: nobody knows its items beforehand; in virtual time it must be "
            '"procedural" or a folder with a sub-folder for each class'
        )
    source = open_source(settings)
    assert isinstance(source, FolderSource)
    if source.classes is None:
        raise BadInput(
            f"source.spec {spec!r}: has no sub-folder for each class; in virtual time there are no "
            "pictures, so the classes must be known"
        )
    return KnownSource(source.classes, source.is_exact, source.length, source.true_classes)


def fed_classes(settings: Settings) -> dict[str, float]:
    """Class → how much of it is fed: its share of what is drawn, or its files in a folder.

    Raises BadInput as `known_source` does.
    """
    if settings.source.spec == "procedural":
        shares = {name: each.share for name, each in settings.classes.items()}
        return {name: share for name, share in shares.items() if share}
    every = known_source(settings.replaced({"source": {"order": "once"}}))
    files: Counter[str] = Counter()
    for lane in range(settings.line.cameras):
        files.update(every.true_classes(lane))
    return {name: float(count) for name, count in files.items()}
