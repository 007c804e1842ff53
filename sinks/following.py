"""The loop of all followers: read what was written, hand it over, remember how far it is."""

from __future__ import annotations

import select
from contextlib import suppress
from time import monotonic
from typing import Literal

from line.errors import StorageError
from line.outcome import Outcome
from line.process.context import ProcessContext
from line.process.heartbeat import Heartbeat
from line.run_files.line_logs import EVENTS
from line.run_files.results import FILE as RESULTS
from line.run_files.results import HEADER, decode_row
from sinks.checkpoint import Checkpoint, Cursor
from sinks.follower import Follower, LineEvent, Passed
from sinks.lag import Lag
from sinks.tail import Tail
from sinks.trouble import Trouble

_REST_S = 0.5
"""After work: rows that come meanwhile are handled together, and nobody waits for a follower."""
_REPORT_S = 0.5
_IDLE_REPORT_S = 0.5
_CHECKPOINT_S = 1.0
_ORPHAN_S = 2.0
"""Without a supervisor nobody says when the last row has come."""
_MOST_ROWS = 256
_HEADER = HEADER.encode().rstrip(b"\n")


class Following:
    """One follower at work on the files of a run.

    `passed` is kept up to date; the follower may look at it. `events`: the file that its events
    come from.
    """

    def __init__(
        self, context: ProcessContext, follower: Follower, passed: Passed, events: str = EVENTS
    ) -> None:
        self._context = context
        self._channel = context.channel
        self._follower = follower
        self._passed = passed
        self._rows = Tail(context.run_dir / RESULTS)
        self._events = Tail(context.run_dir / events)
        self._checkpoint = Checkpoint(context.run_dir / f".{context.name}.checkpoint")
        self._trouble = Trouble(context)
        self._lag = Lag(context)
        self._malformed = 0
        self._beat = Heartbeat(context, lambda: self._malformed + self._channel.malformed)
        self._row_bytes = 200.0
        """of a usual row, to tell bytes in rows"""
        self._is_final = False
        self._orphaned: float | None = None
        self._last_work = monotonic()
        self._must_keep = False
        """something was handed over since the last checkpoint"""
        self._next_report = self._next_checkpoint = 0.0
        self._told_news = 0

    def run(self) -> None:
        """Until the supervisor says stop, or is gone, and everything that is there is done with."""
        self._restore()
        self._channel.send("ready")
        rest_s = _REST_S
        while not self._may_leave(has_moved := self._turn()):
            rest_s = _REST_S if has_moved else min(2 * rest_s, self._context.beat_s)
            is_behind = has_moved and self._rows.behind_bytes > 0
            self._rest(0.0 if is_behind else rest_s)
            self._listen()
        self._report()
        if not self._trouble.is_on:
            self._keep_checkpoint()

    def close(self) -> None:
        """Let go of all files."""
        self._follower.close()
        self._rows.close()
        self._events.close()

    # -- one turn -----------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Hand over what is there; whether anything was."""
        now = monotonic()
        has_moved = False
        try:
            has_moved = self._hand_over_events()
            has_moved |= self._hand_over_rows()
            self._follower.turn()
            self._trouble.settle()
        except StorageError as error:
            self._trouble.wait(error)
        if has_moved:
            self._last_work = now
            self._must_keep = True
        if now >= self._next_report + (0.0 if has_moved else _IDLE_REPORT_S):
            self._next_report = now + _REPORT_S
            self._report()
        self._beat()
        if self._must_keep and now >= self._next_checkpoint and not self._trouble.is_on:
            self._next_checkpoint = now + _CHECKPOINT_S
            self._keep_checkpoint()
        return has_moved

    def _hand_over_rows(self) -> bool:
        """Whether the cursor moved."""
        lines = self._rows.look()[:_MOST_ROWS]
        found = [self._row(line) for line in lines]
        places = [place for place, row in enumerate(found) if isinstance(row, Outcome)]
        rows = [row for row in found if isinstance(row, Outcome)]
        done = self._follower.take(rows, final=self._is_final) if rows else 0
        count = places[done] if done < len(rows) else len(lines)
        if not count:
            return False
        self._passed.update((row.camera, row.seq) for row in rows[:done])
        self._malformed += found[:count].count(None)
        before = self._rows.cursor.offset
        self._rows.passed(count)
        size = self._rows.cursor.offset - before
        self._row_bytes += 0.1 * (size / count - self._row_bytes)
        return True

    def _row(self, line: bytes) -> Outcome | Literal["known"] | None:
        """The row of a line; "known" for one that was met before, None for what is no row."""
        cells = line.split(b",", 3)
        try:
            if line == _HEADER or (int(cells[1]), int(cells[2])) in self._passed:
                return "known"
            return decode_row(line.decode())
        except (ValueError, IndexError):
            return None

    def _hand_over_events(self) -> bool:
        """Whether the cursor moved."""
        lines = self._events.look()[:_MOST_ROWS]
        if not lines:
            return False
        found = [_event(line) for line in lines]
        self._follower.take_events([event for event in found if event is not None])
        self._malformed += found.count(None)
        self._events.passed(len(lines))
        return True

    # -- what the supervisor says, and is told ---------------------------------------------------

    def _rest(self, seconds: float) -> None:
        """Until the supervisor says something, or it is time."""
        ends = [] if self._channel.broken else [self._channel.fileno()]
        if seconds > 0:
            select.select(ends, [], [], seconds)

    def _listen(self) -> None:
        for note in self._channel.receive():
            if note["kind"] == "stop":
                self._is_final = True
        if self._channel.broken and self._orphaned is None:
            self._orphaned = monotonic()

    def _may_leave(self, has_moved: bool) -> bool:
        now = monotonic()
        if self._orphaned is not None:
            waited_s = now - max(self._orphaned, self._last_work)
            limit_s = self._context.settings.supervisor.stop_s
            return waited_s > _ORPHAN_S or now > self._orphaned + limit_s
        return self._is_final and not has_moved and not self._trouble.is_on

    def _report(self) -> None:
        kind, facts = self._follower.report()
        self._channel.add(kind, **facts)
        behind_rows = self._behind_rows
        self._beat.tell("follower", behind_rows=behind_rows)
        self._lag.look(behind_rows)
        for text in self._follower.news():
            self._told_news += 1
            incident_id = f"news-{self._context.identity}-{self._told_news}"
            self._channel.send("incident", id=incident_id, event=self._context.name, text=text)

    @property
    def _behind_rows(self) -> int:
        """About how many rows are not read yet."""
        behind = self._rows.behind_bytes
        return max(1, round(behind / self._row_bytes)) if behind else 0

    # -- what the next one goes on from -----------------------------------------------------------

    def _restore(self) -> None:
        kept = self._checkpoint.read()
        if kept is not None:
            try:
                rows, events = Cursor.of(kept["rows"]), Cursor.of(kept["events"])
                passed = Passed()
                passed.restore(kept["passed"])
                self._follower.restore(kept["sink"])
            except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
                pass
            else:
                self._passed.restore(kept["passed"])
                self._rows.begin(rows)
                self._events.begin(events)
                return
        self._follower.restore(None)

    def _keep_checkpoint(self) -> None:
        """A checkpoint that cannot be written is only an older hint."""
        self._must_keep = False
        with suppress(OSError):
            self._checkpoint.write(
                {
                    "rows": self._rows.cursor.state,
                    "events": self._events.cursor.state,
                    "passed": self._passed.state(),
                    "sink": self._follower.state(),
                }
            )


def _event(line: bytes) -> LineEvent | None:
    """The event in a line; None for what is none."""
    try:
        return LineEvent.decode(line)
    except ValueError:
        return None
