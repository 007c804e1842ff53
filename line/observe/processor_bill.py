"""The bill: processor time of every process of a line, by what it was used for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

Parts = dict[str, float]
"""part → seconds"""
SUPERVISOR = "supervisor"


@dataclass(slots=True)
class ProcessorBill:
    """Filled with what the processes tell of themselves; the supervisor's own is asked for.

    A process that is killed is billed for what it told last, at most a second before.
    """

    _own_before_s: float = field(default_factory=time.process_time)
    _own_starting_s: float | None = None
    """of the supervisor, until the belt began"""
    _before: dict[str, Counter[str]] = field(default_factory=dict)
    """process → seconds by part of its earlier incarnations"""
    _latest: dict[str, tuple[int, Parts]] = field(default_factory=dict)

    def take(self, process: str, incarnation: int, parts: Mapping[str, float]) -> None:
        """An incarnation of a process has used so much since it was started."""
        was, told = self._latest.get(process, (incarnation, {}))
        if was != incarnation:
            self._before.setdefault(process, Counter()).update(told)
        self._latest[process] = incarnation, dict(parts)

    def begin_belt(self) -> None:
        """What the supervisor has used until now was for the start."""
        self._own_starting_s = time.process_time() - self._own_before_s

    def seconds(self) -> dict[str, Parts]:
        """By process and part, over all incarnations."""
        own_s = time.process_time() - self._own_before_s
        starting_s = own_s if self._own_starting_s is None else self._own_starting_s
        own = {"starting": starting_s, "supervising": own_s - starting_s}
        found: dict[str, Parts] = {SUPERVISOR: own}
        for process, (_, parts) in self._latest.items():
            total = Counter(parts)
            total.update(self._before.get(process, {}))
            found[process] = dict(total)
        return found

    def facts(self, items: int) -> dict[str, object]:
        """As run.json has it; `items`: rows written meanwhile."""
        return {
            "items": items,
            "seconds": {
                process: {part: round(spent_s, 4) for part, spent_s in parts.items()}
                for process, parts in self.seconds().items()
            },
        }
