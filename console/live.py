"""The line as the pages show it: the newest status, the feed, and figures over the last seconds.

Plain state without threads of its own, sockets or pages. The link's threads fill it, the pages
read it; a lock keeps the two apart. `now` is always monotonic time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from console.line_page.belt_feed import BeltFeed, News
from console.line_page.history import History, Mark, counted
from console.run_end import Kind, RunEnd
from console.run_facts import RunFacts
from line.dispatch.feed import Decided, Seen

SILENT_S = 1.5
"""A line that tells nothing for so long is shown as unreachable."""
_STALLED_S = 1.5
"""A line that decides nothing for so long, though something is on its way, is said to."""
_SPAN_S = 3.0
"""Rates are taken over this time."""
_HISTOGRAM_S = 30.0

State = Literal["empty", "reaching", "running", "silent", "over"]
Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Headline:
    """The line's state in a few words."""

    words: str
    kind: Kind


class Series:
    """The last values of a growing count, or of several at once, over a span of time."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._marks: deque[tuple[float, list[float]]] = deque()

    def add(self, now: float, counts: list[float]) -> None:
        if self._marks and any(b < a for a, b in zip(self._marks[-1][1], counts, strict=False)):
            self._marks.clear()  # somebody counts anew
        self._marks.append((now, counts))
        while len(self._marks) > 2 and self._marks[1][0] <= now - self._span_s:
            self._marks.popleft()

    def growth(self) -> list[float]:
        """By how much each count has grown within the span."""
        if not self._marks:
            return []
        return [b - a for a, b in zip(self._marks[0][1], self._marks[-1][1], strict=True)]

    def rates(self) -> list[float]:
        """Growth a second; zeros while too little time has passed to say."""
        if not self._marks:
            return []
        lasted = self._marks[-1][0] - self._marks[0][0]
        return [g / lasted if lasted > 0.4 else 0.0 for g in self.growth()]

    def clear(self) -> None:
        self._marks.clear()


class LiveLine:
    """One line, seen from outside; begins anew when another run is shown."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._feed = BeltFeed()
        self._rates = Series(_SPAN_S)
        self._latencies = Series(_HISTOGRAM_S)
        self.history = History()
        self._heard: float | None = None
        self._decided: tuple[float, int] = (0.0, 0)
        """the last moment without anything undecided, or with another row; rows by then"""
        self._reached = False
        self._end: RunEnd | None = None
        self.run: RunFacts | None = None
        self.status: Status = {}
        self.complaint = ""
        """why the newest run folder cannot be shown; empty if it can"""

    # -- filled by the link ---------------------------------------------------------------------

    def show_run(self, run: RunFacts | None) -> None:
        """Show this run from now on."""
        with self._lock:
            self.run, self.status = run, {}
            self._heard, self._reached, self._end = None, False, None
            self._feed.clear()
            self._rates.clear()
            self._latencies.clear()
            self.history.clear()

    def reached(self) -> None:
        """The line has taken the connection; a status is to follow."""
        with self._lock:
            self._reached, self._end = True, None
            self._heard = self._clock()

    def left(self, end: RunEnd | None) -> None:
        """The connection is gone; `end` is what the run's folder says of it."""
        with self._lock:
            self._reached, self._end = False, end

    def hear_status(self, status: Status) -> None:
        with self._lock:
            now = self._heard = self._clock()
            self.status = status
            verdicts = sum(status["verdicts"].values())
            if verdicts != self._decided[1] or verdicts >= status.get("fed", 0):
                self._decided = now, verdicts
            self._rates.add(now, [verdicts, status["belt_s"]])
            if self.run is not None:
                self.history.add(now, status, self.run.settings)
            latency = status.get("latency_s")
            if latency:
                self._latencies.add(now, latency["counts"])

    def hear_feed(self, events: Iterable[Seen | Decided]) -> None:
        with self._lock:
            for event in events:
                self._feed.take(event, self._clock())

    # -- read by the pages ----------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How it stands between the console and the line."""
        if self.run is None:
            return "empty"
        if self._reached and self._heard is not None:
            silent = self._clock() - self._heard > SILENT_S
            return "silent" if silent else "running" if self.status else "reaching"
        return "over"

    @property
    def silent_s(self) -> float:
        """Seconds since the line was last heard of."""
        return 0.0 if self._heard is None else self._clock() - self._heard

    @property
    def stalled_s(self) -> float:
        """Seconds since the last row, while items wait for theirs; 0 until that is remarkable."""
        if not self.moves:
            return 0.0
        passed_s = self._clock() - self._decided[0]
        deadline_s = (self.status.get("deadline_ms") or 0.0) / 1000
        return passed_s if passed_s > max(_STALLED_S, deadline_s + 0.75) else 0.0

    @property
    def end(self) -> RunEnd | None:
        """How the run ended; None while a line answers, or before anybody looked."""
        return self._end

    @property
    def moves(self) -> bool:
        """Whether items ride on the belt now."""
        return self.state == "running" and self.status.get("phase") in ("running", "draining")

    @property
    def belt_speed_m_per_s(self) -> float:
        """Of the belt, by the belt's own clock."""
        speed = self.status.get("belt_speed_m_per_s")
        if speed is None and self.run is not None:
            speed = self.run.settings.belt.speed_m_per_s
        return float(speed or 0.0)

    @property
    def wall_speed_m_per_s(self) -> float:
        """Metres of belt that pass in a second of the wall's clock; 0 while it stands."""
        if not self.moves:
            return 0.0
        clock = self.status.get("clock", 1.0)
        if clock == "max":
            clock = (self._rates.rates() or [0.0, 0.0])[1]
        return self.belt_speed_m_per_s * float(clock)

    @property
    def items_per_s(self) -> float:
        """Rows written a second, over the last seconds."""
        rates = self._rates.rates()
        return rates[0] if rates and self.state == "running" else 0.0

    @property
    def counted(self) -> Mark | None:
        """What the line has counted since the run began; None before it has told."""
        if self.run is None or not self.status:
            return None
        return counted(self._heard or 0.0, self.status, self.run.settings)

    def latency_growth(self) -> list[tuple[float, float]]:
        """(upper bound in seconds, items of the last half minute up to it); the last is endless."""
        latency = self.status.get("latency_s")
        counts = self._latencies.growth()
        if not latency or not counts:
            return []
        return list(zip([*latency["bounds"], float("inf")], counts, strict=True))

    def news_since(self, number: int) -> tuple[int, list[News]]:
        """What the belt's drawing must be told, after number `number` of it."""
        with self._lock:
            return self._feed.since(number)

    def headline(self) -> Headline:
        """For the head of every page."""
        title = self.run.title if self.run else ""
        match self.state:
            case "empty":
                return Headline("no run yet", "off")
            case "reaching":
                return Headline(f"reaching {title} …", "busy")
            case "silent":
                return Headline(f"{title} has been silent for {self.silent_s:.0f} s", "off")
            case "over":
                end = self._end
                words = end.words if end else "not running"
                return Headline(f"{title}: {words}", end.kind if end else "off")
        if self.status["phase"] == "running" and self.status.get("paused"):
            return Headline(f"{title}: infeed paused", "busy")
        if stalled_s := self.stalled_s:
            return Headline(f"{title}: nothing decided for {stalled_s:.0f} s", "off")
        words = f"{title}: {self.status['shown_phase']}"
        return Headline(words, "good" if self.status["phase"] == "running" else "busy")
