"""Two runs item by item: how much changed, by cause, by what became of the items, and which."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from nicegui import ui

from console.runs_page.figures import Pair
from console.runs_page.run_files import file_address
from console.tables import head_row, scrolled
from console.verdict_marks import MARKS, mark_svg
from console.widgets import attribute, block, panel, text
from line.errors import BadInput
from line.observe.percent import percent
from line.outcome import UNLIKE, Verdict
from line.run_files.results import FILE as RESULTS
from reports.comparison.cause import MEANINGS
from reports.comparison.changes import Change, Difference, compare
from reports.comparison.compared_run import Item, read

LARGEST_MB = 100
"""Of a results.csv, about 500,000 items: both are read whole."""


def difference(a: Path, b: Path) -> Difference:
    """What changed from run folder `a` to `b`.

    Raises:
        BadInput: if one is no run, is damaged, or is too large for a page.
    """
    for run_dir in (a, b):
        path = run_dir / RESULTS
        if path.is_file() and path.stat().st_size > LARGEST_MB * 10**6:
            raise BadInput(
                f"{path}: larger than {LARGEST_MB} MB; compare with: run_line.py diff {a} {b}"
            )
    return compare(read(a), read(b))


def picture_of(difference: Difference, frame_id: str) -> tuple[str, str] | None:
    """(run, file) of an item's picture, where one of the runs has queued it."""
    file = f"review/images/{frame_id}.png"
    runs = (run.path for run in (difference.b, difference.a))
    return next(((path.name, file) for path in runs if (path / file).is_file()), None)


SHOWN = 150
_SETTINGS = 16
_MARKS = {mark.verdict: mark for mark in MARKS}


def show_difference(difference: Difference, csv_address: str) -> None:
    """All panels of a comparison."""
    with block("div", "stack"):
        with block("div", "difference-head"):
            _summary(difference, csv_address)
            _settings(difference)
        _items(difference)


def show_figures(a: str, b: str, found: Sequence[Pair]) -> None:
    """The figures of two runs beside each other: those that differ first, the others in a line."""
    differing = [pair for pair in found if pair.differs]
    with panel("Figures, A against B", note=f"A: {a} · B: {b}"):
        if differing:
            with scrolled("Figures of both runs"), block("table", "table pairs"):
                head_row((("", ""), ("A", "num"), ("B", "num"), ("B − A", "num")))
                with block("tbody"):
                    for pair in differing:
                        _pair(pair)
        same = ", ".join(
            f"{pair.figure.name} {pair.figure.shown(pair.a)}" for pair in found if not pair.differs
        )
        text("p", f"The same in both: {same or 'nothing'}.", "dim same")


def _pair(pair: Pair) -> None:
    figure = pair.figure
    with block("tr"):
        attribute(text("th", figure.name), "scope", "row")
        for words in (
            figure.shown(pair.a),
            figure.shown(pair.b),
            figure.difference(pair.a, pair.b),
        ):
            text("td", words, "num")


def _summary(difference: Difference, csv_address: str) -> None:
    changed = len(difference.changes)
    with panel("What changed", note=f"A: {difference.a.name} · B: {difference.b.name}"):
        with block("p", "big"):
            text("strong", f"{changed:,}")
            text("span", f" of {difference.shared:,} items were judged or named otherwise")
        for run, only in zip((difference.a, difference.b), difference.only, strict=True):
            if only:
                text("p", f"{only:,} items are in {run.name} alone.", "dim")
        if not changed:
            return
        with block("table", "table causes"):
            head_row((("why", ""), ("items", "num"), ("what that means", "")))
            with block("tbody"):
                for cause, count in difference.by_cause().items():
                    with block("tr"):
                        attribute(text("th", cause.value), "scope", "row")
                        text("td", f"{count:,}", "num")
                        text("td", MEANINGS[cause], "dim")
        with block("ul", "fates"):
            for (before, after), count in difference.by_fate().items():
                with block("li"):
                    text("span", f"{count:,} ×", "num")
                    _mark(Verdict(before))
                    text("span", "→", "dim")
                    _mark(Verdict(after))
        download = text("a", "All changes (.csv)", "button small")
        attribute(download, "href", csv_address)
        attribute(download, "download", "")


def _settings(difference: Difference) -> None:
    with panel("Settings that differ"):
        differing = list(islice(difference.settings(), _SETTINGS + 1))
        if not differing:
            text("p", "None: the same settings, the same seed.", "dim")
            return
        with block("table", "table"):
            head_row((("setting", ""), ("A", ""), ("B", "")))
            with block("tbody"):
                for name, a, b in differing[:_SETTINGS]:
                    with block("tr"):
                        attribute(text("th", name, "mono"), "scope", "row")
                        for value in (a, b):
                            text("td", _setting(value), "value")
        if len(differing) > _SETTINGS:
            text("p", "… and more", "dim")


def _setting(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value is None else str(value)


def _items(difference: Difference) -> None:
    changes = difference.changes
    if not changes:
        return
    note = f"the first {SHOWN} of {len(changes):,}" if len(changes) > SHOWN else ""
    region = panel("Changed items", note=note)
    with region, scrolled("Table of changed items"), block("table", "table changes"):
        head_row([(name, "") for name in ("picture", "item", "it is", "A", "B", "why")])
        with block("tbody"):
            for change in changes[:SHOWN]:
                _row(change, picture_of(difference, change.frame_id))


def _row(change: Change, picture: tuple[str, str] | None) -> None:
    with block("tr"):
        with block("td", "picture-cell") as cell:
            if picture is not None:
                image = block("img", "thumb")
                attribute(image, "src", file_address(*picture))
                attribute(image, "alt", f"Item {change.frame_id}")
                attribute(image, "loading", "lazy")
            else:
                text("span", "not kept", "dim")
                cell.classes("without")
        attribute(text("th", change.frame_id, "mono"), "scope", "row")
        text("td", change.a.true_class or "unknown")
        for side, item in (("A", change.a), ("B", change.b)):
            _answer(side, item)
        with block("td", "why"):
            text("div", change.why.cause.value)
            text("div", change.why.detail, "dim")


def _answer(side: str, item: Item) -> None:
    with block("td", "answer-cell") as cell:
        attribute(cell, "data-label", side)
        _mark(item.verdict)
        sure = "" if item.confidence is None else f" {percent(item.confidence)}"
        text("div", f"{item.predicted_class}{sure}" if item.predicted_class else "–", "dim")
        if item.reason == UNLIKE:
            text("div", UNLIKE, "dim")


def _mark(verdict: Verdict) -> ui.element:
    mark = _MARKS[verdict]
    with block("span", "fate") as element:
        ui.html(mark_svg(mark), sanitize=False).classes("mark")
        text("span", mark.name)
    return element
