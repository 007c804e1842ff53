"""`diff.html`: what changed from one run to another, as one self-contained page with pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from line.errors import PictureError
from line.pictures import Picture
from reports.charts.thumbnails import small_jpeg
from reports.comparison.cause import MEANINGS
from reports.comparison.changes import Change, Difference
from reports.report import environment

SHOWN = 60
"""Most changed items on the page; diff.csv has all of them."""

Look = Callable[[Change], Picture]
"""Finds a changed item's picture in one of the runs; raises PictureError."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A changed item and its picture, or why there is none."""

    change: Change
    pictures: tuple[str, ...]
    """data URIs: one, or where the runs' pictures differ one of each"""
    missing: str


def diff_page(difference: Difference, look_a: Look, look_b: Look) -> str:
    """The page as HTML; items of rare causes come first, so that no cause is left out."""
    content: dict[str, Any] = {
        "difference": difference,
        "causes": [(cause, n, MEANINGS[cause]) for cause, n in difference.by_cause().items()],
        "fates": difference.by_fate(),
        "settings": list(difference.settings()),
        "shown": [_shown(change, look_a, look_b) for change in _chosen(difference)],
    }
    return environment().get_template("diff.html.j2").render(content)


def _chosen(difference: Difference) -> Sequence[Change]:
    """At most `SHOWN`, dealt from the causes in turn."""
    counts = difference.by_cause()
    nth: dict[object, int] = {}

    def turn(change: Change) -> tuple[int, int]:
        cause = change.why.cause
        nth[cause] = nth.get(cause, 0) + 1
        return nth[cause], counts[cause]

    turns = [(turn(change), place) for place, change in enumerate(difference.changes)]
    chosen = sorted(place for _, place in sorted(turns)[:SHOWN])
    return [difference.changes[place] for place in chosen]


def _shown(change: Change, look_a: Look, look_b: Look) -> Shown:
    same = change.a.picture_crc32 == change.b.picture_crc32
    found: list[str] = []
    missing = ""
    for look in (look_a, look_b):
        try:
            uri = small_jpeg(Image.fromarray(look(change)))
        except PictureError as error:
            missing = str(error)
            continue
        if uri is not None:
            found.append(uri)
        if found and same:
            break
    return Shown(change, tuple(found), "" if found else missing)
