"""How much longer the machine took over inferences, from one stretch of a run to the next.

Whoever shares a machine has it for seconds or minutes: what disturbs one inference disturbs those
beside it. So this is told apart from the chance that differs from inference to inference. Within a
stretch the machine is not the same either; but a piece of it has few inferences, so a part of what
tells it from others is chance: it counts as much less as that part is of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean, median, pvariance

from planner.measure.load_run import Seen
from planner.measure.rows import Inference
from planner.profile import BLOCK_S, PIECE_S

_FEWEST = 8
"""Inferences that a stretch, or a piece, is judged by, at least."""
_HARDLY = 0.1
"""Workers that came or went meanwhile, on average: too little to matter."""
_STOPPED = 2.0
"""Times as long as usual: what takes longer was stopped, and not slowed with all others."""


def kind_of(inference: Inference) -> tuple[int, int] | None:
    """(workers at work, batch), if that was so throughout."""
    busy = round(inference.company)
    return (busy, inference.batch) if abs(inference.company - busy) <= _HARDLY else None


class RunSlowness:
    """Of one run, by stretches of `BLOCK_S`: how many times as long as at first they took.

    An inference is compared with the median of its kind in the run, and the run with the machine
    as it was at first. A stretch with few inferences is as the run, a piece as its stretch.
    """

    def __init__(self, seen: Seen) -> None:
        self._of_run = seen.slowness
        ratios = list(_ratios(seen.runs))
        in_blocks = _by_length(ratios, BLOCK_S)
        self._blocks = {block: seen.slowness * median(found) for block, found in in_blocks.items()}
        usual = {block: median(found) for block, found in in_blocks.items()}
        self._pieces = _pieces(
            (moment_s, min(_STOPPED, ratio / usual[int(moment_s // BLOCK_S)]))
            for moment_s, ratio in ratios
            if int(moment_s // BLOCK_S) in usual
        )

    def at(self, moment_s: float) -> float:
        """At a moment of the run, in wall seconds since belt second 0."""
        block = self._blocks.get(int(moment_s // BLOCK_S), self._of_run)
        return block * self._pieces.get(int(moment_s // PIECE_S), 1.0)

    @property
    def blocks(self) -> list[float]:
        """Of its stretches, in their order; of those with many inferences alone."""
        return [slowness for _, slowness in sorted(self._blocks.items())]

    @property
    def pieces(self) -> list[float]:
        """Of its pieces, as parts of their stretches', in their order."""
        return [slowness for _, slowness in sorted(self._pieces.items())]


def _ratios(runs: Sequence[Inference]) -> Iterable[tuple[float, float]]:
    """(moment, duration ÷ the median of its kind) of each inference that has a kind."""
    by_kind: defaultdict[tuple[int, int], list[Inference]] = defaultdict(list)
    for run in runs:
        if (kind := kind_of(run)) is not None:
            by_kind[kind].append(run)
    for alike in by_kind.values():
        usual_ms = median(run.duration_ms for run in alike)
        if usual_ms > 0:
            for run in alike:
                yield run.started_s, run.duration_ms / usual_ms


def _by_length(ratios: Iterable[tuple[float, float]], length_s: float) -> dict[int, list[float]]:
    """Those of each stretch that has enough of them."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for moment_s, ratio in ratios:
        found[int(moment_s // length_s)].append(ratio)
    return {number: many for number, many in found.items() if len(many) >= _FEWEST}


def _pieces(ratios: Iterable[tuple[float, float]]) -> dict[int, float]:
    """Their means, drawn to 1 by the part of their differences that is chance.

    James and Stein's estimate: the variance of the means is that of the machine and, as the
    inferences of one piece show, that of chance.
    """
    found = _by_length(ratios, PIECE_S)
    if len(found) < 2:
        return {}
    chance = {number: pvariance(many) / (len(many) - 1) for number, many in found.items()}
    usual = fmean(fmean(many) for many in found.values())
    apart = {number: fmean(many) / usual - 1 for number, many in found.items()}
    of_machine = max(0.0, fmean(a * a for a in apart.values()) - fmean(chance.values()))
    return {
        number: 1 + apart[number] * (of_machine / (of_machine + chance[number] or 1.0))
        for number in found
    }


def slowness_of(every: Iterable[Seen]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of all stretches of some runs, in their order; and of all pieces."""
    runs = [RunSlowness(seen) for seen in every]
    blocks = tuple(round(block, 4) for run in runs for block in run.blocks)
    return blocks, tuple(round(piece, 4) for run in runs for piece in run.pieces)
