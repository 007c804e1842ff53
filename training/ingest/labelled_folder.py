"""A training folder that is fed by people's labels: FOLDER/CLASS/NAME beside history.csv.

A picture lies in one class folder, that of the label which counts. Pictures are put in place
before the history is written, so that an ingest which was cut short is completed by the next.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

from pictures.picture_file import SUFFIXES
from training.errors import BadInput
from training.ingest.history import Row, news, read_history, write_history
from training.ingest.label_event import Source, final_labels, names_a_folder
from training.pictures import check_picture
from training.whole_file import replace_bytes

HISTORY = "history.csv"


@dataclass
class Taken:
    """What an ingest did: frames added, moved to another class, or left; and why some have none."""

    added: int = 0
    moved: int = 0
    unchanged: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


class LabelledFolder:
    """The folder and its history. BadInput if the history cannot be read."""

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise BadInput(f"--out {root}: is not a folder")
        self._root = root
        self._rows = read_history(root / HISTORY)
        self._hashes = {row.frame: row.sha256 for row in self._rows}
        self._names = {row.frame: row.image for row in self._rows}
        for row in self._rows:
            if not names_a_folder(row.label) or not names_a_folder(row.image):
                raise BadInput(f"{root / HISTORY}: {row.label}/{row.image} leads elsewhere")

    def take(self, source: Source) -> Taken:
        """Bring in everything that is new; nothing twice. A frame without a picture is skipped.

        Raises BadInput, before anything is written, if a frame comes with another picture than
        the last time.
        """
        taken = Taken()
        known = dict(self._names)
        usable = self._usable(source.pictures, taken)
        fresh = news((one for one in source.events if one.frame in usable), self._rows)
        rows = self._rows + [
            Row(
                one.frame,
                self._names[one.frame],
                one.label,
                one.who,
                one.when,
                one.source,
                self._hashes[one.frame],
            )
            for one in fresh
        ]
        labels = final_labels(row.event for row in rows)
        for frame in usable:
            moved = self._place(frame, labels[frame], usable[frame])
            if frame not in known:
                taken.added += 1
            elif moved:
                taken.moved += 1
            else:
                taken.unchanged += 1
        if fresh:
            write_history(self._root / HISTORY, rows)
        self._rows = rows
        return taken

    def _usable(self, pictures: Mapping[str, Path | str], taken: Taken) -> dict[str, Path | None]:
        """The source file of each frame that has one; None where only our own copy is left."""
        usable: dict[str, Path | None] = {}
        for frame, picture in pictures.items():
            try:
                usable[frame] = self._check(frame, picture)
            except _NoPicture as why:
                taken.skipped[frame] = str(why)
        return usable

    def _check(self, frame: str, picture: Path | str) -> Path | None:
        if isinstance(picture, str):
            if self._present(frame):
                return None
            raise _NoPicture(picture)
        digest = hashlib.sha256(picture.read_bytes()).hexdigest()
        if self._hashes.setdefault(frame, digest) != digest:
            raise BadInput(f"{picture}: another picture than the one taken in before as {frame}")
        if frame not in self._names:
            if picture.suffix.lower() not in SUFFIXES:
                raise _NoPicture(f"{picture} is not a kind of picture that training reads")
            try:
                check_picture(picture)
            except BadInput as error:
                raise _NoPicture(str(error)) from error
            self._names[frame] = file_name(frame, picture.suffix.lower())
        return picture

    def _present(self, frame: str) -> list[Path]:
        """Where the frame's picture lies now: in one class folder, if nobody interfered."""
        name = self._names.get(frame)
        return [] if name is None else sorted(self._root.glob(f"*/{escape(name)}"))

    def _place(self, frame: str, label: str, source: Path | None) -> bool:
        """Make the picture lie in its class and nowhere else; True if it lay elsewhere."""
        target = self._root / label / self._names[frame]
        elsewhere = [path for path in self._present(frame) if path != target]
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_file():
            if elsewhere:
                elsewhere[0].replace(target)
            elif source is not None:
                replace_bytes(target, source.read_bytes())
        for path in elsewhere:
            path.unlink(missing_ok=True)
            # A class folder without pictures is an error to the trainer.
            with suppress(OSError):
                path.parent.rmdir()
        return bool(elsewhere)


def file_name(frame: str, suffix: str) -> str:
    """A file's name that no other frame has and that is no path: readable part, hash, suffix."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", frame).strip("-")[-80:]
    return f"{readable}-{hashlib.sha256(frame.encode()).hexdigest()[:8]}{suffix}"


class _NoPicture(Exception):
    """A frame that cannot be taken in now; the message says why."""
