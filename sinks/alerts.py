"""alerts.jsonl: what somebody should look at, one JSON object a line, each with an id."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TypeVar

from line.client import Client
from line.errors import BadInput
from line.messages import Key
from line.outcome import Outcome, Verdict
from line.settings import AlertSettings
from sinks.append_file import AppendFile
from sinks.flood import Flood
from sinks.loop import Delivery, Receipt
from sinks.rate import RateAlarm

_T = TypeVar("_T")
RECENT_IDS = 8192
"""Ids and items kept to recognise repeats; a repeat is never older than the cameras' windows."""


class Alerts:
    """Raises an alert for every unsure item, for rates over their limits, and for notices.

    Too many unsure items a second become one alert that says how many. `sync`: alerts survive a
    power cut. Raises BadInput, naming the line, for a file that holds anything but alerts.
    """

    def __init__(self, path: Path, settings: AlertSettings, *, sync: bool = False) -> None:
        self._per_s_max = settings.per_s_max
        self._flood = Flood(settings.per_s_max)
        self._lines: list[bytes] = []
        """raised and not yet written"""
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._fresh: list[tuple[str, str]] = []
        """(level, text) of alerts raised since the last report"""
        self._count = 0
        self._counted: OrderedDict[Key, None] = OrderedDict()
        """the last items that stand in the rates"""
        lost = frozenset({Verdict.DROPPED, Verdict.EXPIRED, Verdict.FAILED})
        late = frozenset({Verdict.LATE})
        self._alarms = {
            "drop_rate": (lost, self._alarm(settings, settings.drop_rate)),
            "late_rate": (late, self._alarm(settings, settings.late_rate)),
        }
        self._file = AppendFile(path, sync=sync)
        try:
            self._file.renew(0)
            self._recover(path)
        except BaseException:
            self._file.close()
            raise

    def store(self, batch: list[Delivery]) -> Receipt:
        receipt = Receipt()
        for delivery in batch:
            receipt.stored.append(delivery.key)
            self._judge(delivery.row.outcome)
        self._end_flood(monotonic())
        self._write()
        return receipt

    def report(self, client: Client) -> None:
        self._end_flood(monotonic())
        self._write()
        client.seat.leash.send("alerts", count=self._count, fresh=self._fresh[-5:])
        self._fresh.clear()

    def close(self) -> None:
        self._tell_of_flood(monotonic())
        self._write()
        self._file.close()

    @staticmethod
    def _alarm(settings: AlertSettings, limit: float) -> RateAlarm:
        return RateAlarm(limit, limit * settings.clear_ratio, settings.window_items)

    def _judge(self, outcome: Outcome) -> None:
        item = outcome.frame_id
        if outcome.low_confidence:
            self._unsure(outcome)
        if (outcome.camera, outcome.seq) in self._counted:
            return
        _add_recent(self._counted, (outcome.camera, outcome.seq))
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
        if alert_id in self._ids:
            return
        if self._flood.admits(monotonic()):
            text = f"item {item}: {outcome.predicted_class} at only {outcome.confidence:.2f}"
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
        self, alert_id: str, kind: str, level: str, text: str, frame_id: str | None = None
    ) -> None:
        if alert_id in self._ids:
            return
        self._remember(alert_id)
        self._count += 1
        self._fresh.append((level, text))
        alert = {
            "id": alert_id,
            "kind": kind,
            "level": level,
            "text": text,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "frame_id": frame_id,
        }
        self._lines.append(json.dumps(alert, ensure_ascii=False).encode() + b"\n")

    def _write(self) -> None:
        self._file.append(b"".join(self._lines))
        self._lines.clear()

    def _remember(self, alert_id: str) -> None:
        _add_recent(self._ids, alert_id)

    def _recover(self, path: Path) -> None:
        """Learn which alerts were raised before a restart."""
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    self._remember(str(json.loads(line)["id"]))
                except (ValueError, KeyError, TypeError, RecursionError):
                    raise BadInput(f"{path}: line {number} is not an alert") from None
                self._count += 1


def _add_recent(seen: OrderedDict[_T, None], entry: _T) -> None:
    seen[entry] = None
    if len(seen) > RECENT_IDS:
        seen.popitem(last=False)
