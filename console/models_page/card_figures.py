"""How a model was judged, as the card beside its file tells: for whoever has no evaluation of it.

A card is what `python -m training report` writes. It names the file that it is about by SHA-256.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from console.tables import head_row, scrolled
from console.widgets import attribute, block, panel, text

_HEADING = re.compile(r"^##\s+Accuracy on\s+(.+?)\s*$")
_FACT = re.compile(r"^-\s+([^:]{1,80}):\s+(.{1,300})$")
_SHA256 = re.compile(r"^-\s+SHA-256:\s+`([0-9a-f]{64})`", re.MULTILINE)
_CELLS = re.compile(r"(?<!\\)\|")
_MOST_FACTS, _MOST_ROWS = 20, 300


@dataclass(frozen=True, slots=True)
class CardFigures:
    """One section of a card: the model on one set of pictures, in the card's own words."""

    data: str
    facts: tuple[tuple[str, str], ...]
    """name and value"""
    table: tuple[tuple[str, ...], ...]
    """the figures of each class under their heads; empty without"""


def is_of(card: str, sha256: str) -> bool:
    """Whether the card says that it is about the file with this hash."""
    found = _SHA256.search(card)
    return found is not None and found[1] == sha256


def card_figures(card: str) -> list[CardFigures]:
    """What the card's sections on accuracy say; none of a text that has no such sections."""
    return [_read(data, lines) for data, lines in _sections(card)]


def show_card_figures(found: CardFigures) -> None:
    """A panel of their own, marked as the card's words."""
    with panel(f"Judged on {found.data}", note="as its card says"):
        with block("dl", "facts-list"):
            for name, value in found.facts:
                text("dt", name)
                text("dd", value)
        if not found.table:
            return
        heads, *rows = found.table
        with scrolled("Figures of each class"), block("table", "table classes-table card-table"):
            head_row([(head, "" if number == 0 else "num") for number, head in enumerate(heads)])
            with block("tbody"):
                for name, *cells in rows:
                    with block("tr"):
                        attribute(text("th", name), "scope", "row")
                        for cell in cells:
                            text("td", cell, "num")


def _sections(card: str) -> Iterator[tuple[str, list[str]]]:
    data, lines = None, list[str]()
    for line in card.splitlines():
        if line.startswith("## "):
            if data is not None:
                yield data, lines
            heading = _HEADING.match(line)
            data, lines = (heading[1] if heading else None), []
        elif data is not None:
            lines.append(line)
    if data is not None:
        yield data, lines


def _read(data: str, lines: list[str]) -> CardFigures:
    facts = [(found[1], found[2]) for line in lines if (found := _FACT.match(line))]
    table = [_cells(line) for line in lines if line.startswith("|")]
    if len(table) > 1:
        del table[1]  # the rule under the heads
    width = len(table[0]) if table else 0
    rows = [row for row in table[: _MOST_ROWS + 1] if len(row) == width]
    return CardFigures(data, tuple(facts[:_MOST_FACTS]), tuple(rows))


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip().replace("\\|", "|") for cell in _CELLS.split(inner))
