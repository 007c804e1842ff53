"""Who is at the other end of the dispatcher's sockets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Remote:
    heard: float
    """monotonic time of its last message"""
    works: bool
    """takes frames, so that its silence is worth a notice"""
    has_memory: bool
    """is on this machine, and finds pictures in their memory"""


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

    def greet(self, peer: str, now: float, *, works: bool, has_memory: bool) -> None:
        """It said hello, perhaps not for the first time."""
        self._remotes[peer] = _Remote(now, works, has_memory)

    def has_memory(self, peer: str) -> bool:
        """Whether this one, which has said hello, finds pictures in their memory."""
        return self._remotes[peer].has_memory

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


class Peers:
    """Maps identities of incarnations (`worker-0#2`) to process names (`worker-0`) and back."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._newest: dict[str, str] = {}
        self._over: dict[str, int] = {}
        """name → the last incarnation that is known to be over; of this machine's processes"""

    def name(self, role: str, identity: str) -> str | None:
        """The process's name, or None if it has not said hello."""
        return self._names.get((role, identity))

    def identity(self, name: str) -> str | None:
        """The newest incarnation of a process, or None."""
        return self._newest.get(name)

    def add(self, role: str, identity: str, name: str) -> bool:
        """Remember a greeting; False if it was known."""
        is_new = (role, identity) not in self._names
        self._names[role, identity] = name
        self._newest[name] = identity
        return is_new

    def remove(self, role: str, identity: str) -> str | None:
        """Forget an incarnation; returns its process's name if it was known."""
        name = self._names.pop((role, identity), None)
        if name is not None and self._newest.get(name) == identity:
            del self._newest[name]
        return name

    def end(self, identity: str) -> None:
        """An incarnation is over: its greeting may still be under way, and is not answered."""
        name, _, incarnation = identity.partition("#")
        if incarnation.isdecimal():
            self._over[name] = max(self._over.get(name, 0), int(incarnation))

    def is_over(self, name: str, incarnation: int) -> bool:
        """Whether the incarnation has ended, or a later one has said hello or ended."""
        newest = self._newest.get(name, f"{name}#0")
        return incarnation < int(newest.partition("#")[2]) or incarnation <= self._over.get(name, 0)

    def count(self, role: str, owner: str) -> int:
        """Incarnations of one owner that have said hello and were not removed."""
        return sum(known == role and name.partition("#")[0] == owner for known, name in self._names)
