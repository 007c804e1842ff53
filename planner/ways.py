"""What items meet on their way: what a measured one met at the same pace, drawn by lot."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from planner.paces import Paces
from planner.profile import Profile, Ways
from planner.service import SHARES

_KEPT = 1000
"""Ways of one pace that are told apart, where two paces are mixed."""


class Passage(NamedTuple):
    """Seconds, but for `service`."""

    publish_s: float
    half_way_s: float
    """from the camera to the dispatcher, and from there to a worker"""
    service: int
    """which of the `SHARES` inferences, from the quickest to the slowest"""
    answer_s: float
    """from the worker back to the dispatcher"""


class WayTable:
    """Between two paces that were measured, ways of both, in proportion."""

    def __init__(self, profile: Profile, paces: Paces) -> None:
        self._paces = paces
        self._measured = sorted(profile.ways, key=lambda ways: ways.items_per_s)
        self._passages = [_passages(ways) for ways in self._measured]
        self._at = cache(self._of_step)

    def draw(self, share: float, step: int) -> Passage:
        """The one at `share` (0 … 1) of those of a pace."""
        known = self._at(step)
        return known[int(share * len(known))]

    def _of_step(self, step: int) -> list[Passage]:
        rates = [ways.items_per_s for ways in self._measured]
        below, above, part = self._paces.neighbours(step, rates)
        faster = round(part * _KEPT)
        return _some(self._passages[below], _KEPT - faster) + _some(self._passages[above], faster)


def _passages(ways: Ways) -> list[Passage]:
    return [
        Passage(
            publish_s=way.publish_ms / 1000,
            half_way_s=way.to_worker_ms / 2000,
            service=min(int(way.inference * SHARES), SHARES - 1),
            answer_s=way.decision_ms / 1000,
        )
        for way in ways.items
    ]


def _some(passages: list[Passage], count: int) -> list[Passage]:
    """So many of them, evenly."""
    return [passages[number * len(passages) // count] for number in range(count)]
