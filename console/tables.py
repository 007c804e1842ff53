"""Parts of tables, and how figures stand in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from nicegui import ui

from console.widgets import attribute, block, text


def when(moment: datetime) -> str:
    """Date and minute where the console runs."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def clock(speed: float | str) -> str:
    """A clock multiplier."""
    return f"{speed:g}×" if isinstance(speed, float | int) else speed


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
