"""How classes may be called: names of folders, of a model's answers, and of a belt's bins."""

from __future__ import annotations

from collections.abc import Sequence

MOST_CLASSES = 4096
LONGEST_NAME = 100
"""Characters."""
_SHOWN = 40
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
"""What a cell of a spreadsheet begins with that is taken for a formula."""


def complaint_about_names(names: Sequence[str]) -> str:
    """Why these cannot be the classes of a model or a folder; empty if they can."""
    if not names:
        return "names no classes"
    if len(names) > MOST_CLASSES:
        return f"{len(names)} class names are more than {MOST_CLASSES}"
    known: set[str] = set()
    for name in names:
        if fault := _fault(name):
            return f"class name {_shown(name)} {fault}"
        if name in known:
            return f"class name {_shown(name)} stands twice"
        known.add(name)
    return ""


def _shown(name: str) -> str:
    """For a terminal."""
    text = ascii(name) if not name.isprintable() else repr(name)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _fault(name: str) -> str:
    if not name or name != name.strip():
        return "is empty, or begins or ends with a space"
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    if name[0] in _FORMULA:
        return f"begins with {name[0]}, which a spreadsheet takes for a formula"
    if "|" in name:
        return "contains |, which separates the names in top3"
    if "/" in name or name in (".", ".."):
        return "cannot be the name of a folder"
    return ""
