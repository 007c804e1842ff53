"""One item on its way through the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from line.actions import Picture
from line.outcome import Outcome


@dataclass(slots=True)
class InFlight:
    """What the ledger remembers of an item until it is acknowledged."""

    order: int
    """of arrival"""
    picture: Picture | None
    outcome: Outcome | None = None
    worker: str | None = None
    """that holds the frame"""
    attempts: int = 0
    given: dict[str, float] = field(default_factory=dict)
    """worker → monotonic time at which it was last given the frame; at most one for each attempt"""
    awaiting: set[str] = field(default_factory=set)
    """sinks that must still say that they hold the outcome"""

    def give(self, worker: str, now: float) -> None:
        """A worker holds the frame from now on."""
        self.worker = worker
        self.attempts += 1
        self.given[worker] = now

    @property
    def last_given(self) -> float | None:
        """Monotonic time at which a worker was last given the frame."""
        return max(self.given.values(), default=None)
