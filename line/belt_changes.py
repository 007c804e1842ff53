"""What was ordered of the belts while they ran, and from which belt second on it holds.

They stand in session.json before any camera hears of them, always for a moment that no belt has
reached. So a camera that starts again, and a run that is resumed, runs through the same belt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from line.section import Section


class _Change(Section):
    at_s: float = Field(ge=0, le=1e12, description="belt time")


class Paused(_Change):
    """Nothing is fed from here on."""

    change: Literal["paused"] = "paused"


class Unpaused(_Change):
    """The feeders go on with what they were about to feed."""

    change: Literal["unpaused"] = "unpaused"


class BeltSpeedChanged(_Change):
    """The belts run at another speed."""

    change: Literal["belt_speed"] = "belt_speed"
    m_per_s: float = Field(ge=0.001, le=20)


class ClockChanged(_Change):
    """Belt time passes at another multiple of wall time."""

    change: Literal["clock"] = "clock"
    multiplier: float = Field(ge=0.001, le=1000)


BeltChange = Annotated[
    Paused | Unpaused | BeltSpeedChanged | ClockChanged, Field(discriminator="change")
]
MOST = 1000
"""In one run; every item's times are reckoned through all of them."""
KINDS = (Paused | Unpaused, BeltSpeedChanged, ClockChanged)
"""Changes of one kind hold one after another, in the order of their moments."""
_ALL: TypeAdapter[list[BeltChange]] = TypeAdapter(list[BeltChange])


def to_note(changes: Iterable[BeltChange]) -> list[dict[str, Any]]:
    """Plain values, for a channel."""
    return [change.model_dump() for change in changes]


def from_note(values: object) -> list[BeltChange]:
    """The changes in a note of the supervisor."""
    return _ALL.validate_python(values)


def out_of_order(changes: Sequence[BeltChange]) -> int | None:
    """The first change that lies before an earlier one of its kind, by its place in the list."""
    last_s = dict.fromkeys(range(len(KINDS)), 0.0)
    for place, change in enumerate(changes):
        kind = next(n for n, kind in enumerate(KINDS) if isinstance(change, kind))
        if change.at_s < last_s[kind]:
            return place
        last_s[kind] = change.at_s
    return None


def is_paused(changes: Sequence[BeltChange]) -> bool:
    """Whether the last word was to pause, be it of a moment yet to come."""
    last = [change for change in changes if isinstance(change, Paused | Unpaused)][-1:]
    return any(isinstance(change, Paused) for change in last)


def paused_s(changes: Iterable[BeltChange], until_s: float) -> float:
    """Belt seconds before `until_s` for which the infeed stood still."""
    total_s, since_s = 0.0, None
    for change in changes:
        if change.at_s >= until_s:
            continue
        if isinstance(change, Paused) and since_s is None:
            since_s = change.at_s
        elif isinstance(change, Unpaused) and since_s is not None:
            total_s, since_s = total_s + change.at_s - since_s, None
    return total_s if since_s is None else total_s + until_s - since_s
