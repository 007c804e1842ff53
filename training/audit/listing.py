"""Which pictures there are, with split and label: a folder of classes, or of train/ val/ test/.

Unlike the trainer this takes what it finds: an empty class folder, or a class that only val/ has,
is something to report and no reason to stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.errors import BadInput
from training.folders import SUFFIXES, class_names
from training.prepare.prepared_folder import SPLITS

UNSPLIT = "all"


@dataclass(frozen=True)
class Entry:
    """One picture: where it lies below the audited folder, and what it is said to show."""

    path: Path
    split: str
    label: str

    @property
    def name(self) -> str:
        """The path as text fit for any screen or file: what cannot be printed is escaped."""
        text = self.path.as_posix()
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@dataclass(frozen=True)
class Listing:
    """All pictures below `root`, by split, class and path; `ignored` other files lie there too."""

    root: Path
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    entries: tuple[Entry, ...]
    ignored: int


def list_pictures(root: Path) -> Listing:
    """Find the pictures. Raises BadInput if there is no such folder, or no picture in it."""
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    # The same sign by which `prepare` tells a split folder from a folder of classes.
    splits: tuple[str, ...] = (UNSPLIT,)
    if (root / "train").is_dir():
        splits = tuple(split for split in SPLITS if (root / split).is_dir())
    classes: set[str] = set()
    entries: list[Entry] = []
    ignored = 0
    for split in splits:
        top = root if split == UNSPLIT else root / split
        for label in class_names(top):
            classes.add(label)
            files = [file for file in sorted((top / label).rglob("*")) if not file.is_dir()]
            pictures = [file for file in files if file.suffix.lower() in SUFFIXES]
            ignored += len(files) - len(pictures)
            entries += [Entry(file.relative_to(root), split, label) for file in pictures]
    if not entries:
        raise BadInput(f"{root}: no pictures in class folders")
    return Listing(root, splits, tuple(sorted(classes)), tuple(entries), ignored)
