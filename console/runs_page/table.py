"""All runs in a table: what each was, how it went, and the way to its report and its queue."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from nicegui import ui

from console.runs_page.run_files import file_address
from console.runs_page.run_shelf import REPORT, Accounts, Run
from console.tables import clock, head_row, scrolled, when
from console.widgets import attribute, block, panel, text
from reports.wording import percent

_COLUMNS = (
    ("run", ""),
    ("began", ""),
    ("ended", ""),
    ("items", "num"),
    ("in time", "num"),
    ("accuracy", "num"),
    ("lost", "num"),
    ("workers", "num"),
    ("clock", "num"),
    ("to review", "num"),
    ("open", ""),
)
_STATES = {"finished": "good", "running": "busy", "died": "bad", "cut off": "bad"}


def run_table(runs: Sequence[Run]) -> None:
    """The runs as they come, the newest first."""
    with panel("Runs", note=f"{len(runs)} in this place, the newest first"):
        if not runs:
            text("p", "No run yet. Start one with: run_line.py run", "empty")
            return
        with scrolled("Table of runs"), block("table", "table runs"):
            head_row(_COLUMNS)
            with block("tbody"):
                for run in runs:
                    _row(run)


def _row(run: Run) -> None:
    with block("tr"):
        with block("th", "run-name") as name:
            attribute(name, "scope", "row")
            text("span", run.title, "run-title")
            text("span", run.name, "dim mono")
            if run.complaint:
                text("span", run.complaint, "complaint")
        text("td", when(run.began), "nowrap")
        with block("td"):
            text("span", run.state, f"badge {_STATES.get(run.state, '')}")
        _figures(run.accounts)
        with block("td"), block("div", "row links"):
            if run.has_report:
                link("Report", file_address(run.name, REPORT), f"Report of {run.name}", new=True)
            link("Review", f"/review?name={quote(run.name)}", f"Review items of {run.name}")


def _figures(accounts: Accounts | None) -> None:
    if accounts is None:
        for _ in range(7):
            text("td", "–", "num dim")
        return
    text("td", f"{accounts.items.fed:,}", "num")
    text("td", percent(accounts.in_time_rate), "num")
    text("td", percent(accounts.accuracy), "num")
    text("td", f"{accounts.items.lost:,}", "num bad" if accounts.items.lost else "num")
    text("td", str(accounts.workers), "num")
    text("td", clock(accounts.speed), "num")
    text("td", f"{accounts.review_queue:,}", "num")


def link(words: str, address: str, name: str, *, new: bool = False) -> ui.element:
    """A link that looks like a small button; `name` is what a reader calls it."""
    element = text("a", words, "button small")
    attribute(element, "href", address)
    attribute(element, "aria-label", name)
    if new:
        attribute(element, "target", "_blank")
        attribute(element, "rel", "noopener")
    return element
