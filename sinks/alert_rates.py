"""Rates over the last items, and how many events about single items are told in a second."""

from __future__ import annotations

from collections import Counter, deque

from line.outcome import CAMERA_DOWN, Outcome, Verdict

_MARKS = {
    Verdict.DROPPED: "d",
    Verdict.EXPIRED: "e",
    Verdict.LATE: "l",
    Verdict.FAILED: "f",
    Verdict.LOW_CONFIDENCE: "u",
}
_OTHER = "."
WORDS = {"d": "dropped", "e": "expired", "l": "late", "f": "failed", "u": "unsure"}
NOT_IN_TIME = "del"
FAILED = "f"
UNSURE = "u"


def mark_of(row: Outcome) -> str:
    """A letter for what became of an item; empty where a camera that was down has lost it.

    That has an alarm of its own, which says nothing about workers and belt.
    """
    if row.reason == CAMERA_DOWN:
        return ""
    return _MARKS.get(row.verdict, _OTHER)


class ItemWindow:
    """What became of the last `items` items, a letter each."""

    def __init__(self, items: int) -> None:
        self._recent: deque[str] = deque(maxlen=items)
        self._counts: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        """Rates of fewer items are not judged."""
        return len(self._recent) == self._recent.maxlen

    def add(self, mark: str) -> None:
        """One item more."""
        if self.is_full:
            self._counts[self._recent[0]] -= 1
        self._recent.append(mark)
        self._counts[mark] += 1

    def count(self, marks: str) -> int:
        """Items with any of these letters."""
        return sum(self._counts[mark] for mark in marks)

    def share(self, marks: str) -> float:
        """The same as a share, 0..1."""
        return self.count(marks) / len(self._recent) if self._recent else 0.0

    def words(self, marks: str, what: str) -> str:
        """`31 of the last 100 items not in time: 20 dropped, 11 late`."""
        parts = [f"{self._counts[mark]} {WORDS[mark]}" for mark in marks if self._counts[mark]]
        told = f": {', '.join(parts)}" if parts and len(marks) > 1 else ""
        return f"{self.count(marks)} of the last {len(self._recent)} items {what}{told}"

    def state(self) -> str:
        """The letters, oldest first."""
        return "".join(self._recent)

    def restore(self, state: str) -> None:
        """Inverse of `state`. Raises ValueError for anything else."""
        if set(state) - {*WORDS, _OTHER}:
            raise ValueError("no window of items")
        for mark in state:
            self.add(mark)


class RateLimit:
    """Whether a rate is too high: once it is above `limit`, until it is at `clear` or below."""

    def __init__(self, marks: str, what: str, limit: float, clear: float) -> None:
        self.marks = marks
        self._what = what
        self._limit = limit
        self._clear = clear
        self.is_over = False

    def judge(self, window: ItemWindow) -> bool:
        """By the last full window; True if that has changed."""
        was_over = self.is_over
        if window.is_full:
            share = window.share(self.marks)
            self.is_over = share > (self._clear if was_over else self._limit)
        return self.is_over != was_over

    def words(self, window: ItemWindow) -> str:
        """The rate of now."""
        return window.words(self.marks, self._what)


EPISODE_S = 5.0
"""Items of a kind that are lost within so long of each other are told of together."""


class Episode:
    """Items of one kind that are lost one soon after the other. Times are monotonic."""

    def __init__(self) -> None:
        self.began = 0.0
        self.last = 0.0
        self.items = 0

    def add(self, now: float) -> bool:
        """One item more; True for the first of an episode."""
        self.last = now
        self.items += 1
        if self.items == 1:
            self.began = now
        return self.items == 1

    def end_due(self, now: float) -> int:
        """How many items an episode had that is over by now; it is forgotten. 0 for none."""
        if not self.items or now < self.last + EPISODE_S:
            return 0
        return self.end()

    def end(self) -> int:
        """The same, over or not."""
        items, self.items = self.items, 0
        return items


_SECOND_S = 1.0
_LONGEST_S = 10.0
"""A flood that lasts is told of this often."""


class Flood:
    """Lets `per_s` events through in each second and counts the rest. Times are monotonic."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._second_began = -_SECOND_S
        self._in_second = 0
        self.began = 0.0
        """time of the first event held back"""
        self.held_back = 0
        """since then"""

    def admits(self, now: float) -> bool:
        """Count one event; False if it is to be held back."""
        if self._is_new_second(now):
            self._second_began, self._in_second = now, 0
        self._in_second += 1
        if self._in_second <= self._per_s:
            return True
        if not self.held_back:
            self.began = now
        self.held_back += 1
        return False

    def is_due(self, now: float) -> bool:
        """What was held back should be told: a calm second has begun, or it lasts too long."""
        return self.held_back > 0 and (
            self._is_new_second(now)
            or self._in_second <= self._per_s
            or now >= self.began + _LONGEST_S
        )

    def settle(self) -> int:
        """The number held back, which is told now and forgotten."""
        held_back, self.held_back = self.held_back, 0
        return held_back

    def _is_new_second(self, now: float) -> bool:
        return now >= self._second_began + _SECOND_S
