"""`orders.jsonl`: every order that the line was given, done or refused, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from line.run_files.line_file import LineFile
from line.run_files.run_folder import now_iso

FILE = "orders.jsonl"
_LONGEST_FACTS = 1000
"""Characters of JSON; no order that can be carried out has more."""


class OrderLog:
    """Of one run, over all its sessions. `belt_s` tells the belt second."""

    def __init__(self, run_dir: Path, belt_s: Callable[[], float]) -> None:
        self._file = LineFile(run_dir / FILE)
        self._belt_s = belt_s

    def append(self, who: str, order: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Write one line; without room on the disk it waits for the next."""
        facts: dict[str, Any] = {key: order[key] for key in order if key != "action"}
        if (why := _not_to_be_written(facts)) is not None:
            facts = {"left_out": why}
        record = {
            "at": now_iso(),
            "belt_s": round(self._belt_s(), 3),
            "who": who,
            "action": str(order.get("action"))[:40],
            "facts": facts,
            "done": answer["done"],
        }
        if not answer["done"]:
            record["reason"] = answer["reason"]
        # What UTF-8 cannot spell, as half a character, becomes the escape that JSON has for it.
        line = json.dumps(record, ensure_ascii=False).encode(errors="backslashreplace")
        self._file.append(line + b"\n")

    def flush(self) -> None:
        """Try again to write what waits."""
        self._file.flush()


def _not_to_be_written(facts: Mapping[str, Any]) -> str | None:
    """Why such facts would spoil the log; None if they do not."""
    try:
        text = json.dumps(facts, allow_nan=False)
    except (ValueError, RecursionError):
        return "facts that JSON cannot spell"
    return f"more than {_LONGEST_FACTS} characters" if len(text) > _LONGEST_FACTS else None
