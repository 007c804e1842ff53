"""A table of texts, for a terminal and for a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import rich.table
from rich.console import Console

NONE = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """`total` is a last row that is set apart. The first column holds names, the others figures."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] | None = None
    note: str = ""

    def with_note(self, note: str) -> Table:
        """The same, with a sentence below it."""
        return replace(self, note=note)

    def print(self, console: Console) -> None:
        console.print(self.title, style="bold", markup=False)
        console.print(self.rich())
        if self.note:
            console.print(self.note, style="dim", markup=False)
        console.print()

    def rich(self) -> rich.table.Table:
        """Without title and note."""
        table = rich.table.Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        if self.total is not None:
            table.add_row(*self.total, style="bold")
        return table

    def markdown(self) -> str:
        rule = ["---", *("---:" for _ in self.headings[1:])]
        rows = [self.headings, rule, *self.rows]
        if self.total is not None:
            rows.append([f"**{cell}**" if cell else "" for cell in self.total])
        lines = [f"| {' | '.join(row)} |" for row in rows]
        note = [self.note, ""] if self.note else []
        return "\n".join([f"{self.title}:", "", *lines, "", *note])


def seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f} s"
