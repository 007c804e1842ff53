"""How much longer the machine took over inferences, from one stretch of a run to the next.

Whoever shares a machine has it for seconds or minutes: what disturbs one inference disturbs those
beside it. So this is told apart from the chance that differs from inference to inference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

from planner.measure.load_run import Seen
from planner.measure.rows import Inference
from planner.profile import BLOCK_S

_FEWEST = 8
"""Inferences that a stretch is judged by, at least."""
_HARDLY = 0.1
"""Workers that came or went meanwhile, on average: too little to matter."""


def kind_of(inference: Inference) -> tuple[int, int] | None:
    """(workers at work, batch), if that was so throughout."""
    busy = round(inference.company)
    return (busy, inference.batch) if abs(inference.company - busy) <= _HARDLY else None


class RunSlowness:
    """Of one run, by stretches of `BLOCK_S`: how many times as long as at first they took.

    An inference is compared with the median of its kind in the run, and the run with the machine
    as it was at first. A stretch with few inferences is as the run.
    """

    def __init__(self, seen: Seen) -> None:
        self._of_run = seen.slowness
        self._blocks = dict(_blocks(seen.runs, seen.slowness))

    def at(self, moment_s: float) -> float:
        """At a moment of the run, in wall seconds since belt second 0."""
        return self._blocks.get(int(moment_s // BLOCK_S), self._of_run)

    @property
    def blocks(self) -> list[float]:
        """Of its stretches, in their order; of those with many inferences alone."""
        return [slowness for _, slowness in sorted(self._blocks.items())]


def _blocks(runs: Sequence[Inference], of_run: float) -> Iterable[tuple[int, float]]:
    by_kind: defaultdict[tuple[int, int], list[Inference]] = defaultdict(list)
    for run in runs:
        if (kind := kind_of(run)) is not None:
            by_kind[kind].append(run)
    ratios: defaultdict[int, list[float]] = defaultdict(list)
    for alike in by_kind.values():
        usual_ms = median(run.duration_ms for run in alike)
        for run in alike:
            if usual_ms > 0:
                ratios[int(run.started_s // BLOCK_S)].append(run.duration_ms / usual_ms)
    for block, found in ratios.items():
        if len(found) >= _FEWEST:
            yield block, of_run * median(found)


def slowness_of(every: Iterable[Seen]) -> tuple[float, ...]:
    """Of all stretches of some runs, in their order."""
    return tuple(round(block, 4) for seen in every for block in RunSlowness(seen).blocks)
