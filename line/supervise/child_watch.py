"""What wakes the supervisor: the death of a child, and what a child says, at once or at a look.

While the belt runs and all is well children say how they fare, which may wait: to wake up for each
of these notes takes longer than to handle it.
"""

from __future__ import annotations

import os
import selectors
import sys

from line.supervise.child import Child

NOTES = "notes"
"""What the selector returns when somebody has said something, see `ChildWatch.speakers`."""


class ChildWatch:
    """Has places in the supervisor's selector, which returns the name of a child that has ended."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._channels = selectors.DefaultSelector()
        self._ends: dict[str, int | None] = {}
        """process → a descriptor that is readable when the process has ended; None: there is none,
        and only the end of its channel tells"""
        self._is_at_once = False
        self.listen(at_once=True)

    def close(self) -> None:
        """The selector is about to be closed as well."""
        for end in self._ends.values():
            if end is not None:
                os.close(end)
        self._channels.close()

    def add(self, child: Child) -> None:
        """Raises OSError."""
        self._channels.register(child.channel.fileno(), selectors.EVENT_READ, data=child.spec.name)
        self._ends[child.spec.name] = self._watched_end(child)

    def remove(self, child: Child) -> None:
        """Before its channel is closed."""
        self._channels.unregister(child.channel.fileno())
        end = self._ends.pop(child.spec.name)
        if end is not None:
            self._selector.unregister(end)
            os.close(end)

    def listen(self, *, at_once: bool) -> None:
        """Whether what a child says ends the supervisor's sleep from now on."""
        at_once = at_once or None in self._ends.values()
        if at_once == self._is_at_once:
            return
        self._is_at_once = at_once
        if at_once:
            self._selector.register(self._channels, selectors.EVENT_READ, data=NOTES)
        else:
            self._selector.unregister(self._channels)

    def speakers(self) -> list[str]:
        """The children that have said something since it was last read."""
        return [key.data for key, _ in self._channels.select(0)]

    def _watched_end(self, child: Child) -> int | None:
        if sys.platform != "linux":
            return None
        try:
            end = os.pidfd_open(child.pid)
        except OSError:  # an old kernel, or no descriptor left
            return None
        try:
            self._selector.register(end, selectors.EVENT_READ, data=child.spec.name)
        except OSError:
            os.close(end)
            return None
        return end
