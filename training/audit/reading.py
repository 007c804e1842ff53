"""Read every picture of a folder once: its fingerprint, or why it cannot be read.

Unlike the trainer this takes what it finds: an empty class folder, or a class that only val/ has,
is something to report and no reason to stop.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pictures.picture_folder import LOOSE
from training.errors import BadInput
from training.folders import class_names, found_pictures, said
from training.pictures import open_picture
from training.split_folders import split_folders


@dataclass(frozen=True)
class Scan:
    """Readable pictures in the order of the listing; of the others, why they are not."""

    listing: Listing
    readable: dict[Entry, Fingerprint]
    unreadable: dict[Entry, str]

    @property
    def damaged(self) -> dict[Entry, str]:
        """Pictures that the decoder read but complained about."""
        return {e: print_.complaint for e, print_ in self.readable.items() if print_.complaint}


def scan(listing: Listing, entries: Iterable[Entry]) -> Scan:
    """Read `entries`, which are the listing's, perhaps wrapped to show progress."""
    readable: dict[Entry, Fingerprint] = {}
    unreadable: dict[Entry, str] = {}
    for entry in entries:
        path = listing.root / entry.path
        try:
            readable[entry] = fingerprint(path)
        except BadInput as error:
            # The decoder's own words, less the path that it repeats.
            unreadable[entry] = str(error.__cause__ or error).replace(f" {str(path)!r}", "")
    return Scan(listing, readable, unreadable)


SIDE_PX = 32


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 of file and pixels, size (height, width), and grey uint8 `[SIDE_PX, SIDE_PX]`.

    `complaint` is what the decoder had to say about a file that it could read, or "".
    """

    file_hash: bytes
    pixel_hash: bytes
    size_px: tuple[int, int]
    thumbnail: NDArray[np.uint8]
    complaint: str


def fingerprint(path: Path) -> Fingerprint:
    """Read a picture whole. Raises BadInput that names the file if it cannot be decoded."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        picture = open_picture(path)
    # The size belongs to the hash: two plain pictures may differ in nothing else.
    pixels = hashlib.sha256(repr(picture.size).encode())
    pixels.update(picture.tobytes())
    grey = picture.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return Fingerprint(
        _file_hash(path),
        pixels.digest(),
        (picture.height, picture.width),
        np.array(grey),
        str(complaints[0].message).strip() if complaints else "",
    )


def _file_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:  # it went away since it was decoded
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error


UNSPLIT = "all"


@dataclass(frozen=True)
class Entry:
    """One picture: where it lies below the audited folder, and its label."""

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
    """All pictures below `root`, by split, class and path; `passed_over`: what else is there."""

    root: Path
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    entries: tuple[Entry, ...]
    passed_over: Mapping[str, int]


def list_pictures(root: Path) -> Listing:
    """Find the pictures. Raises BadInput if there is no such folder, or no picture in it."""
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    splits = split_folders(root) or {UNSPLIT: root}
    classes: set[str] = set()
    entries: list[Entry] = []
    passed_over: Counter[str] = Counter()
    for split, top in splits.items():
        classes.update(class_names(top))
        found = found_pictures(top)
        passed_over.update(found.passed_over)
        for path in sorted(map(Path, found.paths)):
            if len(path.parts) == 1:
                passed_over[LOOSE] += 1
            else:
                entries.append(Entry((top / path).relative_to(root), split, path.parts[0]))
    if not entries:
        raise BadInput(f"{root}: no pictures in class folders{said(passed_over)}")
    return Listing(root, tuple(splits), tuple(sorted(classes)), tuple(entries), passed_over)
