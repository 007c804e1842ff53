"""When a worker is to move to another node: Ray does not spread them again when nodes come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_CALM_S = 5.0
"""All has to be well for so long before a worker moves, and again before the next one does."""
_NO_ROOM_S = 300.0
"""A node on which no worker came up, though it seemed to have room, is left alone for so long."""
_LEAST_GAIN = 2
"""A move from a node with one more worker than the other would only turn them round."""


@dataclass(frozen=True, slots=True)
class Move:
    """An actor more than are wanted, on this node, to take over from one on another."""

    number: int
    node: str
    until: float
    """monotonic time"""


class Spread:
    """One move at a time, from the node with most workers to the one with fewest that has room."""

    def __init__(self) -> None:
        self._calm_since: float | None = None
        self._nodes: frozenset[str] = frozenset()
        self._without: dict[str, float] = {}
        """node → monotonic time until which it is left alone"""

    def target(
        self, held: Mapping[str, int], rooms: Mapping[str, int], now: float, *, is_well: bool
    ) -> str | None:
        """The node to which a worker is to move now, if any; to be asked all the time.

        `held`: node → the line's workers on it. `rooms`: node that may have some → how many.
        `is_well`: every worker that is wanted serves, and none is on its way.
        """
        nodes = frozenset(rooms)
        if not is_well or nodes != self._nodes:
            self._nodes, self._calm_since = nodes, None
            return None
        self._calm_since = now if self._calm_since is None else self._calm_since
        if now - self._calm_since < _CALM_S:
            return None
        free = [
            node
            for node, room in rooms.items()
            if held.get(node, 0) < room and now >= self._without.get(node, now)
        ]
        target = min(free, key=lambda node: (held.get(node, 0), node), default=None)
        if target is None or max(held.values(), default=0) - held.get(target, 0) < _LEAST_GAIN:
            return None
        self._calm_since = None
        return target

    def failed(self, node: str, now: float) -> None:
        """No worker came up on that node."""
        self._without[node] = now + _NO_ROOM_S
