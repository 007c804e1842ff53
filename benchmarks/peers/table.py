"""The outcomes of a contest as a table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.peers.contest import BASE, LINE, RAW, Figures, Outcomes
from drill.page import NONE, Table

_FAST = (
    *("contender", "frames/s", "÷ raw", "from, to"),
    *("processor, ms a frame", "÷ raw"),
)
_STEADY = (
    *("contender", "processor, ms a frame", "p50, ms", "p99, ms"),
    *("worker killed: lost", "written twice"),
)


def tables(outcomes: Outcomes, frames: int, rate: float) -> list[Table]:
    """The contenders, and the line's processor time by process; those that fail say why below."""
    base = _median(outcomes.rounds.get(BASE, []), "inference_ms")
    added = NONE if base is None else f"{base:.2f} ms"
    note = (
        f"The inference of one process alone takes {added}. {' '.join(_errors(outcomes))}"
    ).strip()
    fast = [_fast(name, outcomes.rounds[name]) for name in outcomes.rounds]
    steady = [_steady(name, outcomes) for name in outcomes.rounds if name != RAW]
    title = f"{frames} frames as fast as they can, medians of {_rounds(outcomes)} rounds"
    return [
        Table(title, _FAST, fast),
        Table(f"{rate:g} frames a second; a worker killed", _STEADY, steady, note=note),
        *_bill(outcomes),
    ]


def _fast(name: str, rounds: Sequence[Figures]) -> list[str]:
    is_raw = name == RAW
    return [
        name,
        _number(_median(rounds, "fps"), 1),
        "1" if is_raw else _number(_median(rounds, "ratio"), 3),
        NONE if is_raw else _spread(rounds, "ratio"),
        _number(_median(rounds, "processor_ms"), 2),
        "1" if is_raw else _number(_median(rounds, "processor_ratio"), 2),
    ]


def _steady(name: str, outcomes: Outcomes) -> list[str]:
    paced, killed = outcomes.paced.get(name, {}), outcomes.killed.get(name, {})
    return [
        name,
        _number(paced.get("processor_ms"), 2),
        _number(paced.get("p50_ms"), 2),
        _number(paced.get("p99_ms"), 2),
        _number(killed.get("lost"), 0),
        _number(killed.get("duplicates"), 0),
    ]


def _bill(outcomes: Outcomes) -> list[Table]:
    """Of the line, in the median of its rounds and paced."""
    fast = [each["by_process"] for each in outcomes.rounds.get(LINE, []) if "by_process" in each]
    paced = outcomes.paced.get(LINE, {}).get("by_process", {})
    names = sorted({name for each in [*fast, paced] for name in each})
    if not names:
        return []
    rows = [[name, _number(_median(fast, name), 2), _number(paced.get(name), 2)] for name in names]
    headings = ("process", "as fast as it can", "paced")
    return [Table("The line's processor time, ms a frame", headings, rows)]


def _errors(outcomes: Outcomes) -> list[str]:
    said: dict[str, None] = {}
    for name, rounds in outcomes.rounds.items():
        for found in rounds:
            if "error" in found:
                said[f"{name} failed: {found['error']}."] = None
    for how, runs in (("paced", outcomes.paced), ("its worker killed", outcomes.killed)):
        for name, found in runs.items():
            if "error" in found:
                said[f"{name}, {how}, failed: {found['error']}."] = None
    return list(said)


def _rounds(outcomes: Outcomes) -> int:
    return max((len(runs) for name, runs in outcomes.rounds.items() if name != RAW), default=0)


def _median(rounds: Sequence[Figures], key: str) -> float | None:
    values = [found[key] for found in rounds if key in found]
    return median(values) if values else None


def _spread(rounds: Sequence[Figures], key: str) -> str:
    values = [found[key] for found in rounds if key in found]
    return f"{min(values):.2f} to {max(values):.2f}" if values else NONE


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
