"""A follower that is far behind says so, and says so again when it is not any more."""

from __future__ import annotations

from line.process.context import ProcessContext
from line.section import LOG

_CLEARED = 0.5
"""Of the limit: a follower at the limit does not say so again and again."""


class Lag:
    """Of one follower; the limit is `sink.behind_rows`."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._limit = context.settings.sink.behind_rows
        self._is_far = False
        self._episodes = 0

    def look(self, rows: int) -> None:
        """It is so many rows behind."""
        if not self._is_far and rows > self._limit:
            self._is_far = True
            self._episodes += 1
            self._tell("behind", f"is {rows} rows behind {LOG}")
        elif self._is_far and rows <= _CLEARED * self._limit:
            self._is_far = False
            self._tell("caught_up", f"has caught up with {LOG}")

    def _tell(self, kind: str, text: str) -> None:
        incident_id = f"{kind}-{self._context.identity}-{self._episodes}"
        self._context.channel.send("incident", id=incident_id, event=kind, text=text)
