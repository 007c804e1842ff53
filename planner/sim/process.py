"""What the virtual processes have in common: they die, come back, and freeze."""

from __future__ import annotations

from planner.sim.event_queue import Action, EventQueue, TimedCall


class Process:
    """One incarnation after the other, under one name."""

    def __init__(self, queue: EventQueue, name: str, role: str) -> None:
        self.queue = queue
        self.name = name
        self.role = role
        self.incarnation = 1
        self.identity = f"{name}#1"
        """as rows name it"""
        self.is_up = True
        self.since_s = 0.0
        """moment at which this incarnation was ready"""
        self.frozen_until_s = 0.0

    def die(self) -> None:
        """All that it held is gone."""
        self.is_up = False
        self.frozen_until_s = 0.0

    def revive(self) -> None:
        """A fresh incarnation serves."""
        self.incarnation += 1
        self.identity = f"{self.name}#{self.incarnation}"
        self.is_up = True
        self.since_s = self.queue.now

    def freeze(self, until_s: float) -> None:
        """It does nothing until then."""
        self.frozen_until_s = until_s

    def is_frozen(self, action: Action, timed_call: TimedCall) -> bool:
        """Whether what happens has to wait; then it will happen again when it need not."""
        if not self.frozen_until_s or self.queue.now >= self.frozen_until_s:
            return False
        self.queue.at(self.frozen_until_s, action, timed_call.about)
        return True
