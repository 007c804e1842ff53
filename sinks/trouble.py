"""A follower that cannot write falls behind, and says so once."""

from __future__ import annotations

from time import monotonic

from line.errors import DiskFull, StorageError
from line.process.context import ProcessContext

_WORTH_TELLING_S = 1.0
"""Others write to the same file as well, each for a moment; a full disk is told of at once."""


class Trouble:
    """From the first write that fails to the next one that does not."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._since: float | None = None
        self._is_told = False
        self._episodes = 0

    @property
    def is_on(self) -> bool:
        return self._since is not None

    def wait(self, error: StorageError) -> None:
        """Something could not be written (yet)."""
        now = monotonic()
        if self._since is None:
            self._since = now
        is_full = isinstance(error, DiskFull)
        if not self._is_told and (is_full or now >= self._since + _WORTH_TELLING_S):
            self._is_told = True
            self._episodes += 1
            self._tell("disk_full" if is_full else "storage", f"waits: {error}")

    def settle(self) -> None:
        """It can be written again."""
        if self._is_told:
            assert self._since is not None
            self._tell("storage_again", f"goes on after {monotonic() - self._since:.0f} s")
        self._since = None
        self._is_told = False

    def _tell(self, kind: str, text: str) -> None:
        incident_id = f"{kind}-{self._context.identity}-{self._episodes}"
        self._context.channel.send("incident", id=incident_id, event=kind, text=text)
