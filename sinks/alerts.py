"""alerts.jsonl: what somebody should look at, one JSON object a line, each with an id."""

from __future__ import annotations

import json
import os
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime
from pathlib import Path

from line.client import Client
from line.messages import Notice
from line.outcome import Outcome, Verdict
from line.seqset import SeqSet
from line.settings import AlertSettings
from sinks.loop import Delivery, Receipt
from sinks.rate import RateAlarm

RECENT_IDS = 8192
"""Ids kept to recognise repeats; a repeat is never older than the cameras' windows."""


class Alerts:
    """Raises an alert for every unsure item, for rates over their limits, and for notices."""

    def __init__(self, path: Path, settings: AlertSettings) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._fresh: list[tuple[str, str]] = []
        """(level, text) of alerts raised since the last report"""
        self._count = 0
        self._counted: defaultdict[int, SeqSet] = defaultdict(SeqSet)
        """camera → items that stand in the rates"""
        lost = frozenset({Verdict.DROPPED, Verdict.EXPIRED, Verdict.FAILED})
        late = frozenset({Verdict.LATE})
        self._alarms = {
            "drop_rate": (lost, self._alarm(settings, settings.drop_rate)),
            "late_rate": (late, self._alarm(settings, settings.late_rate)),
        }
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        self._recover(path)

    def store(self, batch: list[Delivery]) -> Receipt:
        receipt = Receipt()
        for delivery in batch:
            receipt.stored.append(delivery.key)
            self._judge(delivery.row.outcome)
        return receipt

    def store_notice(self, notice: Notice) -> None:
        self._raise(notice.id, notice.kind, "warning", notice.text)

    def report(self, client: Client) -> None:
        client.seat.leash.send("alerts", count=self._count, fresh=self._fresh[-5:])
        self._fresh.clear()

    def close(self) -> None:
        os.close(self._fd)

    @staticmethod
    def _alarm(settings: AlertSettings, limit: float) -> RateAlarm:
        return RateAlarm(limit, limit * settings.clear_ratio, settings.window_items)

    def _judge(self, outcome: Outcome) -> None:
        item = outcome.frame_id
        if outcome.low_confidence:
            text = f"item {item}: {outcome.predicted_class} at only {outcome.confidence:.2f}"
            self._raise(f"low_confidence-{item}", "low_confidence", "info", text, item)
        if not self._counted[outcome.camera].add(outcome.seq):
            return
        for kind, (verdicts, alarm) in self._alarms.items():
            change = alarm.add(outcome.verdict in verdicts)
            if change is not None:
                share = f"{alarm.rate:.1%} of the last {alarm.items} items"
                words = ("over its limit", "alarm") if change else ("back to normal", "info")
                name = kind.replace("_", " ")
                self._raise(f"{kind}-{item}", kind, words[1], f"{name} {words[0]}: {share}", item)

    def _raise(
        self, alert_id: str, kind: str, level: str, text: str, frame_id: str | None = None
    ) -> None:
        if alert_id in self._ids:
            return
        self._remember(alert_id)
        self._fresh.append((level, text))
        alert = {
            "id": alert_id,
            "kind": kind,
            "level": level,
            "text": text,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "frame_id": frame_id,
        }
        line = json.dumps(alert, ensure_ascii=False).encode() + b"\n"
        while line:
            line = line[os.write(self._fd, line) :]

    def _remember(self, alert_id: str) -> None:
        self._count += 1
        self._ids[alert_id] = None
        if len(self._ids) > RECENT_IDS:
            self._ids.popitem(last=False)

    def _recover(self, path: Path) -> None:
        """Learn which alerts were raised before a restart; cut off a torn last line."""
        whole = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    whole += len(line)
                    self._remember(json.loads(line)["id"])
        os.ftruncate(self._fd, whole)
