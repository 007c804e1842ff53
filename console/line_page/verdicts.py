"""What became of all items so far: one bar, and a line for each verdict."""

from __future__ import annotations

from nicegui import ui

from console.live import LiveLine
from console.verdict_marks import MARKS, Mark, mark_svg
from console.widgets import attribute, block, hint, panel, text, toggle
from line.observe.percent import percent
from line.outcome import Verdict
from reports.wording import EJECTED


class VerdictsPanel:
    """Every item has exactly one verdict."""

    def __init__(self) -> None:
        self._shown: dict[str, int] = {}
        with panel("Verdicts", note="every item has exactly one"):
            with block("div", "whole") as self._bar:
                attribute(self._bar, "role", "img")
                self._parts = {mark.verdict.value: block("span") for mark in MARKS}
            with block("ul", "verdicts"):
                self._lines = {mark.verdict.value: _Line(mark) for mark in MARKS}
        for name, part in self._parts.items():
            part.style(f"background: var(--{name}); flex-grow: 0")

    def show(self, live: LiveLine) -> None:
        verdicts: dict[str, int] = live.status.get("verdicts", {})
        if verdicts == self._shown:
            return
        total = sum(verdicts.values())
        has_truth = any(counts.get("fed") for counts in live.status.get("bins", {}).values())
        for name, line in self._lines.items():
            count = verdicts.get(name, 0)
            if count != self._shown.get(name):
                self._parts[name].style(f"flex-grow: {count}")
            line.show(count, total, has_truth=has_truth)
        words = ", ".join(f"{name} {count}" for name, count in verdicts.items() if count)
        attribute(self._bar, "aria-label", f"Verdicts of {total} items: {words}")
        self._shown = dict(verdicts)


class _Line:
    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        with hint(block("li", "verdict none"), mark.meaning) as self._line:
            ui.html(mark_svg(mark), sanitize=False).classes("mark")
            text("span", mark.name, "verdict-name")
            self._count = text("span", "0", "num")
            self._share = text("span", "", "num dim")

    def show(self, count: int, total: int, *, has_truth: bool) -> None:
        is_guess = self._mark.verdict is Verdict.SORTED and not has_truth
        hint(self._line, EJECTED if is_guess else self._mark.meaning)
        toggle(self._line, "none", count == 0)
        self._count.set_text(f"{count:,}")
        self._share.set_text(percent(count / total) if total else "")
