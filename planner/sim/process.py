"""What the virtual processes have in common: they die, come back, and freeze."""

from __future__ import annotations

from planner.sim.event_queue import Action, Agenda, Happening


class Process:
    """One incarnation after the other, under one name."""

    def __init__(self, agenda: Agenda, name: str, role: str) -> None:
        self.agenda = agenda
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
        self.since_s = self.agenda.now

    def freeze(self, until_s: float) -> None:
        """It does nothing until then."""
        self.frozen_until_s = until_s

    def is_frozen(self, action: Action, happening: Happening) -> bool:
        """Whether what happens has to wait; then it will happen again when it need not."""
        if not self.frozen_until_s or self.agenda.now >= self.frozen_until_s:
            return False
        self.agenda.at(self.frozen_until_s, action, happening.about)
        return True
