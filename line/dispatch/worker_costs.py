"""What workers on other machines have cost, and who is to be shut out for it.

A worker that leaves with frames costs time: others must answer them. Honest machines fail now and
then, and most of what they are given they answer. One that joins only to leave does not.
"""

from __future__ import annotations

from collections.abc import Iterable

MOST_COSTS = 3.0
"""Items that one owner may cost which others then answer."""
FORGIVEN_PER_ANSWER = 0.01
"""A hundred answers make up for one item."""


class WorkerCosts:
    """By owner: the key, whatever identities it comes back under. As many entries as keys."""

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}

    def know(self, owner: str) -> None:
        """From now on what this owner costs is counted."""
        self._costs.setdefault(owner, 0.0)

    def answered(self, owner: str, charged: Iterable[str]) -> list[str]:
        """`owner` answered an item that was charged to others; who has cost too much by that."""
        if owner in self._costs:
            self._costs[owner] = max(0.0, self._costs[owner] - FORGIVEN_PER_ANSWER)
        too_much = []
        for other in charged:
            if other != owner and other in self._costs:
                self._costs[other] += 1
                if self._costs[other] >= MOST_COSTS:
                    del self._costs[other]
                    too_much.append(other)
        return too_much
