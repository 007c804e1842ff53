"""The run's alerts as an operator works through them: grouped by kind, acknowledged, shelved.

What the line raises stands in `alerts.jsonl`, which is only read. What people did about it is
appended to `alarms_handled.jsonl` beside it, with who and when, so that every console of the run
and the next one agree.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pictures.regular_file import open_regular

HANDLED_FILE = "alarms_handled.jsonl"
SHELVED_FOR = timedelta(minutes=10)
_TAIL_BYTES = 1 << 18
"""Of a long file only the end is read at first."""
_LEVELS = ("alarm", "warning", "info")

State = Literal["new", "acknowledged", "shelved"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Alarm:
    """All alerts of one kind."""

    kind: str
    level: str = "info"
    text: str = ""
    at: datetime | None = None
    """of the newest"""
    count: int = 0
    acknowledged_to: datetime | None = None
    """the newest that somebody has seen"""
    acknowledged_by: str = ""
    shelved_until: datetime | None = None
    shelved_by: str = ""

    def state(self, now: datetime) -> State:
        if self.shelved_until is not None and now < self.shelved_until:
            return "shelved"
        if self.acknowledged_to is None or (self.at and self.at > self.acknowledged_to):
            return "new"
        return "acknowledged"

    @property
    def title(self) -> str:
        """The kind, for people."""
        return self.kind.replace("_", " ")


class Alarms:
    """The alarms of the run in `run_dir`. Reading and writing may block."""

    def __init__(self, run_dir: Path, now: Callable[[], datetime] = _utc_now) -> None:
        self._alerts = _Tail(run_dir / "alerts.jsonl")
        self._handled = _Tail(run_dir / HANDLED_FILE)
        self._now = now
        self._alarms: dict[str, Alarm] = {}
        self._lock = threading.Lock()

    @property
    def are_all_counted(self) -> bool:
        """False where there were so many that only the last ones were read."""
        return not self._alerts.begins_inside

    def refresh(self) -> None:
        """Read what has been written since."""
        with self._lock:
            self._read_on()

    def _read_on(self) -> None:
        for alert in self._alerts.lines():
            alarm = self._alarm(str(alert.get("kind", "?")))
            alarm.count += 1
            alarm.level, alarm.text = str(alert.get("level")), str(alert.get("text", ""))
            alarm.at = _moment(alert.get("at"))
        for deed in self._handled.lines():
            self._apply(deed)

    def ranked(self) -> list[Alarm]:
        """New ones first, the gravest first among them, then by time, newest first."""
        now = self._now()

        def rank(alarm: Alarm) -> tuple[int, int, float]:
            order: tuple[State, ...] = ("new", "acknowledged", "shelved")
            level = _LEVELS.index(alarm.level) if alarm.level in _LEVELS else len(_LEVELS)
            return order.index(alarm.state(now)), level, -alarm.at.timestamp() if alarm.at else 0.0

        return sorted(self._alarms.values(), key=rank)

    def state(self, alarm: Alarm) -> State:
        return alarm.state(self._now())

    def acknowledge(self, kind: str, who: str) -> None:
        """Somebody has seen them; the next one of the kind is new again."""
        newest = self._alarm(kind).at or self._now()
        self._write(kind, "acknowledge", who, to=newest.isoformat(timespec="milliseconds"))

    def shelve(self, kind: str, who: str) -> None:
        """Let nobody be bothered by this kind for ten minutes."""
        until = self._now() + SHELVED_FOR
        self._write(kind, "shelve", who, until=until.isoformat(timespec="seconds"))

    def unshelve(self, kind: str, who: str) -> None:
        """It bothers again."""
        self._write(kind, "unshelve", who)

    def _alarm(self, kind: str) -> Alarm:
        return self._alarms.setdefault(kind, Alarm(kind))

    def _apply(self, deed: dict[str, Any]) -> None:
        alarm = self._alarm(str(deed.get("kind", "?")))
        who = str(deed.get("who", ""))
        match deed.get("action"):
            case "acknowledge":
                alarm.acknowledged_to, alarm.acknowledged_by = _moment(deed.get("to")), who
            case "shelve":
                alarm.shelved_until, alarm.shelved_by = _moment(deed.get("until")), who
            case "unshelve":
                alarm.shelved_until = None

    def _write(self, kind: str, action: str, who: str, **facts: object) -> None:
        at = self._now().isoformat(timespec="milliseconds")
        deed = {"at": at, "who": who, "action": action, "kind": kind, **facts}
        with self._lock:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            with os.fdopen(open_regular(self._handled.path, flags), "a", encoding="utf-8") as file:
                file.write(json.dumps(deed, ensure_ascii=False) + "\n")
            self._read_on()


class _Tail:
    """Reads on in a file of JSON lines that somebody appends to; whole lines only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begins_inside = False
        """whether only the end of the file was read"""
        self._position: int | None = None

    def lines(self) -> Iterator[dict[str, Any]]:
        for line in self._fresh().splitlines():
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue  # begun in the middle of a line, or none of ours
            if isinstance(found, dict):
                yield found

    def _fresh(self) -> bytes:
        try:
            with os.fdopen(open_regular(self.path), "rb") as file:
                end = file.seek(0, 2)
                if self._position is None:
                    self._position = max(0, end - _TAIL_BYTES)
                    self.begins_inside = self._position > 0
                file.seek(self._position)
                # As much as there is: a read sets aside what it is asked for, here in many threads.
                fresh_bytes = max(0, min(end - self._position, 4 * _TAIL_BYTES))
                whole, newline, _ = file.read(fresh_bytes).rpartition(b"\n")
        except OSError:  # there is none yet, or something else stands in its place
            return b""
        self._position += len(whole) + len(newline)
        return whole


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
