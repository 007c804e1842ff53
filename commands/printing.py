"""Where the runner prints, and how."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment

from line.observe.view import LiveView, PlainView, QuietView, SafeView, View
from line.plain_text import plain

_PIPE_COLUMNS = 160
"""In a pipe there is no window whose width would matter."""
_LONGEST_LINE = 100_000
_LONG_BYTES = 50_000_000
"""of results.csv, which take about a second"""
_COLUMNS = (TextColumn("{task.description}"), BarColumn(24), TimeRemainingColumn())
_LONGEST_ERROR = 10_000


class PlainConsole(Console):
    """Takes escape codes out of whatever is printed; those that Rich itself makes remain."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        return map(_plain, super().render(renderable, options))


def _plain(segment: Segment) -> Segment:
    if segment.control or segment.text.isprintable():
        return segment
    lines = segment.text.split("\n")
    return Segment("\n".join(plain(line, _LONGEST_LINE) for line in lines), segment.style)


def _console(*, stderr: bool = False, markup: bool = False) -> Console:
    """Paths, titles and classes come from outside: brackets are no markup, colons no emoji."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stderr or (stream is not None and stream.isatty()) else _PIPE_COLUMNS
    return PlainConsole(stderr=stderr, highlight=False, markup=markup, emoji=False, width=width)


out = _console()
err = _console(stderr=True)
asking = _console(markup=True)
"""for Rich's prompts, whose own words are markup"""


def view_for(quiet: bool, as_json: bool) -> View:
    if quiet or as_json:
        return QuietView()
    view = LiveView(out) if out.is_terminal else PlainView(out)
    return SafeView(view, lambda why: err.print(f"{why}; the line runs on", soft_wrap=True))


@contextmanager
def reading_shown(*, silent: bool = False) -> Iterator[Callable[[int, int], None]]:
    """What hears how many bytes of how many are read; a terminal shows it if that takes long.

    Nothing is shown if `silent`.
    """
    if silent or not err.is_terminal:
        yield lambda done, of: None
        return
    with Progress(*_COLUMNS, console=err, transient=True) as progress:
        task = progress.add_task("reading", visible=False, total=None)

        def tell(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of, visible=of > _LONG_BYTES)

        yield tell


def print_error(text: str) -> None:
    """One line on standard error."""
    err.print(f"error: {plain(text, _LONGEST_ERROR)}", style="red", soft_wrap=True)


def shown(path: Path) -> str:
    """A path as short as it can be given from here."""
    absolute = path.absolute()
    here = Path.cwd()
    return plain(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
