"""All runs in a table that can be sorted: what each was, how it went, and the way to its files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from nicegui import ui

from console.run_end import REPORT
from console.runs_page.figures import ACCURACY, FED, IN_TIME, LOST, PURITY, RECOVERY, T_PER_H
from console.runs_page.figures import Figure as RunFigure
from console.runs_page.run_files import file_address
from console.runs_page.run_shelf import Accounts, Run
from console.tables import clock, scrolled, when
from console.widgets import Text, attribute, block, button, hint, panel, text

_STATES = {
    "finished": "good",
    "drained": "good",
    "running": "busy",
    "died": "bad",
    "cut off": "bad",
}
Resume = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Column:
    """What stands in it, and by what it is sorted; None has its place at the end."""

    name: str
    key: Callable[[Run], float | str | None]
    shown: Callable[[Accounts], str] | None = None
    """of a column with a figure; the others have cells of their own"""
    formula: str = ""


def _of_figure(figure: RunFigure) -> Column:
    def key(run: Run) -> float | None:
        return None if run.accounts is None else figure.value(run.accounts)

    return Column(
        figure.name, key, lambda accounts: figure.shown(figure.value(accounts)), figure.formula
    )


def _of_accounts(name: str, value: Callable[[Accounts], object]) -> Column:
    def key(run: Run) -> float | None:
        found = None if run.accounts is None else value(run.accounts)
        return float(found) if isinstance(found, int | float) else None

    return Column(name, key, lambda accounts: _plain(value(accounts)))


COLUMNS = (
    Column("run", lambda run: (run.title + run.name).lower()),
    Column("began", lambda run: run.began.timestamp()),
    Column("ended", lambda run: run.state),
    *map(_of_figure, (FED, PURITY, RECOVERY, IN_TIME, ACCURACY, T_PER_H, LOST)),
    _of_accounts("workers", lambda accounts: accounts.workers),
    Column("clock", lambda run: _speed(run), lambda accounts: clock(accounts.speed)),
    _of_accounts("to review", lambda accounts: accounts.review_queue),
)


def in_order(runs: Sequence[Run], column: Column, *, falling: bool) -> list[Run]:
    """Sorted by a column; runs without that figure come last, whichever way."""
    keys = {run.name: column.key(run) for run in runs}
    known = [run for run in runs if keys[run.name] is not None]
    known.sort(key=lambda run: keys[run.name], reverse=falling)  # type: ignore[arg-type,return-value]
    return known + [run for run in runs if keys[run.name] is None]


class RunTable:
    """The runs as they come, the newest first, until somebody asks for another order."""

    def __init__(self, runs: Sequence[Run], resume: Resume | None) -> None:
        self._runs = list(runs)
        self._sorted: tuple[Column, bool] = (COLUMNS[1], True)
        self._rows: dict[str, ui.element] = {}
        self._heads: list[tuple[Column, ui.element, Text]] = []
        with panel("Runs", note=f"{len(runs)} in this place"):
            if not runs:
                text("p", "No run yet. Start one with: run_line.py run", "empty")
                return
            with scrolled("Table of runs"), block("table", "table runs"):
                self._head()
                with block("tbody") as self._body:
                    for run in runs:
                        self._rows[run.name] = _row(run, resume)
        self._show_order()

    def _head(self) -> None:
        with block("thead"), block("tr"):
            for column in COLUMNS:
                with block("th", "num" if column.shown else "") as head:
                    attribute(head, "scope", "col")
                    pressed = button(column.name, partial(self.sort, column), kind="sort")
                    if column.formula:
                        hint(pressed, column.formula)
                self._heads.append((column, head, pressed))
            attribute(text("th", "open"), "scope", "col")

    def sort(self, column: Column) -> None:
        """By this column: figures from the best or largest down at first, then the other way."""
        last, falling = self._sorted
        first = column.name not in ("run", "ended")
        self._sorted = (column, not falling if column is last else first)
        order = in_order(self._runs, column, falling=self._sorted[1])
        # Their elements stay as they are: the browser is told of the new order alone.
        self._body.default_slot.children[:] = [self._rows[run.name] for run in order]
        self._body.update()
        self._show_order()

    def _show_order(self) -> None:
        by, falling = self._sorted
        for column, head, pressed in self._heads:
            way = ("descending" if falling else "ascending") if column is by else None
            attribute(head, "aria-sort", way)
            arrow = {"descending": " ↓", "ascending": " ↑", None: ""}[way]
            pressed.set_text(column.name + arrow)


def _row(run: Run, resume: Resume | None) -> ui.element:
    with block("tr") as row:
        with block("th", "run-name") as name:
            attribute(name, "scope", "row")
            text("span", run.title, "run-title")
            text("span", run.name, "dim mono")
            if run.complaint:
                text("span", run.complaint, "complaint")
        _cell("began", when(run.began), "nowrap")
        with block("td") as cell:
            text("span", run.state, f"badge {_STATES.get(run.state, '')}")
        attribute(cell, "data-label", "ended")
        for column in COLUMNS:
            if column.shown is not None:
                _figure(column, run.accounts)
        with block("td"), block("div", "row links"):
            if run.has_report:
                link("Report", file_address(run.name, REPORT), f"Report of {run.name}", new=True)
            link("Review", f"/review?name={quote(run.name)}", f"Review items of {run.name}")
            if resume is not None and run.can_be_resumed:
                button("Resume", partial(resume, run), kind="small", name=f"Resume {run.name}")
    return row


def _figure(column: Column, accounts: Accounts | None) -> None:
    assert column.shown is not None
    shown = "–" if accounts is None else column.shown(accounts)
    bad = accounts is not None and column.name == LOST.name and accounts.items.lost
    _cell(column.name, shown, f"num{' dim' if shown == '–' else ''}{' bad' if bad else ''}")


def _cell(name: str, words: str, classes: str) -> None:
    attribute(text("td", words, classes), "data-label", name)


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _speed(run: Run) -> float | None:
    speed = run.accounts.speed if run.accounts else None
    return float("inf") if speed == "max" else speed if isinstance(speed, float | int) else None


def link(words: str, address: str, name: str, *, new: bool = False) -> ui.element:
    """A link that looks like a small button; `name` is what a reader calls it."""
    element = text("a", words, "button small")
    attribute(element, "href", address)
    attribute(element, "aria-label", name)
    if new:
        attribute(element, "target", "_blank")
        attribute(element, "rel", "noopener")
    return element
