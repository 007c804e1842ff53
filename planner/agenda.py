"""Virtual time: what happens when, one SimPy event for each thing that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simpy


class Happening(simpy.Event):
    """Something that happens `delay_s` from now, and what it is about."""

    def __init__(
        self, agenda: Agenda, delay_s: float, action: Callable[[Any], None], about: Any
    ) -> None:
        self.env = agenda
        self.callbacks = [action]
        self.about = about
        self._ok = True
        self._value = None  # as of a `simpy.Timeout`: it is bound to happen
        agenda.schedule(self, delay=delay_s)


Action = Callable[[Happening], None]


class Agenda(simpy.Environment):
    """Times are virtual seconds of the wall clock since belt second 0.

    A callback costs a third of a SimPy process that is resumed, and the twin has some five of them
    for an item.
    """

    def __init__(self) -> None:
        super().__init__()
        self.events = 0
        """scheduled so far"""

    def at(self, moment_s: float, action: Callable[[Any], None], about: Any = None) -> None:
        """Have `action` called at a moment; at once, but after what is due now, if it is past."""
        delay_s = moment_s - self.now
        Happening(self, delay_s if delay_s > 0.0 else 0.0, action, about)
        self.events += 1
