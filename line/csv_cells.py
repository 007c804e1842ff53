"""Text in the cells of CSV files: one line, bounded, and no formula to whoever opens the file.

A spreadsheet takes a cell that begins with one of a few characters for a formula. Such a text gets
an apostrophe in front, which `text_of` takes away again, so that a reader finds what was written.
Cells of numbers are written as numbers: a number that is negative is no text.
"""

from __future__ import annotations

from collections.abc import Iterable

from line.plain_text import plain

LONGEST = 2000
"""Characters of one text; the csv module refuses to read cells of more than 131,072."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_QUOTE = "'"


def cell_of(text: str) -> str:
    """The cell for a text, which is made plain (`line.plain_text`) and cut if need be."""
    text = plain(text, LONGEST)
    return _QUOTE + text if _would_count(text) else text


def cells_of(values: Iterable[object]) -> list[object]:
    """A row: texts as their cells, everything else as it is."""
    return [cell_of(value) if isinstance(value, str) else value for value in values]


def text_of(cell: str) -> str:
    """The text that a cell stands for; inverse of `cell_of` for plain texts."""
    return cell[1:] if cell.startswith(_QUOTE) and _would_count(cell) else cell


def _would_count(text: str) -> bool:
    """It begins like a formula, perhaps behind apostrophes, which would be taken for ours."""
    return text.lstrip(_QUOTE).startswith(_FORMULA)
