"""Who is at the other end of the dispatcher's sockets."""

from __future__ import annotations


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
        """Whether the incarnation has ended, or a later one has."""
        return incarnation <= self._over.get(name, 0)

    def count(self, role: str, owner: str) -> int:
        """Incarnations of one owner that have said hello and were not removed."""
        return sum(known == role and name.partition("#")[0] == owner for known, name in self._names)
