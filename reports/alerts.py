"""`alerts.jsonl`: alarms and events, one JSON object a line."""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from line.drift.notices import NOTICED, OVER
from pictures.regular_file import open_regular

_LAST = 20
_MOST_KINDS = 100
_LONGEST_LINE = 1 << 20

Alert = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drift:
    """A statistic of a lane that was not as it was; the items that tell of it, by frame_id."""

    source: str
    statistic: str
    since: str
    noticed: str
    text: str
    over: str | None = None
    """None: it was not as before at the end"""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Alarms and events of a run, the last of each in the order in which they came."""

    raised: int = 0
    """alarms"""
    alarms: tuple[Alert, ...] = ()
    """lines about alarms: raised, cleared, and those that stood at the end"""
    events: int = 0
    """all other lines"""
    last_events: tuple[Alert, ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()
    """kinds of events and how many of each there were, the most frequent first"""
    drifts: tuple[Drift, ...] = ()
    """the last, in the order in which they were noticed"""

    @property
    def has_drifted(self) -> bool:
        """Whether anything was not as it was, at the end."""
        return any(drift.over is None for drift in self.drifts)


def read_alerts(path: Path) -> Alerts:
    """Of the file at `path`; none if there is no file. Raises OSError if it cannot be read."""
    alarms: deque[Alert] = deque(maxlen=_LAST)
    events: deque[Alert] = deque(maxlen=_LAST)
    kinds: Counter[str] = Counter()
    drifts: deque[Drift] = deque(maxlen=_LAST)
    raised = 0
    for alert in every_alert(path):
        if is_about_alarm(alert):
            raised += alert.get("level") == "alarm"
            alarms.append(alert)
        else:
            kind = str(alert.get("kind", "?"))
            kinds[kind if kind in kinds or len(kinds) < _MOST_KINDS else "others"] += 1
            events.append(alert)
            _note_drift(drifts, alert)
    return Alerts(
        raised,
        tuple(alarms),
        kinds.total(),
        tuple(events),
        tuple(kinds.most_common(_LAST)),
        tuple(drifts),
    )


def _note_drift(drifts: deque[Drift], alert: Alert) -> None:
    names = ("source", "statistic", "since", "frame_id", "text")
    source, statistic, since, item, text = (str(alert.get(name) or "") for name in names)
    if alert.get("kind") == NOTICED:
        drifts.append(Drift(source, statistic, since, item, text))
    elif alert.get("kind") == OVER:
        for place, drift in enumerate(drifts):
            if (drift.source, drift.statistic, drift.since) == (source, statistic, since):
                drifts[place] = replace(drift, over=item)


def is_about_alarm(alert: Alert) -> bool:
    """Whether a line raises an alarm, clears one, or says how one stood at the end."""
    return alert.get("level") == "alarm" or "clears" in alert or "alarm" in alert


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
