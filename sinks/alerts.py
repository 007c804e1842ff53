"""alerts.jsonl: what somebody should look at, one JSON object a line, each with an id."""

from __future__ import annotations

import json
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import BadInput, FileChanged, StorageError
from line.outcome import Outcome, Verdict
from line.settings import AlertSettings
from sinks.alert_rates import Flood, RateAlarm
from sinks.append_file import AppendFile
from sinks.checkpoint import Cursor
from sinks.follower import LineEvent

RECENT_IDS = 8192
"""Kept to recognise repeats: what was raised after the last checkpoint is far less."""
_LOST = frozenset({Verdict.DROPPED, Verdict.EXPIRED, Verdict.FAILED})
_LATE = frozenset({Verdict.LATE})


class Alerts:
    """Raises an alert for every unsure item, for rates over their limits, and for events.

    Too many unsure items a second become one alert that says how many. `sync`: alerts survive a
    power cut. `alive` is called while a long file is read. Raises BadInput for a file that cannot
    be opened.
    """

    def __init__(
        self,
        path: Path,
        settings: AlertSettings,
        *,
        sync: bool = False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._sync = sync
        self._alive = alive
        self._per_s_max = settings.per_s_max
        self._flood = Flood(settings.per_s_max)
        self._lines: list[bytes] = []
        """raised and not yet written"""
        self._judged: set[str] = set()
        """items of rows that may be given once more"""
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._all_ids = AllIds()
        self._fresh: list[tuple[str, str]] = []
        """(level, text) of alerts raised since the last report"""
        self._count = 0
        self._news: list[str] = []
        self._alarms = {
            "drop_rate": (_LOST, _alarm(settings, settings.drop_rate)),
            "late_rate": (_LATE, _alarm(settings, settings.late_rate)),
        }
        self._file = AppendFile(path, sync=sync, alive=alive)

    # -- what came before -------------------------------------------------------------------------

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Learn what was raised before: behind the checkpoint, or without one all that stands.

        Raises BadInput, naming the line, for a file that holds anything but alerts.
        """
        begin, is_known = 0, False
        if state is not None:
            cursor = Cursor.of(state["file"])
            windows = {kind: str(state["windows"][kind]) for kind in self._alarms}
            count = int(state["count"])
            is_known = cursor.offset <= self._file.size and cursor.agrees(self._file.fileno())
            if is_known:
                begin, self._count = cursor.offset, count
            for kind, (_, alarm) in self._alarms.items():
                alarm.restore(windows[kind])
        self._file.renew(begin)
        for alert_id in self._written(begin):
            self._count += 1
            if is_known:
                self._remember(alert_id)
            else:
                self._all_ids.add(alert_id)

    def state(self) -> dict[str, Any]:
        """See `Follower`."""
        return {
            "file": Cursor.at(self._file.fileno(), self._file.size).state,
            "count": self._count,
            "windows": {kind: alarm.state() for kind, (_, alarm) in self._alarms.items()},
        }

    def _written(self, begin: int) -> Iterator[str]:
        """Ids of the alerts behind `begin`."""
        with self._path.open("rb") as file:
            file.seek(begin)
            for number, line in enumerate(file, 1):
                try:
                    yield str(json.loads(line)["id"])
                except (ValueError, KeyError, TypeError, RecursionError):
                    where = "" if not begin else " behind the last checkpoint"
                    raise BadInput(f"{self._path}: line {number}{where} is not an alert") from None
                if number % 1000 == 0:
                    self._alive()

    # -- what comes -------------------------------------------------------------------------------

    def take(self, rows: Sequence[Outcome], *, final: bool = False) -> int:
        """See `Follower`."""
        for row in rows:
            if row.frame_id not in self._judged:
                self._judged.add(row.frame_id)
                self._judge(row)
        self._end_flood(monotonic())
        self._write()
        self._judged.clear()
        return len(rows)

    def take_events(self, events: Sequence[LineEvent]) -> None:
        """See `Follower`."""
        for event in events:
            self._raise(event.id, event.event, "warning", event.text, at=event.at)
        self._write()

    def turn(self) -> None:
        """Tell of a flood that is over. Raises StorageError."""
        self._end_flood(monotonic())
        self._write()

    def report(self) -> tuple[str, dict[str, Any]]:
        """How many alerts there are, and the last of those that came since last asked."""
        facts = {"count": self._count, "fresh": self._fresh[-5:]}
        self._fresh.clear()
        return "alerts", facts

    def news(self) -> list[str]:
        """What somebody should be told of the file, since last asked."""
        news = [*self._news, *self._file.news]
        self._news.clear()
        self._file.news.clear()
        return news

    def close(self) -> None:
        """Write what is left, if there is room for it."""
        self._tell_of_flood(monotonic())
        with suppress(StorageError):
            self._write()
        self._file.close()

    # -- inside -----------------------------------------------------------------------------------

    def _judge(self, outcome: Outcome) -> None:
        item = outcome.frame_id
        if outcome.low_confidence:
            self._unsure(outcome)
        for kind, (verdicts, alarm) in self._alarms.items():
            change = alarm.add(outcome.verdict in verdicts)
            if change is not None:
                share = f"{alarm.rate:.1%} of the last {alarm.items} items"
                words = ("over its limit", "alarm") if change else ("back to normal", "info")
                name = kind.replace("_", " ")
                self._raise(f"{kind}-{item}", kind, words[1], f"{name} {words[0]}: {share}", item)

    def _unsure(self, outcome: Outcome) -> None:
        item = outcome.frame_id
        alert_id = f"low_confidence-{item}"
        if self._is_raised(alert_id):
            return
        if self._flood.admits(monotonic()):
            sure = "?" if outcome.confidence is None else f"{outcome.confidence:.2f}"
            text = f"item {item}: {outcome.predicted_class} at only {sure}"
            self._raise(alert_id, "low_confidence", "info", text, item)
        else:
            self._remember(alert_id)

    def _end_flood(self, now: float) -> None:
        if self._flood.is_due(now):
            self._tell_of_flood(now)

    def _tell_of_flood(self, now: float) -> None:
        count = self._flood.settle()
        if count:
            text = (
                f"{count} more unsure items within {now - self._flood.began:.1f} s, "
                f"over alerts.per_s_max = {self._per_s_max}"
            )
            last = next(reversed(self._ids))
            self._raise(f"flood-{last}", "flood", "warning", text)

    def _raise(
        self,
        alert_id: str,
        kind: str,
        level: str,
        text: str,
        frame_id: str | None = None,
        at: str | None = None,
    ) -> None:
        if self._is_raised(alert_id):
            return
        self._remember(alert_id)
        self._count += 1
        self._fresh.append((level, text))
        alert = {
            "id": alert_id,
            "kind": kind,
            "level": level,
            "text": text,
            "at": at or datetime.now(UTC).isoformat(timespec="milliseconds"),
            "frame_id": frame_id,
        }
        self._lines.append(json.dumps(alert, ensure_ascii=False).encode() + b"\n")

    def _write(self) -> None:
        """Write what was raised. Raises StorageError, having written nothing."""
        try:
            self._file.append(b"".join(self._lines))
        except FileChanged as error:  # it may be cleared by whoever has read it
            self._news.append(str(error))
            self._file.close()
            self._file = AppendFile(self._path, sync=self._sync, alive=self._alive)
            self._file.append(b"".join(self._lines))
        self._lines.clear()

    def _is_raised(self, alert_id: str) -> bool:
        return alert_id in self._ids or alert_id in self._all_ids

    def _remember(self, alert_id: str) -> None:
        self._ids[alert_id] = None
        if len(self._ids) > RECENT_IDS:
            self._ids.popitem(last=False)


class AllIds:
    """All ids of a file, for whoever has lost its checkpoint: eight bytes each."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._sorted: Any = None

    def add(self, alert_id: str) -> None:
        self._hashes.append(_hash(alert_id))
        self._sorted = None

    def __contains__(self, alert_id: str) -> bool:
        if not self._hashes:
            return False
        import numpy as np  # of use here alone, and slow to load

        if self._sorted is None:
            self._sorted = np.sort(np.frombuffer(self._hashes, np.uint64))
        wanted = np.uint64(_hash(alert_id))
        place = int(np.searchsorted(self._sorted, wanted))
        return place < len(self._sorted) and self._sorted[place] == wanted


def _hash(alert_id: str) -> int:
    data = alert_id.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


def _alarm(settings: AlertSettings, limit: float) -> RateAlarm:
    return RateAlarm(limit, limit * settings.clear_ratio, settings.window_items)
