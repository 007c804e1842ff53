"""Workers on other machines, as the dispatcher knows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Remote:
    heard: float
    """monotonic time of its last message"""
    works: bool
    """takes frames, so that its silence is worth a notice"""


class Remotes:
    """No channel tells of their death: one that is silent for `silence_s` is gone."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._remotes: dict[str, _Remote] = {}
        self._shut_out: set[str] = set()
        """names of keys"""

    def __contains__(self, peer: str) -> bool:
        return peer in self._remotes

    @property
    def peers(self) -> list[str]:
        return list(self._remotes)

    def greet(self, peer: str, now: float, *, works: bool) -> None:
        """It said hello, perhaps not for the first time."""
        self._remotes[peer] = _Remote(now, works)

    def hear(self, peer: str, now: float) -> None:
        """It said something; no news from one that has not said hello."""
        if peer in self._remotes:
            self._remotes[peer].heard = now

    def silent(self, now: float) -> list[str]:
        """Those not heard of for too long."""
        return [p for p, remote in self._remotes.items() if now - remote.heard > self._silence_s]

    def forget(self, peer: str) -> bool:
        """It is gone; whether it was at work."""
        remote = self._remotes.pop(peer, None)
        return remote is not None and remote.works

    def shut_out(self, owner: str) -> None:
        """The holder of this key is not let in any more."""
        self._shut_out.add(owner)

    def is_shut_out(self, owner: str) -> bool:
        return owner in self._shut_out
