"""Parts of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nicegui import ui

from console.widgets import attribute, block, text


@contextmanager
def scrolled(name: str) -> Iterator[ui.element]:
    """Room for a table that may be wider than the page; a keyboard can scroll it too."""
    with block("div", "scroll-x") as scroll:
        attribute(scroll, "tabindex", 0)
        attribute(scroll, "role", "region")
        attribute(scroll, "aria-label", name)
        yield scroll


def head_row(columns: Sequence[tuple[str, str]]) -> None:
    """A table's head: (words, classes) of each column; without words it heads nothing."""
    with block("thead"), block("tr"):
        for words, classes in columns:
            cell = text("th" if words else "td", words, classes)
            if words:
                attribute(cell, "scope", "col")
