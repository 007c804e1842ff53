"""One item on its way through the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from line.dispatch.actions import Picture
from line.dispatch.worker_leases import Gone
from line.outcome import Outcome


@dataclass(slots=True)
class InFlight:
    """What the ledger remembers of an item until it is acknowledged."""

    order: int
    """of arrival"""
    picture: Picture | None
    outcome: Outcome | None = None
    given: float | None = None
    """monotonic time at which a worker was last given the frame"""
    attempts: int = 0
    """workers that were given the frame"""
    charged: dict[str, Gone] = field(default_factory=dict)
    """by owner: the last worker that died or hung with the frame; each owner counts once"""
    alone: int = 0
    """deaths of workers that held this frame and no other"""

    @property
    def is_suspect(self) -> bool:
        """It cost a worker."""
        return bool(self.charged)

    def give(self, now: float) -> None:
        """A worker holds the frame from now on."""
        self.attempts += 1
        self.given = now

    def charge(self, gone: Gone) -> int:
        """Its worker died or hung; returns what the item has cost by now."""
        self.charged[gone.owner] = gone
        self.alone += gone.alone
        return max(len(self.charged), self.alone)
