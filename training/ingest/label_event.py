"""Labels that people gave to pictures, one event each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pictures.class_names import complaint_about_names
from training.errors import BadInput

NONE_OF_THESE = ".none-of-these"
"""What the line's console says of a picture that shows none of the classes. Such pictures lie in a
folder of that name, which is hidden and therefore no class to the trainer."""


@dataclass(frozen=True)
class LabelEvent:
    """One label, given once.

    `frame` names the picture across all sources: RUN/FRAME_ID for a picture of the line, else what
    the source calls it. `when` is ISO 8601, empty where the source does not say.
    """

    frame: str
    label: str
    who: str
    when: str
    source: str


@dataclass(frozen=True)
class Source:
    """A source read to its end: `events` in their order, and where each frame's picture is.

    A picture is a file, or the reason why there is none. `skipped` are parts of the source that
    could not be read, by name, and why. `agreement` says how far people agreed, "" for one person.
    """

    events: tuple[LabelEvent, ...]
    pictures: dict[str, Path | str]
    skipped: dict[str, str] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    agreement: str = ""


@dataclass(frozen=True)
class Conflict:
    """A picture that people disagree on: its task's data, and who said what."""

    frame: str
    data: dict[str, Any]
    votes: dict[str, str]

    @property
    def in_words(self) -> str:
        """`anna: glass, ben: metal`."""
        return ", ".join(f"{who or 'somebody'}: {label}" for who, label in self.votes.items())


def final_labels(events: Iterable[LabelEvent]) -> dict[str, str]:
    """The label that counts for each frame.

    Within a source it is the last in order, whatever the clocks say; between sources the later
    by `when`, and of equals the one that stands later.
    """
    last: dict[str, dict[str, LabelEvent]] = {}
    for one in events:
        by_source = last.setdefault(one.frame, {})
        by_source.pop(one.source, None)
        by_source[one.source] = one
    return {
        frame: max(reversed(by_source.values()), key=lambda s: moment(s.when)).label
        for frame, by_source in last.items()
    }


def moment(when: str) -> datetime:
    """A time stamp to compare by; without a zone it is UTC, and no stamp is the earliest.

    Raises ValueError if it is not ISO 8601.
    """
    if not when:
        return datetime.min.replace(tzinfo=UTC)
    parsed = datetime.fromisoformat(when)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def complaint_about_label(label: str, allowed: tuple[str, ...]) -> str:
    """Why a label can be no class: it names no folder, or is not `allowed` (if any are); or ""."""
    if not names_a_folder(label):
        return f"{label!r} cannot name a class folder"
    if allowed and label not in (*allowed, NONE_OF_THESE):
        return f"{label!r} is not in --classes"
    return ""


def with_good_labels(source: Source, allowed: tuple[str, ...], file: Path) -> Source:
    """Without the frames whose label that counts can be no class: those are in `skipped`.

    Raises BadInput if that leaves nothing.
    """
    counts = final_labels(source.events)
    found = {frame: complaint_about_label(label, allowed) for frame, label in counts.items()}
    bad = {frame: complaint for frame, complaint in found.items() if complaint}
    if bad and len(bad) == len(found):
        frame, complaint = next(iter(bad.items()))
        raise BadInput(f"{file}, {frame}: {complaint}")
    return replace(
        source,
        events=tuple(
            one
            for one in source.events
            if one.frame not in bad and not complaint_about_label(one.label, allowed)
        ),
        pictures={frame: at for frame, at in source.pictures.items() if frame not in bad},
        skipped=source.skipped | bad,
    )


def names_a_folder(label: str) -> bool:
    """Whether a label is one visible folder's name: no path, nothing hidden, and a class."""
    return label == NONE_OF_THESE or (
        bool(label.strip())
        and label == label.strip()
        and not label.startswith(".")
        and not set(label) & set("/\\:")
        and not complaint_about_names([label])
    )


def picture_below(root: Path, name: str) -> Path | str:
    """The file `name` in `root`, or why there is none: names never lead out of the folder."""
    try:
        file = (root / name).resolve()
        if not file.is_relative_to(root.resolve()):
            return f"{name} lies outside {root}"
        return file if file.is_file() else f"{root / name}: no such file"
    except (OSError, ValueError):  # a name too long, or with a zero byte
        return f"{name[:80]!r} cannot be a file's name"
