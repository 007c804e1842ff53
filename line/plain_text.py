"""Text from outside, made fit for a terminal, a page, one line and a cell of a CSV file.

Reasons, names, paths and titles come from files and peers that nobody here wrote. An escape code
among them would move the reader's cursor, a line break would forge a line, and a lone surrogate
(from a file name that is no UTF-8) could not be printed at all.

A spreadsheet takes a cell that begins with one of a few characters for a formula. Such a text gets
an apostrophe in front, which `text_of` takes away again, so that a reader finds what was written.
Cells of numbers are written as numbers: a number that is negative is no text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 300
"""characters that are left of a text if nothing else is asked for"""
_CUT = "…"
_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
"""What `str.splitlines` takes as the end of a line."""


def plain(text: str, longest: int = LONGEST) -> str:
    r"""`text` in one line of printable characters, at most `longest` of them (at least 1).

    Line breaks with the blanks around them become one space, a tab becomes a space. Spaces of any
    width stay. Every other character that is not printable (escape codes, directions of writing,
    lone surrogates) becomes its escape, as `\x1b`. What is too long is cut, with "…" as its last
    character. A text that is plain already comes back as it is.
    """
    if len(text) <= longest and text.isprintable():
        return text
    pieces: list[str] = []
    length, after_break = 0, False
    for character in text:
        if character in _BREAKS:
            after_break = True
            continue
        piece = _piece(character)
        if after_break:
            if piece.isspace():
                continue
            if pieces and not pieces[-1].isspace():
                pieces.append(" ")
                length += 1
            after_break = False
        pieces.append(piece)
        length += len(piece)
        if length > longest:
            return _cut(pieces, longest)
    return "".join(pieces)


def _piece(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    if character == "\t":
        return " "
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cut(pieces: list[str], longest: int) -> str:
    """Whole pieces alone: half an escape would say something else."""
    length = sum(map(len, pieces))
    while pieces and length > longest - len(_CUT):
        length -= len(pieces.pop())
    return "".join(pieces) + _CUT


LONGEST_CELL = 2000
"""Characters of one text; the csv module refuses to read cells of more than 131,072."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_QUOTE = "'"


def cell_of(text: str) -> str:
    """The cell for a text, which is made plain (`line.plain_text`) and cut if need be."""
    text = plain(text, LONGEST_CELL)
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
