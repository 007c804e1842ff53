"""`alerts.jsonl`: what was worth telling people, one JSON object a line."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pictures.regular_file import open_regular

_LAST = 20
_LONGEST_LINE = 1 << 20

Alert = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alerts:
    """How many there were, and the last of them in the order in which they were raised."""

    count: int = 0
    last: tuple[Alert, ...] = ()


def read_alerts(path: Path) -> Alerts:
    """Of the file at `path`; none if there is no file. Raises OSError if it cannot be read."""
    last: deque[Alert] = deque(maxlen=_LAST)
    count = 0
    for count, alert in enumerate(every_alert(path), 1):  # noqa: B007 (the last one is kept)
        last.append(alert)
    return Alerts(count, tuple(last))


def every_alert(path: Path) -> Iterator[Alert]:
    """Each alert of the file; lines that are none, such as one torn by a kill, are left out."""
    try:
        descriptor = open_regular(path, follow_links=True)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as file:
        while line := file.readline(_LONGEST_LINE):
            try:
                alert = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(alert, dict):
                yield alert
