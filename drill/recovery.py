"""How long faults took to heal: by kind of fault, and by the role of the process that was hit.

Works on what `FaultRecord.facts` gives, of one storm or of several together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

Facts = dict[str, Any]

ROLES = ("worker", "dispatcher", "sink", "camera")
BLOWS = {"kill": "killed", "stop": "frozen"}
"""Kinds that hit a process and nothing else, and what they do to it."""


def spread(values: Iterable[float | None]) -> Facts:
    """How many there are but for None, their median and their maximum (None without any)."""
    known = [value for value in values if value is not None]
    return {
        "count": len(known),
        "median": round(median(known), 3) if known else None,
        "max": round(max(known), 3) if known else None,
    }


def of_kind(kind: str, records: Sequence[Facts]) -> Facts:
    """Spread of the recoveries in seconds: until all that was hit is back and a row was written."""
    return spread(record["healed_s"] for record in records if record["kind"] == kind)


def of_roles(records: Sequence[Facts]) -> list[Facts]:
    """For each kind of blow and role: how many were `hit`, and the spread until they were back."""
    found = []
    for kind, done in BLOWS.items():
        for role in ROLES:
            hits = [
                hit
                for record in records
                if record["kind"] == kind
                for hit in record["hit"]
                if hit["role"] == role
            ]
            if hits:
                times = [hit["back_s"] for hit in hits]
                found.append({"role": role, "blow": done, "hit": len(hits), **spread(times)})
    return found


def within(records: Sequence[Facts], kind: str, role: str, limit_s: float) -> tuple[int, int]:
    """Of the processes of a role that came back from a blow: how many in time, and how many."""
    times = [
        hit["back_s"]
        for record in records
        if record["kind"] == kind
        for hit in record["hit"]
        if hit["role"] == role and hit["back_s"] is not None
    ]
    return sum(time <= limit_s for time in times), len(times)
