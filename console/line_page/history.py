"""What the line did over the last minutes: counts as they grew, and the figures of any stretch.

Plain state. It goes back as far as this console has followed the run, ten minutes at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from line.outcome import IN_TIME
from line.settings import Settings

KEPT_S = 600.0
_APART_S = 0.9
"""Between two marks; statuses come more often."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What had been counted at one moment; or, as a difference, within a stretch of time."""

    wall_s: float
    belt_s: float
    rows: int
    in_time: int
    mass_g: float

    def since(self, before: Mark) -> Mark:
        """What came after an earlier mark."""
        return Mark(
            self.wall_s - before.wall_s,
            self.belt_s - before.belt_s,
            self.rows - before.rows,
            self.in_time - before.in_time,
            self.mass_g - before.mass_g,
        )

    @property
    def in_time_share(self) -> float | None:
        """Items decided before their deadline ÷ all items with a row; None without rows."""
        return self.in_time / self.rows if self.rows else None

    @property
    def t_per_h(self) -> float | None:
        """Mass of the items with a row ÷ belt time; None before any has passed."""
        return self.mass_g / 1e6 / self.belt_s * 3600 if self.belt_s > 0 else None


class History:
    """Marks about a second apart."""

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque()

    def add(self, now: float, status: Mapping[str, Any], settings: Settings) -> None:
        """Take a status that came at monotonic time `now`."""
        mark = counted(now, status, settings)
        if self._marks and mark.rows < self._marks[-1].rows:
            self._marks.clear()  # somebody counts anew
        if len(self._marks) > 1 and now - self._marks[-2].wall_s < _APART_S:
            self._marks.pop()
        self._marks.append(mark)
        while now - self._marks[0].wall_s > KEPT_S + _APART_S:
            self._marks.popleft()

    def last(self, span_s: float) -> Mark | None:
        """The growth within the last `span_s` seconds, or as long as is known; None before."""
        if len(self._marks) < 2:
            return None
        newest = self._marks[-1]
        return newest.since(self._at(newest.wall_s - span_s))

    def steps(self, step_s: float) -> list[Mark]:
        """The growth within each stretch of that length, the oldest first; all but the newest."""
        if len(self._marks) < 2:
            return []
        first, newest = self._marks[0].wall_s, self._marks[-1].wall_s
        # On a grid that stands still, or every point would change with every second.
        edge = first - first % step_s + step_s
        at_edges, before = [], self._marks[0]
        for mark in self._marks:
            while mark.wall_s > edge:
                at_edges.append(before)
                edge += step_s
            before = mark
        if edge <= newest:
            at_edges.append(before)
        return [later.since(earlier) for earlier, later in pairwise(at_edges)]

    def clear(self) -> None:
        self._marks.clear()

    def _at(self, moment: float) -> Mark:
        """The last mark that is no later; the first one where there is none."""
        found = self._marks[0]
        for mark in self._marks:
            if mark.wall_s > moment:
                break
            found = mark
        return found


def counted(now: float, status: Mapping[str, Any], settings: Settings) -> Mark:
    """The counts of a status. An item's mass is that of its class, as in its row."""
    verdicts: Mapping[str, int] = status.get("verdicts", {})
    rows = sum(verdicts.values())
    fed = {name: int(counts.get("fed", 0)) for name, counts in status.get("bins", {}).items()}
    known_g = sum(count * settings.mass_g(name) for name, count in fed.items())
    unknown = max(0, rows - sum(fed.values()))
    return Mark(
        wall_s=now,
        belt_s=float(status.get("belt_s") or 0.0),
        rows=rows,
        in_time=sum(verdicts.get(verdict, 0) for verdict in IN_TIME),
        mass_g=known_g + unknown * settings.mass_g(None),
    )
