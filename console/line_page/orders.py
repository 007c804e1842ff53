"""The last orders given to the line: who, when, what, and what came of it."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from nicegui import run

from console.widgets import block, text
from pictures.regular_file import open_regular

_MOST = 4
_TAIL_BYTES = 8192

Entry = dict[str, Any]


class OrdersList:
    """What stands at the end of orders.jsonl."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "orders.jsonl"
        self._shown: list[Entry] = []
        self._list = block("ul", "orders")

    async def show(self) -> None:
        entries = await run.io_bound(last_orders, self._path) or []
        if entries == self._shown:
            return
        self._shown = entries
        self._list.clear()
        with self._list:
            for entry in entries:
                with block("li", "refused" if entry.get("done") is not True else ""):
                    text("span", _clock(entry.get("at")), "dim")
                    text("span", in_words(entry))


def last_orders(path: Path) -> list[Entry]:
    """The last few entries, newest first; none while there is no file."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return []
    entries = []
    for line in lines[-_MOST:]:
        try:
            entries.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return [entry for entry in reversed(entries) if isinstance(entry, dict)]


def in_words(entry: Entry) -> str:
    """One order in a line."""
    facts = entry.get("facts")
    given = " ".join(map(str, facts.values())) if isinstance(facts, dict) else ""
    action = str(entry.get("action", "?")).replace("_", " ")
    words = f"{entry.get('who', '?')}: {action} {given}".strip()
    reason = entry.get("reason")
    return f"{words}, refused: {reason}" if reason else words


def _clock(at: object) -> str:
    try:
        return datetime.fromisoformat(str(at)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return ""
