"""The run's alarms as an operator works through them, and its events, grouped by kind.

What the line raises and clears stands in `alerts.jsonl`, which is only read. What people did about
it is appended to `alarms_handled.jsonl` beside it, with who and when, so that every console of the
run and the next one agree. An alarm is listed while it stands, and until somebody has seen it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pictures.regular_file import open_regular

HANDLED_FILE = "alarms_handled.jsonl"
SHELVED_FOR = timedelta(minutes=10)
_TAIL_BYTES = 1 << 18
"""Of a long file only the end is read at first."""
_PRIORITIES = ("high", "medium", "low")
_MOST_EVENT_KINDS = 100

State = Literal["new", "over", "acknowledged", "shelved", "normal"]
"""new and acknowledged ones stand; one that is over was not seen; a normal one needs nobody"""
_ORDER: tuple[State, ...] = ("new", "over", "acknowledged", "shelved", "normal")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Alarm:
    """One alarm, however often it was raised."""

    kind: str
    source: str = ""
    """the process that it is about; empty where it is about items"""
    priority: str = "low"
    id: str = ""
    """of the last time that it was raised"""
    text: str = ""
    at: datetime | None = None
    """when it was raised, or cleared"""
    stands: bool = False
    count: int = 0
    acknowledged_id: str = ""
    """the last that somebody has seen"""
    acknowledged_by: str = ""
    shelved_until: datetime | None = None
    shelved_by: str = ""

    def state(self, now: datetime) -> State:
        is_seen = self.acknowledged_id == self.id
        if not self.stands and (is_seen or not self.id):
            return "normal"
        if self.shelved_until is not None and now < self.shelved_until:
            return "shelved"
        if is_seen:
            return "acknowledged"
        return "new" if self.stands else "over"

    @property
    def key(self) -> str:
        return f"{self.kind} {self.source}".rstrip()

    @property
    def title(self) -> str:
        """Kind and process, for people."""
        return " ".join(filter(None, (self.kind.replace("_", " "), self.source)))


@dataclass(slots=True)
class Events:
    """All events of one kind; `text` and `at` are of the newest."""

    kind: str
    count: int = 0
    text: str = ""
    at: datetime | None = None


class Alarms:
    """Alarms and events of the run in `run_dir`. Reading and writing may block."""

    def __init__(self, run_dir: Path, now: Callable[[], datetime] = _utc_now) -> None:
        self._alerts = _Tail(run_dir / "alerts.jsonl")
        self._handled = _Tail(run_dir / HANDLED_FILE)
        self._now = now
        self._alarms: dict[str, Alarm] = {}
        self._events: dict[str, Events] = {}
        self._lock = threading.Lock()

    @property
    def are_all_counted(self) -> bool:
        """False where there were so many lines that only the last ones were read."""
        return not self._alerts.begins_inside

    def refresh(self, standing: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Read what has been written since; `standing`: what a running line says, with its texts.

        One that was raised long ago may stand in a part of the file that nobody reads any more.
        """
        with self._lock:
            self._read_on()
            for told in standing or ():
                alarm = self._alarm(str(told.get("kind", "?")), str(told.get("source", "")))
                if alarm.id != told.get("id"):
                    alarm.id, alarm.count = str(told.get("id")), max(1, alarm.count)
                alarm.stands = True
                alarm.priority = str(told.get("priority", alarm.priority))
                alarm.text = str(told.get("text", alarm.text))

    def _read_on(self) -> None:
        for line in self._alerts.lines():
            self._take(line)
        for deed in self._handled.lines():
            self._apply(deed)

    def _take(self, line: Mapping[str, Any]) -> None:
        kind, source = str(line.get("kind", "?")), str(line.get("source") or "")
        text, at = str(line.get("text", "")), _moment(line.get("at"))
        if line.get("level") == "alarm":
            alarm = self._alarm(kind, source)
            alarm.id, alarm.priority = str(line.get("id")), str(line.get("priority", "low"))
            alarm.text, alarm.at, alarm.stands = text, at, True
            alarm.count += 1
        elif line.get("clears") or line.get("alarm"):
            alarm = self._alarm(kind, source)
            alarm.text, alarm.at, alarm.stands = text, at, not line.get("clears")
        elif kind in self._events or len(self._events) < _MOST_EVENT_KINDS:
            events = self._events.setdefault(kind, Events(kind))
            events.count += 1
            events.text, events.at = text, at

    def ranked(self) -> list[Alarm]:
        """Those that stand or were not seen: new ones first, by priority, then the newest."""
        now = self._now()

        def rank(alarm: Alarm) -> tuple[int, int, float]:
            known = alarm.priority in _PRIORITIES
            priority = _PRIORITIES.index(alarm.priority) if known else len(_PRIORITIES)
            newest = -alarm.at.timestamp() if alarm.at else 0.0
            return _ORDER.index(alarm.state(now)), priority, newest

        listed = [alarm for alarm in self._alarms.values() if alarm.state(now) != "normal"]
        return sorted(listed, key=rank)

    def events(self) -> list[Events]:
        """Of each kind, the one with the newest first."""
        return sorted(
            self._events.values(), key=lambda each: -each.at.timestamp() if each.at else 0.0
        )

    def state(self, alarm: Alarm) -> State:
        return alarm.state(self._now())

    def acknowledge(self, key: str, who: str) -> None:
        """Somebody has seen it; when it is raised again it is new again."""
        self._write(key, "acknowledge", who, to=self._keyed(key).id)

    def shelve(self, key: str, who: str) -> None:
        """Let nobody be bothered by it for ten minutes."""
        until = self._now() + SHELVED_FOR
        self._write(key, "shelve", who, until=until.isoformat(timespec="seconds"))

    def unshelve(self, key: str, who: str) -> None:
        """It bothers again."""
        self._write(key, "unshelve", who)

    def _alarm(self, kind: str, source: str) -> Alarm:
        return self._keyed(f"{kind} {source}".rstrip())

    def _keyed(self, key: str) -> Alarm:
        kind, _, source = key.partition(" ")
        return self._alarms.setdefault(key, Alarm(kind, source))

    def _apply(self, deed: dict[str, Any]) -> None:
        alarm = self._keyed(str(deed.get("alarm", "?")))
        who = str(deed.get("who", ""))
        match deed.get("action"):
            case "acknowledge":
                alarm.acknowledged_id, alarm.acknowledged_by = str(deed.get("to")), who
            case "shelve":
                alarm.shelved_until, alarm.shelved_by = _moment(deed.get("until")), who
            case "unshelve":
                alarm.shelved_until = None

    def _write(self, key: str, action: str, who: str, **facts: object) -> None:
        at = self._now().isoformat(timespec="milliseconds")
        deed = {"at": at, "who": who, "action": action, "alarm": key, **facts}
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
