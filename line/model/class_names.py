"""What a class may be called: names stand in rows, on pages, and are folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence

from line.messages import MOST_CLASSES
from line.plain_text import plain

LONGEST_NAME = 100
"""Characters."""
_SHOWN = 40


def complaint_about(names: Sequence[str]) -> str:
    """Why these cannot be the classes of a model; empty if they can."""
    if not names:
        return "names no classes"
    if len(names) > MOST_CLASSES:
        return f"{len(names)} class names are more than {MOST_CLASSES}"
    known: set[str] = set()
    for name in names:
        if fault := _fault(name):
            return f"class name {plain(repr(name), _SHOWN)} {fault}"
        if name in known:
            return f"class name {plain(repr(name), _SHOWN)} stands twice"
        known.add(name)
    return ""


def _fault(name: str) -> str:
    if not name or name != name.strip():
        return "is empty, or begins or ends with a space"
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    if "|" in name:
        return "contains |, which separates the names in top3"
    if "/" in name or name in (".", ".."):
        return "cannot be the name of a folder"
    return ""
