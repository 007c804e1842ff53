"""A tile for each worker, with its load and a button that kills it; the other processes below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nicegui import ui

from console.live import LiveLine
from console.site import Site
from console.widgets import Question, ask_first, attribute, block, button, panel, text, toggle

_WORDS = {"ready": "ready", "starting": "starting", "restarting": "restarting", "gone": "gone"}

_KILLABLE = ("ready", "starting", "leaving")
_KILLED = (
    "The process ends at once (SIGKILL) and is started again. The frames that it holds go to "
    "another worker; without one they wait, and may miss their deadline."
)
_MOST_SLOTS = 16
"""Drawn; of more frames each slot stands for several."""

_WORTH_SAYING_ROWS = 100
"""A follower reads what was written a moment ago: it is always a little behind."""

Facts = dict[str, Any]


class WorkersPanel:
    """Tiles come and go with the workers; the rest is updated in place."""

    def __init__(self, site: Site, run_dir: Path) -> None:
        self._site = site
        self._run_dir = run_dir
        self._tiles: dict[str, _Tile] = {}
        self._others: dict[str, _Chip] = {}
        with panel("Workers", note="a process each"):
            self._grid = block("ul", "workers")
            self._empty = text("p", "No worker runs on this machine.", "empty")
            text("h3", "Other processes", "others-head")
            self._chips = block("ul", "chips")

    def show(self, live: LiveLine) -> None:
        processes: list[Facts] = live.status.get("processes", [])
        workers = {p["name"]: p for p in processes if p["role"] == "worker"}
        others = {p["name"]: p for p in processes if p["role"] != "worker"}
        behind: dict[str, int] = live.status.get("followers", {})
        for gone in self._tiles.keys() - workers.keys():
            self._tiles.pop(gone).delete()
        for name, facts in workers.items():
            if name not in self._tiles:
                with self._grid:
                    self._tiles[name] = _Tile(name, self._site, self._run_dir)
            self._tiles[name].show(facts, live)
        for name, facts in others.items():
            if name not in self._others:
                with self._chips:
                    self._others[name] = _Chip(name)
            state = facts["state"] if live.state in ("running", "silent") else "gone"
            self._others[name].show(state, behind.get(name, 0))
        for gone in self._others.keys() - others.keys():
            self._others.pop(gone).delete()
        self._empty.set_visibility(not workers)


class _Tile:
    """One worker: state, what it holds, what it has answered, restarts, model."""

    def __init__(self, name: str, site: Site, run_dir: Path) -> None:
        async def kill() -> None:
            await site.order("kill", run_dir, process=name)

        with block("li", "worker") as self._tile:
            with block("div", "worker-head"):
                text("h3", name)
                self._state = text("span", "", "worker-state")
            with block("div", "load") as self._load:
                attribute(self._load, "role", "img")
                self._slots: list[ui.element] = []
            self._answered = text("p", "", "dim worker-facts")
            self._restarts = text("p", "", "dim worker-facts")
            self._model = text("p", "", "dim worker-facts mono")
            self._kill = button("Kill", kill, "danger small", name=f"Kill {name}")
            ask_first(self._kill, Question(f"Kill {name}?", _KILLED, f"Kill {name}"))

    def show(self, facts: Facts, live: LiveLine) -> None:
        is_there = live.state in ("running", "silent")
        state = str(facts["state"]) if is_there else "gone"
        holds = int(facts.get("holds", 0)) if is_there else 0
        attribute(self._kill, "disabled", None if state in _KILLABLE else True)
        self._state.set_text(_WORDS.get(state, state))
        toggle(self._tile, "down", state != "ready")
        credit = live.run.settings.worker_credit if live.run else 1
        self._show_load(holds, credit)
        restarts = int(facts.get("restarts", 0))
        self._answered.set_text(f"{facts.get('answered', 0):,} answered")
        self._restarts.set_text("1 restart" if restarts == 1 else f"{restarts} restarts")
        self._model.set_text(
            str(facts.get("model") or (live.run.model.short_hash if live.run else ""))
        )

    def _show_load(self, holds: int, credit: int) -> None:
        count = min(credit, _MOST_SLOTS)
        while len(self._slots) < count:
            with self._load:
                self._slots.append(block("span", "slot"))
        for number, slot in enumerate(self._slots):
            toggle(slot, "held", number * credit < holds * count)
        of = f" of {credit}" if holds <= credit else ""  # batches by slack may be larger
        attribute(self._load, "aria-label", f"holds {holds}{of} frames")

    def delete(self) -> None:
        self._tile.delete()


class _Chip:
    def __init__(self, name: str) -> None:
        with block("li", "chip") as self._chip:
            text("span", name)
            self._state = text("span", "", "chip-state")

    def show(self, state: str, behind: int) -> None:
        words = _WORDS.get(state, state)
        if state == "ready" and behind > _WORTH_SAYING_ROWS:
            words = f"behind by {behind:,} rows"
        self._state.set_text(words)
        toggle(self._chip, "down", state != "ready")

    def delete(self) -> None:
        self._chip.delete()
