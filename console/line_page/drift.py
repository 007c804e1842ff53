"""Whether answers and pictures of each lane are as they were, and the class mix where it is not."""

from __future__ import annotations

from typing import Any

from console.live import LiveLine
from console.widgets import block, panel, text, toggle
from line.observe.percent import percent


class DriftPanel:
    """A line for each lane that is watched; nothing where none is."""

    def __init__(self) -> None:
        self._shown: list[dict[str, Any]] = []
        with panel("Drift", note="answers and pictures", classes="drift") as self._panel:
            self._lines = block("ul", "plain-list")
        self._panel.set_visibility(False)

    def show(self, live: LiveLine) -> None:
        lanes: list[dict[str, Any]] = live.status.get("drift", [])
        if lanes == self._shown:
            return
        self._panel.set_visibility(bool(lanes))
        self._lines.clear()
        with self._lines:
            for each in lanes:
                _line(each)
        self._shown = lanes


def _line(each: dict[str, Any]) -> None:
    with block("li") as line:
        text("b", each["source"])
        text("span", f" {state_of(each)}", "dim")
        if each.get("mix"):
            text("span", f" · {mix_of(each['mix'])}", "num")
    toggle(line, "warn", bool(each.get("moved")))


def state_of(lane: dict[str, Any]) -> str:
    """`learning, 63 of 100 items`, what has moved, or `as it was`."""
    if lane.get("moved"):
        return "; ".join(lane["moved"])
    if lane["learned"] < lane["to_learn"]:
        return f"learning, {lane['learned']} of {lane['to_learn']} items"
    return "as it was"


def mix_of(mix: list[list[Any]]) -> str:
    """`lately glass 61.0 % (usually 17.0 %)`: shown, and no alarm."""
    told = (f"{name} {percent(now)} (usually {percent(usual)})" for name, usual, now in mix)
    return f"lately {', '.join(told)}"
