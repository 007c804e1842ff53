"""What is known of one actor, and which of several is needed least."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Actor:
    """One of them, in all its lives; Ray starts it again wherever there is room."""

    name: str
    handle: Any
    looking: Any = None
    """the answer that is to come"""
    heard: float = 0.0
    """monotonic time of its last answer; 0 = never"""
    node: str = ""
    """by Ray's name; empty = it was never heard"""
    life: str = ""
    begun: float = 0.0
    """monotonic time at which the worker of this life was begun"""
    joined: bool = False
    """the worker of this life, once"""
    serves: bool = False
    """its worker is with the line"""
    told: bool = False
    """somebody was told that it does not join"""


def held(actors: Mapping[int, Actor]) -> Counter[str]:
    """Node → actors on it."""
    return Counter(actor.node for actor in actors.values() if actor.node)


def least_needed(actors: Mapping[int, Actor]) -> int:
    """The number of one that does not serve, or of one of the node that has most."""
    on = held(actors)
    return min(actors, key=lambda n: (actors[n].serves, -on[actors[n].node], -n))
