"""The processor time of a process and of all below it.

It uses the standard library alone: the peers, whose environment lacks the line's packages, measure
with it as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """`seconds`: user and system time, with that of ended children that were waited for."""

    parent: int
    seconds: float


def family(root: int) -> dict[int, Used]:
    """What `root` and its descendants have used, by pid. Parents stand before children."""
    all_used = {pid: used for pid in _pids() if (used := _used(pid)) is not None}
    found = [root] if root in all_used else []
    for parent in found:
        found += [pid for pid, used in all_used.items() if used.parent == parent]
    return {pid: all_used[pid] for pid in found}


def total_s(root: int) -> float:
    """Of `root` and all its descendants together."""
    return sum(used.seconds for used in family(root).values())


def by_name(root: int, names: dict[int, str], root_name: str) -> dict[str, float]:
    """Seconds by name. A descendant without a name counts as its nearest ancestor that has one."""
    known = {root: root_name}
    spent: dict[str, float] = {}
    for pid, used in family(root).items():
        known[pid] = root_name if pid == root else names.get(pid, known.get(used.parent, root_name))
        spent[known[pid]] = spent.get(known[pid], 0.0) + used.seconds
    return spent


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _used(pid: int) -> Used | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return Used(int(fields[1]), sum(map(int, fields[11:15])) / _TICKS_A_SECOND)
