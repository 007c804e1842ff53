"""Pictures as the watch sees them: what the model says of each, and what each is like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from line import pictures
from line.drift.statistics import Levels, confidence_level, energy_level
from line.errors import BadInput
from line.pictures import Picture
from line.run_files.picture_statistics import NOTHING
from line.settings import Settings
from pictures.picture_folder import PICTURE, look_through
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.picture_statistics import levels_of
from producers.sources import ProceduralSource
from producers.sources.spec import open_source
from workers.model import Model

BLUR_PX, VEIL = 1.5, 0.1
"""Of the dirty lens: standard deviation of its blur; share of the light that it spreads evenly."""
_VEIL_LEVEL = 128


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture: its class, if that is known, the model's answer, and its levels."""

    true_class: str
    predicted: str
    levels: Levels


def photographs(folder: Path) -> Iterator[tuple[str, Picture]]:
    """Each picture below a folder with the name of the folder that it lies in.

    Raises:
        BadInput: there is none.
    """
    try:
        found = sorted(name for name, kind in look_through(folder) if kind == PICTURE)
    except OSError as error:
        raise BadInput(f"{error.filename or folder}: {error.strerror}") from None
    if not found:
        raise BadInput(f"{folder}: holds no pictures")
    for name in found:
        path = folder / name
        yield path.parent.name, pictures.read(path, 50e6)


def drawn(settings: Settings, seqs: Iterable[int]) -> Iterator[tuple[str, Picture]]:
    """Items of the demo's source, as the camera of these settings takes them, at its infeed's pace.

    Item n comes to the photo-eye at belt second n times the mean distance of the infeed.
    """
    source = open_source(settings)
    assert isinstance(source, ProceduralSource)
    take = Photographer(source, settings, 0)
    for seq in seqs:
        moment_s = seq * 60 / settings.infeed.items_per_min
        true_class = source.facts(0, seq).true_class or ""
        yield true_class, take(BeltItem(seq, moment_s, moment_s))


def behind_dirt(taken: Iterable[tuple[str, Picture]]) -> Iterator[tuple[str, Picture]]:
    """The same through a dirty lens."""
    for name, picture in taken:
        blurred = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(BLUR_PX))
        levels = (1 - VEIL) * np.asarray(blurred, np.float32) + VEIL * _VEIL_LEVEL
        yield name, np.clip(levels + 0.5, 0, 255).astype(np.uint8)


def seen(model: Model, taken: Iterable[tuple[str, Picture]]) -> list[Seen]:
    """What the watch would be told of these pictures."""
    found = []
    for name, picture in taken:
        (answer,), energies = model.answers(picture[np.newaxis])
        best = int(answer.argmax())
        confidence = round(float(answer[best]), 5)
        energy = None if energies is None else energy_level(round(float(energies[0]), 4))
        levels = (confidence_level(confidence), energy, *levels_of(picture))
        found.append(Seen(name, model.facts.classes[best], levels))
    return found


def by_answers_alone(pool: Iterable[Seen], *, energy: bool) -> list[Seen]:
    """The same, as if nothing were known of the pictures, and of the energies if not wanted."""
    return [
        replace(each, levels=(each.levels[0], each.levels[1] if energy else None, *NOTHING))
        for each in pool
    ]


def by_class(pool: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Of each true class its pictures."""
    found: dict[str, list[Seen]] = {}
    for each in pool:
        found.setdefault(each.true_class, []).append(each)
    return found
