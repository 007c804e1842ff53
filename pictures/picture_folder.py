"""Which files of a folder are pictures: one rule for the line and for the trainer.

taken          files named as pictures are (`picture_file.SUFFIXES`, in any case), at any depth
passed over    hidden files and folders; what macOS, Windows and NAS systems leave in a folder;
               files of any other name; whatever is no file; links to folders, but for those that
               lie in the folder itself, which may be its class folders

No file is opened. What is passed over is told by kind, so that a command can say how many.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pictures.picture_file import SUFFIXES

PICTURE = "picture"
HIDDEN = "hidden"
HIDDEN_FOLDER = "hidden folders"
SYSTEM_FOLDER = "folders of the system's own"
LINKED_FOLDER = "links to folders"
NO_SUFFIX = "without a suffix"
OTHER = "of other names"
LOOSE = "pictures beside class folders"
NO_FILE = "named as pictures, but no files"
"""Kinds beside the suffixes, which are kinds as they are spelt: `.HEIC`."""

_SYSTEM_FOLDERS = frozenset(
    {"__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found"}
)

_ONE = {
    HIDDEN_FOLDER: "hidden folder",
    SYSTEM_FOLDER: "folder of the system's own",
    LINKED_FOLDER: "link to a folder",
    OTHER: "of another name",
    LOOSE: "picture beside class folders",
    NO_FILE: "named as a picture, but no file",
}
"""Kinds as they are called where there is one of them."""

_LONGEST_SUFFIX = 12
_MOST_KINDS = 8


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name never counts: it is hidden, or the system's own."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def look_through(root: Path) -> Iterator[tuple[str, str]]:
    """(path inside `root`, kind) of each file below `root`, and of each folder passed over.

    Raises OSError, whose `filename` is the folder that could not be read.
    """
    folders = [""]
    while folders:
        inside = folders.pop()
        with os.scandir(root / inside) as entries:
            for entry in entries:
                path = f"{inside}{entry.name}"
                kind = _kind(entry, is_first_level=inside == "")
                if kind is None:
                    folders.append(f"{path}/")
                else:
                    yield path, kind


@dataclass(frozen=True)
class FoundPictures:
    """Paths inside a folder, sorted, and how many of each kind were passed over."""

    paths: list[str]
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def below(cls, root: Path) -> FoundPictures:
        """All pictures below a folder. Raises OSError as `look_through` does."""
        paths, passed_over = [], Counter[str]()
        for path, kind in look_through(root):
            if kind == PICTURE:
                paths.append(path)
            else:
                passed_over[kind] += 1
        return cls(sorted(paths), passed_over)


def in_words(passed_over: Mapping[str, int]) -> str:
    """`12 .HEIC, 1 hidden folder`, the most first; "" if there is nothing."""
    ordered = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    told = [
        f"{number} {kind if number > 1 else _ONE.get(kind, kind)}"
        for kind, number in ordered[:_MOST_KINDS]
    ]
    rest = sum(number for _, number in ordered[_MOST_KINDS:])
    return ", ".join([*told, *([f"{rest} other{'s' * (rest > 1)}"] if rest else [])])


def _kind(entry: os.DirEntry[str], is_first_level: bool) -> str | None:
    """None for a folder to look into."""
    name = entry.name
    try:
        is_folder = entry.is_dir()
        if name.startswith("."):
            return HIDDEN_FOLDER if is_folder else HIDDEN
        if is_folder:
            if name.lower() in _SYSTEM_FOLDERS:
                return SYSTEM_FOLDER
            return None if is_first_level or not entry.is_symlink() else LINKED_FOLDER
        suffix = Path(name).suffix
        if suffix.lower() in SUFFIXES:
            return PICTURE if entry.is_file() else NO_FILE
    except OSError:  # a link to itself
        return NO_FILE
    if len(suffix) < 2:
        return NO_SUFFIX
    return suffix if suffix.isprintable() and len(suffix) <= _LONGEST_SUFFIX else OTHER
