"""News of the line itself on its way from the supervisor to the alerts sink."""

from __future__ import annotations

from collections.abc import Mapping

from line.child import Child
from line.event_log import EventLog
from line.leash import Note


class Notices:
    """Keeps each until the sink has it: a new dispatcher is told again.

    `children` are the supervisor's living processes by name. What is `pending` travels with the
    session: notices that a dead runner could not get rid of are told by the next one.
    """

    def __init__(
        self, children: Mapping[str, Child], pending: dict[str, Note], events: EventLog
    ) -> None:
        self._events = events
        self._children = children
        self._pending = pending
        self.changed = False
        """since the session was last written"""

    def __bool__(self) -> bool:
        """Whether any is still on its way."""
        return bool(self._pending)

    def add(self, notice_id: str, event: str, text: str) -> None:
        """Something happened; `notice_id` is unique in the run."""
        self._events.append(notice_id, event, text)
        note = {"kind": "notice", "id": notice_id, "event": event, "text": text}
        self._pending[notice_id] = note
        self.changed = True
        dispatcher = self._children.get("dispatcher")
        if dispatcher is not None and dispatcher.is_ready:
            dispatcher.leash.send(**note)

    def tell(self, dispatcher: Child) -> None:
        """All of them, to a new dispatcher."""
        for note in self._pending.values():
            dispatcher.leash.send(**note)

    def settle(self, notice_id: str) -> None:
        """The alerts sink has it."""
        self._pending.pop(notice_id, None)
        self.changed = True
