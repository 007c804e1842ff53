"""All pictures of a visit as a table, and the way to have it as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.classify_page.upload_session import Asked, UploadSession
from console.tables import head_row, scrolled
from console.widgets import attribute, block, button, panel, text, toggle
from line.observe.percent import percent

_COLUMNS = (
    ("picture", ""),
    ("class", ""),
    ("confidence", "num"),
    ("next", ""),
    ("inference, ms", "num"),
)

Pick = Callable[[int], Any]


class TablePanel:
    """A row for each picture; pressing its name shows it above."""

    def __init__(self, address: str, pick: Pick, clear: Callable[[], Any]) -> None:
        self._address = address
        self._pick = pick
        self._rows: dict[int, _Row] = {}
        with panel("Pictures") as self._panel:
            with block("div", "row table-head"):
                self._counts = text("p", "", "dim grow")
                csv = text("a", "Download CSV", "button small")
                attribute(csv, "href", f"{address}/answers.csv")
                attribute(csv, "download", "answers.csv")
                button("Clear", clear, kind="small")
            with scrolled("Table of pictures"), block("table", "table asked-table"):
                head_row(_COLUMNS)
                self._body = block("tbody")
        self.show_all(None)

    def show(self, session: UploadSession, asked: Asked) -> None:
        """One picture is new, or has another answer."""
        row = self._rows.get(asked.number)
        if row is None:
            with self._body:
                row = self._rows[asked.number] = _Row(asked.number, self._pick)
        row.show(asked, f"{self._address}/{asked.number}/picture.jpg?{session.changed}")
        self.show_all(session)

    def show_all(self, session: UploadSession | None) -> None:
        """How many there are, and which of them is looked at."""
        self._panel.set_visibility(session is not None and bool(session.pictures))
        if session is None:
            return
        self._counts.set_text(_counts(session))
        for number, row in self._rows.items():
            row.is_current(number == session.current)

    def clear(self) -> None:
        self._body.clear()
        self._rows.clear()
        self._panel.set_visibility(False)


class _Row:
    def __init__(self, number: int, pick: Pick) -> None:
        with block("tr") as self._row:
            with block("th") as head:
                attribute(head, "scope", "row")
                with block("button", "pick") as self._pick:
                    attribute(self._pick, "type", "button")
                    self._thumb = block("img", "thumb")
                    attribute(self._thumb, "alt", "")
                    attribute(self._thumb, "loading", "lazy")
                    with block("span"):
                        self._name = text("span", "", "pick-name")
                        self._complaint = text("span", "", "complaint")
                self._pick.on("click", lambda _: pick(number))
            with block("td"), block("div", "row"):
                self._class = text("span")
                self._low = text("span", "low-confidence", "badge low")
            self._confidence = text("td", "", "num")
            self._next = text("td", "", "dim nowrap")
            self._latency = text("td", "", "num")

    def show(self, asked: Asked, address: str) -> None:
        answer = asked.answer
        self._name.set_text(asked.name)
        self._thumb.set_visibility(answer is not None)
        attribute(self._thumb, "src", address if answer else None)
        self._low.set_visibility(asked.low_confidence)
        self._complaint.set_text(asked.complaint)
        if answer is None:
            for cell in (self._class, self._confidence, self._next, self._latency):
                cell.set_text("–")
            return
        (name, confidence), *others = answer.ranking
        self._class.set_text(name)
        self._confidence.set_text(percent(confidence))
        self._next.set_text(" · ".join(f"{n} {percent(p)}" for n, p in others[:2]))
        self._latency.set_text(f"{answer.latency_ms:.1f}")

    def is_current(self, current: bool) -> None:
        toggle(self._row, "current", current)
        attribute(self._pick, "aria-pressed", "true" if current else "false")


def _counts(session: UploadSession) -> str:
    asked = session.pictures.values()
    low = sum(one.low_confidence for one in asked)
    failed = sum(one.answer is None for one in asked)
    words = [f"{len(asked)} {'picture' if len(asked) == 1 else 'pictures'}"]
    words += [f"{low} low-confidence"] if low else []
    words += [f"{failed} without an answer"] if failed else []
    return ", ".join(words)
