"""A page of the documentation whose figures are filled in by the command that measures them."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from drill.tables import Table
from line.errors import BadInput

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
        before, after = self._around()
        text = "\n".join(table.markdown() for table in tables)
        heading = (
            f"`{_command()}`, on {os.cpu_count()} cores, Python {platform.python_version()}.\n"
        )
        parts = (before, self._opening, "\n\n", heading, "\n", text, "\n", self._closing, after)
        self._path.write_text("".join(parts), encoding="utf-8")

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
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        named = ["-m", program.parent.name]
    elif (program.parent / "__init__.py").exists():
        named = ["-m", f"{program.parent.name}.{program.stem}"]
    else:
        named = [program.name]
    return shlex.join(["python", *named, *kept])
