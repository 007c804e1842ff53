"""Why an item was in time in one run and not in the other: a fault, the belt, or the line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from line.outcome import CAMERA_DOWN, IN_TIME, Verdict
from reports.comparison.compared_run import ComparedRun, Item


class Timing(StrEnum):
    """What made an item late, or no longer late."""

    FAULT = "fault"
    BELT_SPEED = "belt speed"
    LINE = "line"


_HARMLESS = ("dim", "corrupt")
"""Faults that cost no time."""
_ORDER = (Verdict.LATE, Verdict.EXPIRED, Verdict.DROPPED, Verdict.FAILED)
"""From what is nearly in time to what is not."""


def timing(a: Item, b: Item, run_a: ComparedRun, run_b: ComparedRun) -> tuple[Timing, str]:
    """What the difference is put down to, and a few words.

    The run in which the item fared worse is looked at: a fault, if one hit the item there or lasted
    while it was under way; else the belt, if the other run's deadline would have been met; else the
    line, which was slower over it.
    """
    ends = " → ".join(_end(item) for item in (a, b))
    (worse, run), (better, other) = ((a, run_a), (b, run_b))
    if _rank(b) >= _rank(a):
        (worse, run), (better, other) = (better, other), (worse, run)
    fault = _fault(worse, run)
    if fault:
        return Timing.FAULT, f"{fault}: {ends}"
    if _belt_was_faster(worse, run, better, other):
        speeds = (_speed(run_a), _speed(run_b))
        return Timing.BELT_SPEED, f"{' → '.join(speeds)}: {ends}"
    workers = [run.setting("line.workers") for run in (run_a, run_b)]
    pool = f"{workers[0]} → {workers[1]} workers: " if workers[0] != workers[1] else ""
    return Timing.LINE, f"{pool}{ends}"


def _rank(item: Item) -> int:
    return -1 if item.verdict in IN_TIME else _ORDER.index(item.verdict)


def _end(item: Item) -> str:
    if item.latency_ms is not None:
        return f"{item.latency_ms:.0f} ms"
    return item.verdict.value


def _fault(item: Item, run: ComparedRun) -> str:
    """What hit the item, or lasted while it was under way; empty if nothing did."""
    if item.verdict is Verdict.FAILED or item.reason == CAMERA_DOWN:
        return item.reason
    if item.attempts > 1:
        return f"{item.attempts} workers were given it"
    return next(_around(item, run), "")


def _around(item: Item, run: ComparedRun) -> Iterator[str]:
    end_s = item.scheduled_s + _travel_s(run)
    for fault in run.faults:
        if not _may_delay(fault, item):
            continue
        at_s, lasts_s = _seconds(fault, "at_s"), _seconds(fault, "duration_s")
        if at_s <= end_s and item.scheduled_s <= at_s + lasts_s:
            yield f"{fault.get('action')} {fault.get('process')} at {at_s:g} s"


def _may_delay(fault: Mapping[str, Any], item: Item) -> bool:
    """Whether it is one that costs time, and not another lane's."""
    process = str(fault.get("process", ""))
    lane = f"camera-{item.frame_id.partition('-')[0]}"
    elsewhere = process.startswith("camera-") and process != lane
    return fault.get("action") not in _HARMLESS and not elsewhere


def _seconds(fault: Mapping[str, Any], name: str) -> float:
    """Infinite for a number beyond all floats."""
    value = fault.get(name, 0.0)
    try:
        return float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:
        return math.inf


def _travel_s(run: ComparedRun) -> float:
    """Belt time from the photo-eye to the ejector."""
    metres, speed = (run.setting(f"belt.{key}") for key in ("camera_to_ejector_m", "speed_m_per_s"))
    known = isinstance(metres, int | float) and isinstance(speed, int | float) and speed
    return metres / speed if known else 0.0


def _belt_was_faster(worse: Item, run: ComparedRun, better: Item, other: ComparedRun) -> bool:
    """Whether the other run's deadline, or its slower belt, would have let the item be in time."""
    if worse.deadline_ms is not None and worse.latency_ms is not None:
        if better.latency_ms is not None and better.slack_ms is None:
            return True  # the other run had no deadlines
        return better.deadline_ms is not None and worse.latency_ms <= better.deadline_ms
    fast, slow = run.belt_m_per_s, other.belt_m_per_s
    return fast is not None and (slow is None or slow < fast)


def _speed(run: ComparedRun) -> str:
    speed = run.belt_m_per_s
    return "no deadline" if speed is None else f"{speed:g} m/s"
