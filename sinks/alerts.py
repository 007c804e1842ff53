"""alerts.jsonl: what happened, as events, and what somebody should act on, as alarms.

An event is told at once. An alarm is raised when its cause has stood for its delay, and cleared
when it has been gone for one; `docs/alarms.md` has all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import StorageError
from line.outcome import UNLIKE, Outcome, Verdict
from line.settings import AlertSettings
from sinks import alarm_kinds
from sinks.alarm_kinds import AlarmKind
from sinks.alert_file import AlertFile
from sinks.alert_rates import (
    FAILED,
    NOT_IN_TIME,
    UNSURE,
    Episode,
    Flood,
    ItemWindow,
    RateLimit,
    mark_of,
)
from sinks.drift_watch import DriftWatch
from sinks.follower import LineEvent
from sinks.line_troubles import LineTroubles, Trouble
from sinks.promise_watch import PromiseWatch
from sinks.standing_alarms import Rate, StandingAlarms

_LOST = (Verdict.DROPPED, Verdict.EXPIRED, Verdict.LATE, Verdict.FAILED)
_MOST_STANDING = 50
"""Told to whoever looks on; of more, those that were raised first."""


class Alerts:
    """Tells of single unsure items, of items lost, and of events; raises and clears alarms.

    Too many unsure items a second become one event that says how many. `sync`: lines survive a
    power cut. `alive` is called while a long file is read. `clock` is monotonic. Raises BadInput
    for a file that cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        settings: AlertSettings,
        *,
        promises: PromiseWatch | None = None,
        drift: DriftWatch | None = None,
        sync: bool = False,
        alive: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._clock = clock
        self._per_s_max = settings.per_s_max
        self._off_delay_s = settings.off_delay_s
        self._flood = Flood(settings.per_s_max)
        self._episodes = {verdict: Episode() for verdict in _LOST}
        self._judged: set[str] = set()
        """items of rows that may be given once more"""
        self._fresh: list[tuple[str, str]] = []
        """(weight, text) of what was told since the last report"""
        self._window = ItemWindow(settings.window_items)
        self._rates = {
            alarm_kinds.NOT_IN_TIME: _limit(
                settings, NOT_IN_TIME, "not in time", settings.not_in_time_rate
            ),
            alarm_kinds.FAILED_ITEMS: _limit(settings, FAILED, "failed", settings.failed_rate),
            alarm_kinds.UNSURE_ITEMS: _limit(settings, UNSURE, "unsure", settings.unsure_rate),
        }
        self._last_row = -inf
        """monotonic time"""
        self._troubles = LineTroubles()
        self._promises = promises
        self._drift = drift
        self._alarms = StandingAlarms(settings, self._tell_of_alarm)
        self._file = AlertFile(path, sync=sync, alive=alive)

    # -- what came before -------------------------------------------------------------------------

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Learn what was told before: behind the checkpoint, or without one all that stands.

        Raises BadInput, naming the line, for a file that holds anything else.
        """
        now = self._clock()
        if state is not None:
            if self._drift is not None:
                self._drift.restore(state["drift"])
            if self._promises is not None:
                self._promises.restore(state["promises"])
            self._window.restore(str(state["window"]))
            self._troubles.restore(state["troubles"])
            self._alarms.restore_state(state["alarms"], now)
        for line in self._file.restore(None if state is None else state["file"]):
            self._alarms.restore(line, now)
        for kind, limit in self._rates.items():
            limit.is_over = self._alarms.is_on(kind)

    def state(self) -> dict[str, Any]:
        """See `Follower`."""
        return {
            "file": self._file.state(),
            "window": self._window.state(),
            "troubles": self._troubles.state(),
            "alarms": self._alarms.state(),
            "promises": None if self._promises is None else self._promises.state(),
            "drift": None if self._drift is None else self._drift.state(),
        }

    # -- what comes -------------------------------------------------------------------------------

    def take(self, rows: Sequence[Outcome], *, final: bool = False) -> int:
        """See `Follower`."""
        for row in rows:
            if row.frame_id not in self._judged:
                self._judged.add(row.frame_id)
                self._judge(row)
        self.turn()
        self._judged.clear()
        return len(rows)

    def take_events(self, events: Sequence[LineEvent]) -> None:
        """See `Follower`."""
        for event in events:
            facts = {"id": event.id, "kind": event.event, "text": event.text}
            if self._tell({**facts, "source": event.process}, event.at):
                self._fresh.append(("warning", event.text))
                self._troubles.take(event)
                self._look()
        self._file.write()

    def turn(self) -> None:
        """Tell of what is over; raise and clear alarms. Raises StorageError."""
        now = self._clock()
        if self._flood.is_due(now):
            self._tell_of_flood(now)
        for verdict, episode in self._episodes.items():
            lasted_s = episode.last - episode.began
            self._tell_of_episode(verdict, episode.end_due(now), lasted_s)
        if self._promises is not None:
            self._promises.look()
        self._look()
        self._file.write()

    def report(self) -> tuple[str, dict[str, Any]]:
        """How many lines and alarms there are, what stands, and what came since last asked."""
        facts = {
            "count": self._file.count,
            "raised": self._alarms.raised,
            "standing": self._alarms.standing(self._clock())[:_MOST_STANDING],
            "fresh": self._fresh[-5:],
            "promises": [] if self._promises is None else self._promises.facts(),
            "drift": [] if self._drift is None else self._drift.facts(),
        }
        self._fresh.clear()
        return "alerts", facts

    def news(self) -> list[str]:
        """What somebody should be told of the file, since last asked."""
        told = [] if self._promises is None else self._promises.news()
        return [*self._file.news(), *told]

    def close(self) -> None:
        """Write what is left, if there is room for it: also how what stands was at the end."""
        now = self._clock()
        self._tell_of_flood(now)
        for verdict, episode in self._episodes.items():
            self._tell_of_episode(verdict, episode.end(), episode.last - episode.began)
        for alarm in self._alarms.standing(now):
            facts = {"kind": alarm["kind"], "source": alarm["source"], "alarm": alarm["id"]}
            text = f"stands at the end: {alarm['text']}"
            self._tell({**facts, "id": f"{alarm['id']}-at-end-{self._file.count}", "text": text})
        with suppress(StorageError):
            self._file.write()
        self._file.close()
        if self._drift is not None:
            self._drift.close()

    # -- inside -----------------------------------------------------------------------------------

    def _judge(self, row: Outcome) -> None:
        now = self._last_row = self._clock()
        if self._promises is not None:
            self._promises.take(row)
        for change in () if self._drift is None else self._drift.take(row):
            if self._tell(change.line):
                self._fresh.append(("warning", change.text))
        if row.low_confidence:
            self._unsure(row, now)
        if row.verdict in self._episodes and self._episodes[row.verdict].add(now):
            because = f": {row.reason}" if row.reason else ""
            text = f"item {row.frame_id} {row.verdict}{because}"
            facts = {"id": f"{row.verdict}-{row.frame_id}", "kind": str(row.verdict), "text": text}
            if self._tell({**facts, "frame_id": row.frame_id}):
                self._fresh.append(("info", text))
        mark = mark_of(row)
        if not mark:
            return
        self._window.add(mark)
        hit = [kind for kind, limit in self._rates.items() if mark in limit.marks]
        changed = [limit.judge(self._window) for limit in self._rates.values()]
        if any(changed) or any(self._rates[kind].is_over for kind in hit):
            self._look(hit)

    def _look(self, hit: Sequence[AlarmKind] = ()) -> None:
        """`hit`: the rates that an item has raised just now; no alarm comes on for what is past."""
        now = self._clock()
        rates = {
            kind: Rate(self._window.share(limit.marks), limit.words(self._window), kind in hit)
            for kind, limit in self._rates.items()
        }
        self._alarms.look(self._wrong(now), now, rates)

    def _wrong(self, now: float) -> Iterator[Trouble]:
        """All that is wrong now, but for what only follows from something else of it."""
        troubles = list(self._troubles)
        yield from troubles
        if self._promises is not None:
            yield from self._promises.broken()
        if self._drift is not None:
            yield from self._drift.troubles()
        explains = alarm_kinds.COST_TIME
        is_explained = any(each.kind in explains for each in troubles) or any(
            map(self._alarms.is_on, explains)
        )
        if now > self._last_row + self._off_delay_s:
            return  # nobody knows whether it still is so
        for kind, limit in self._rates.items():
            follows = kind is alarm_kinds.NOT_IN_TIME and is_explained
            if limit.is_over and (self._alarms.is_on(kind) or not follows):
                yield Trouble(kind, "", limit.words(self._window))

    def _unsure(self, row: Outcome, now: float) -> None:
        line_id = f"low_confidence-{row.frame_id}"
        if self._file.knows(line_id):
            return
        if not self._flood.admits(now):
            self._file.leave_out(line_id)
            return
        sure = "?" if row.confidence is None else f"{row.confidence:.2f}"
        text = f"item {row.frame_id}: {row.predicted_class} at only {sure}"
        if row.reason == UNLIKE:
            text = f"item {row.frame_id}: {row.predicted_class} at {sure}, {UNLIKE}"
        facts = {"id": line_id, "kind": "low_confidence", "text": text}
        self._tell({**facts, "frame_id": row.frame_id})
        self._fresh.append(("info", text))

    def _tell_of_flood(self, now: float) -> None:
        count = self._flood.settle()
        if count:
            text = (
                f"{count} more unsure items within {now - self._flood.began:.1f} s, "
                f"over alerts.per_s_max = {self._per_s_max}"
            )
            self._tell({"id": f"flood-{self._file.last_id}", "kind": "flood", "text": text})

    def _tell_of_episode(self, verdict: Verdict, items: int, lasted_s: float) -> None:
        """One item was told of when it came."""
        if items > 1:
            text = f"{items} items {verdict} within {lasted_s:.1f} s"
            line_id = f"{verdict}-over-{self._file.count}"
            self._tell({"id": line_id, "kind": verdict.value, "text": text})

    def _tell_of_alarm(self, line: Mapping[str, Any]) -> None:
        if self._file.add({**line, "frame_id": None}):
            self._fresh.append(("alarm" if line["level"] == "alarm" else "warning", line["text"]))

    def _tell(self, facts: Mapping[str, Any], at: str | None = None) -> bool:
        """An event; False if it was told before."""
        return self._file.add({"frame_id": None, "source": "", **facts, "level": "event"}, at)


def _limit(settings: AlertSettings, marks: str, what: str, limit: float) -> RateLimit:
    return RateLimit(marks, what, limit, limit * settings.clear_ratio)
