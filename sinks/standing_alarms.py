"""Alarms: raised when their cause has stood for a while, cleared when it has been gone for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from line.settings import AlertSettings
from sinks.alarm_kinds import AlarmKind
from sinks.line_troubles import Trouble, alarm_kind

Key = tuple[str, str]
"""Name of the kind, and the process (empty where it is about items)."""
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Rate:
    """`words` say it; `is_hit`: an item has raised it just now."""

    share: float
    words: str
    is_hit: bool


class Delay:
    """Follows a cause: on once it has stood for `on_s`, off once it has been gone for `off_s`."""

    def __init__(self, on_s: float, off_s: float) -> None:
        self._on_s = on_s
        self._off_s = off_s
        self.is_on = False
        self._other_since: float | None = None
        """since when the cause says otherwise"""

    def gone_s(self, now: float) -> float:
        """For how long the cause of one that is on has been gone; 0 while it is there."""
        is_gone = self.is_on and self._other_since is not None
        return now - (self._other_since or 0.0) if is_gone else 0.0

    @property
    def rests(self) -> bool:
        """Off, with nothing pending."""
        return not self.is_on and self._other_since is None

    def look(self, stands: bool, now: float, *, may_go_on: bool = True) -> bool:
        """Whether it goes on or off now; `now` is monotonic."""
        if stands == self.is_on:
            self._other_since = None
            return False
        if self._other_since is None:
            self._other_since = now
        if now - self._other_since < (self._off_s if self.is_on else self._on_s):
            return False
        if stands and not may_go_on:
            return False
        self.is_on, self._other_since = stands, None
        return True


@dataclass(slots=True)
class _Alarm:
    kind: AlarmKind
    source: str
    delay: Delay
    id: str = ""
    text: str = ""
    """as it stands now"""
    raised: float = 0.0
    """monotonic time"""
    worst: tuple[float, str] = (0.0, "")
    """of a rate, and its words then"""

    def text_now(self, now: float) -> str:
        gone_s = self.delay.gone_s(now)
        return f"{self.text}; over for {gone_s:.0f} s" if gone_s else self.text


class StandingAlarms:
    """`tell` gets the fields of each line that alerts.jsonl is to have.

    A line that raises an alarm has `level` "alarm"; the one that clears it is an event, and names
    the alarm in `clears`.
    """

    def __init__(self, settings: AlertSettings, tell: Tell) -> None:
        self._settings = settings
        self._tell = tell
        self._alarms: dict[Key, _Alarm] = {}
        self._raised: Counter[Key] = Counter()

    @property
    def raised(self) -> int:
        """How many were raised in the run."""
        return self._raised.total()

    def is_on(self, kind: AlarmKind) -> bool:
        """Whether one of this kind stands."""
        return any(a.delay.is_on for a in self._alarms.values() if a.kind is kind)

    def look(
        self, troubles: Iterable[Trouble], now: float, rates: Mapping[AlarmKind, Rate]
    ) -> None:
        """These are wrong now, and nothing else; `rates` are of now."""
        found = {(each.kind.name, each.source): each for each in troubles}
        for key, trouble in found.items():
            self._alarm(trouble.kind, key[1]).text = trouble.text
        for key, alarm in list(self._alarms.items()):
            rate = rates.get(alarm.kind)
            if rate is not None:
                alarm.text = rate.words
                alarm.worst = max(alarm.worst, (rate.share, rate.words), key=lambda each: each[0])
            may_go_on = rate is None or rate.is_hit
            if alarm.delay.look(key in found, now, may_go_on=may_go_on):
                self._change(key, alarm, now)
            if alarm.delay.rests:
                del self._alarms[key]

    def standing(self, now: float) -> list[dict[str, Any]]:
        """Those that are on, with their texts of now and for how long they have stood."""
        return [
            {
                **_facts(alarm),
                "id": alarm.id,
                "text": alarm.text_now(now),
                "stands_s": round(max(0.0, now - alarm.raised), 1),
            }
            for alarm in self._alarms.values()
            if alarm.delay.is_on
        ]

    def restore(self, line: Mapping[str, Any], now: float) -> None:
        """Learn from a line of alerts.jsonl what was raised and cleared before."""
        kind, source = alarm_kind(line.get("kind")), str(line.get("source", ""))
        if kind is None:
            return
        if line.get("level") == "alarm":
            alarm = self._alarm(kind, source)
            alarm.delay.is_on = True
            alarm.id, alarm.text, alarm.raised = str(line["id"]), str(line.get("text", "")), now
            self._raised[kind.name, source] += 1
        elif line.get("clears"):
            self._alarms.pop((kind.name, source), None)

    def state(self) -> dict[str, Any]:
        """As JSON keeps it: what `restore_state` needs beside the lines that come after."""
        return {
            "raised": [[*key, count] for key, count in self._raised.items()],
            "on": [
                {**_facts(alarm), "level": "alarm", "id": alarm.id, "text": alarm.text}
                for alarm in self._alarms.values()
                if alarm.delay.is_on
            ],
        }

    def restore_state(self, state: Any, now: float) -> None:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        for line in state["on"]:
            self.restore(line, now)
        self._raised = Counter({(str(k), str(s)): int(count) for k, s, count in state["raised"]})

    def _alarm(self, kind: AlarmKind, source: str) -> _Alarm:
        key = (kind.name, source)
        if key not in self._alarms:
            on_s = kind.patience * self._settings.on_delay_s
            delay = Delay(on_s, self._settings.off_delay_s)
            self._alarms[key] = _Alarm(kind, source, delay)
        return self._alarms[key]

    def _change(self, key: Key, alarm: _Alarm, now: float) -> None:
        if alarm.delay.is_on:
            self._raised[key] += 1
            alarm.id = "-".join(filter(None, (*key, str(self._raised[key]))))
            alarm.raised = now
            self._tell({**_facts(alarm), "level": "alarm", "id": alarm.id, "text": alarm.text})
            return
        text = f"{alarm.kind.title}: over, after {now - alarm.raised:.0f} s"
        if alarm.source:
            text = f"{alarm.source}: {text[0].lower()}{text[1:]}"
        elif alarm.worst[1]:
            text += f"; at worst {alarm.worst[1]}"
        facts = {**_facts(alarm), "level": "event", "id": f"{alarm.id}-cleared", "text": text}
        self._tell({**facts, "clears": alarm.id})


def _facts(alarm: _Alarm) -> dict[str, Any]:
    return {"kind": alarm.kind.name, "priority": alarm.kind.priority, "source": alarm.source}
