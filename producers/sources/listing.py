"""The pictures below a folder: found once, when a run begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput
from line.plain_text import plain
from pictures.picture_file import SUFFIXES


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds; `classes`: its sub-folders that hold pictures, None if it is flat."""

    paths: list[str]
    """inside the folder, sorted"""
    classes: tuple[str, ...] | None


def list_pictures(root: Path, max_items: int) -> Listing:
    """Where sub-folders hold pictures, they are the classes; else `root` itself does.

    Hidden files and folders are passed over, links to folders are not followed, and no file is
    opened.

    Raises:
        BadInput: naming the path, for a folder that is missing or may not be read, without pictures
            or with more than `max_items`, or with some beside its sub-folders.
    """
    if not root.is_dir():
        raise BadInput(f"{plain(str(root))}: no such folder")
    found: list[str] = []
    for path in _pictures(root, ""):
        found.append(path)
        if len(found) > max_items:
            most = f"more pictures than source.max_items = {max_items}"
            raise BadInput(f"{plain(str(root))}: {most}")
    found.sort()
    loose = [path for path in found if "/" not in path]
    if not found:
        names = " ".join(sorted(SUFFIXES))
        raise BadInput(f"{plain(str(root))}: no pictures in it ({names})")
    if not loose:
        return Listing(found, tuple(sorted({path.split("/", 1)[0] for path in found})))
    if len(loose) < len(found):
        stray = plain(str(root / loose[0]))
        raise BadInput(f"{stray}: lies beside class folders, so its class is not known")
    return Listing(found, None)


def _pictures(root: Path, inside: str) -> Iterator[str]:
    folders = [inside]
    while folders:
        inside = folders.pop()
        try:
            with os.scandir(root / inside) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(f"{inside}{entry.name}/")
                    elif _is_picture(entry):
                        yield f"{inside}{entry.name}"
        except OSError as error:
            where = plain(str(root / inside))
            raise BadInput(f"{where}: {error.strerror or error}") from None


def _is_picture(entry: os.DirEntry[str]) -> bool:
    if Path(entry.name).suffix.lower() not in SUFFIXES:
        return False
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False
