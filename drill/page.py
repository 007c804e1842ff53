"""Tables of figures, for a terminal and for a page of the documentation that a command fills."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import rich.table
from rich.console import Console

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.process.priority import usable_cores

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


_PRIVATE = ("--markdown", "--run-dir")


class Page:
    """The place between the markers `<!-- SECTION -->` and `<!-- /SECTION -->` of a file."""

    def __init__(self, path: Path, section: str) -> None:
        """Raises BadInput, before anything is measured, if there is no such place."""
        self._path = path
        self._opening, self._closing = f"<!-- {section} -->", f"<!-- /{section} -->"
        self._around()

    def fill(self, tables: Iterable[Table]) -> None:
        """Put the tables there, below the command that this process was started with."""
        heading = f"`{_command()}`, on {usable_cores()} cores, Python {platform.python_version()}."
        text = "\n".join(table.markdown() for table in tables)
        self.put(f"\n{heading}\n\n{text}")

    def put(self, text: str) -> None:
        """Put the text there, in place of what is there."""
        before, after = self._around()
        whole = f"{before}{self._opening}\n{text}\n{self._closing}{after}"
        write_atomically(self._path, whole.encode())

    def _around(self) -> tuple[str, str]:
        """What stands before the opening marker, and behind the closing one."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise BadInput(f"--markdown: {self._path}: {error.strerror or error}") from None
        before, opened, rest = text.partition(self._opening)
        _, closed, after = rest.partition(self._closing)
        if not opened or not closed:
            place = f"{self._opening} … {self._closing}"
            raise BadInput(f"--markdown: {self._path}: has no place {place}")
        return before, after


def _command() -> str:
    """As it was typed, without the options that say where to put things."""
    kept: list[str] = []
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument in _PRIVATE:
            next(arguments, None)
        elif not argument.startswith(tuple(f"{option}=" for option in _PRIVATE)):
            kept.append(argument)
    return shlex.join(["python", *_program(Path(sys.argv[0])), *kept])


def _program(path: Path) -> list[str]:
    """What stood behind `python`: a file, or `-m` and a module's name."""
    names = [] if path.name == "__main__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    return [path.name] if folder == path.parent else ["-m", ".".join(names)]
