"""What was promised of bins, beside what labels say of them."""

from __future__ import annotations

from typing import Any

from console.live import LiveLine
from console.widgets import block, panel, text, toggle
from line.observe.percent import percent
from line.promise.promise_state import WORDS


class PromisesPanel:
    """A line for each bin of which a purity was promised; nothing where there is none."""

    def __init__(self) -> None:
        self._shown: list[dict[str, Any]] = []
        with panel("Promises", note="purity of bins, by labels", classes="promises") as self._panel:
            self._lines = block("ul", "plain-list")
        self._panel.set_visibility(False)

    def show(self, live: LiveLine) -> None:
        promises: list[dict[str, Any]] = live.status.get("promises", [])
        if promises == self._shown:
            return
        self._panel.set_visibility(bool(promises))
        self._lines.clear()
        with self._lines:
            for each in promises:
                _line(each)
        self._shown = promises


def _line(each: dict[str, Any]) -> None:
    right, labelled = each["right"], each["labelled"]
    seen = f"{percent(right / labelled)} of {labelled} labelled" if labelled else "none labelled"
    with block("li") as line:
        text("b", each["class_name"])
        text("span", f" {percent(each['purity'])} promised · {seen} · ", "num")
        text("span", WORDS[each["state"]], "dim")
    toggle(line, "warn", each["state"] != "stands")
