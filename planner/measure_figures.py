"""From what the line showed under known loads to the figures of a profile."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import mean

import numpy as np

from line.events import Kill
from line.outcome import decode_top3
from planner.measure_rows import pictures_ms, turnarounds_ms
from planner.measure_run import Seen
from planner.measure_series import Runs
from planner.profile import Answer, Crowding, Service, Way
from planner.source import is_smeared, known_source

POINTS = 101
"""Quantiles kept of a duration: every percent."""
_FEWEST = 10
"""Samples that a quantile function of an inference is made of, at least."""
_MOST_ANSWERS = 250
"""Answers kept for one true class."""


def quantiles(samples: Iterable[float]) -> tuple[float, ...]:
    """The quantile function of `samples` (one at least), at every percent; one value is itself."""
    values = np.asarray(list(samples), np.float64)
    if values.min() == values.max():
        return (round(float(values[0]), 4),)
    points = np.quantile(values.clip(min=0), np.linspace(0, 1, POINTS))
    return tuple(round(float(point), 4) for point in np.maximum.accumulate(points))


def restarts_s(seen: Seen) -> list[float]:
    """From each kill of the run to the first inference of the killed worker's successor."""
    found = []
    for event in seen.settings.events:
        if not isinstance(event, Kill):
            continue
        first = [a.started_s for a in seen.answers if a.worker == f"{event.process}#2"]
        found += [min(first) - event.at_s] if first else []
    return found


def _until_first_kill(seen: Seen) -> Seen:
    end_s = min(event.at_s for event in seen.settings.events)
    return seen.only([answer for answer in seen.answers if answer.decided_s < end_s])


def service(runs: Runs) -> Iterator[Service]:
    """Of each run an entry for each (busy, batch) that it holds often enough.

    Where items are far apart, the size of the pool does not matter.
    """
    for seen in runs.calm[:-1]:
        yield from _of_run(seen, None)
    for seen in (runs.calm[-1], *runs.pools, _until_first_kill(runs.busy)):
        assert isinstance(seen.settings.line.workers, int)
        yield from _of_run(seen, seen.settings.line.workers)


def _of_run(seen: Seen, workers: int | None) -> Iterator[Service]:
    samples: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for inference in seen.runs:
        samples[inference.busy, inference.batch].append(inference.duration_ms)
    for (busy, batch), times_ms in sorted(samples.items()):
        is_needed = workers is None and busy == batch == 1
        if is_needed or len(times_ms) >= _FEWEST:
            yield Service(
                workers=workers,
                busy=busy,
                batch=batch,
                items_per_s=seen.fed_per_s,
                ms=quantiles(times_ms),
            )


def ways_of(seen: Seen, picture_ms: float) -> tuple[Way, ...]:
    """Of items that met nobody, in the order in which they came; of a run with one worker.

    They left the camera when the worker was through with all others, and sooner than the
    `picture_ms` that the quickest of pictures takes.
    """
    answers = [
        after
        for before, after in pairwise(seen.answers)
        if before.ended_s < after.published_s < after.triggered_s + picture_ms / 1000
    ]
    inferences_s = sorted(a.ended_s - a.started_s for a in answers)
    return tuple(
        Way(
            publish_ms=_ms(a.published_s - a.triggered_s),
            to_worker_ms=_ms(a.started_s - a.published_s),
            inference=round(
                bisect_left(inferences_s, a.ended_s - a.started_s) / len(inferences_s), 4
            ),
            decision_ms=_ms(a.decided_s - a.ended_s),
        )
        for a in answers
    )


def _ms(seconds: float) -> float:
    return round(max(0.0, 1000 * seconds), 4)


def acknowledged(single: Seen) -> tuple[float, ...]:
    """Of items that went one by one: their cycle is the latency and the rest of the round trip."""
    latency_s = mean(a.decided_s - a.triggered_s for a in single.answers)
    return (0.0,) if single.cycle_s is None else (_ms(single.cycle_s - latency_s),)


def turnaround(floods: Iterable[Seen], ways: Sequence[Way]) -> tuple[float, ...]:
    hop_s = float(np.quantile([way.to_worker_ms for way in ways], 0.95)) / 1000
    for seen in floods:  # the first one is of a worker that nobody disturbs
        pauses_ms = turnarounds_ms(seen.runs, hop_s)
        if len(pauses_ms) >= _FEWEST:
            return quantiles(pauses_ms)
    return (0.0,)


def crowding(pools: Iterable[Seen], alone_ms: float, smearing_ms: float) -> Iterator[Crowding]:
    """Mean time of a picture, many being made one after the other ÷ that of pictures alone."""
    for seen in pools:
        times_ms = pictures_ms(seen.answers)
        if len(times_ms) >= _FEWEST:
            assert isinstance(seen.settings.line.workers, int)
            smeared = is_smeared(seen.settings, known_source(seen.settings).is_exact)
            own_ms = mean(times_ms) - (smearing_ms if smeared else 0.0)
            yield Crowding(
                workers=seen.settings.line.workers,
                items_per_s=seen.fed_per_s,
                factor=round(max(1.0, own_ms / alone_ms), 3),
            )


def answers_of(runs: Sequence[Seen]) -> dict[str, tuple[Answer, ...]]:
    """By true class, of as many different items as are kept."""
    found: defaultdict[str, list[Answer]] = defaultdict(list)
    for seen in runs:
        for answer in seen.answers:
            if answer.truth is not None and len(found[answer.truth]) < _MOST_ANSWERS:
                found[answer.truth].append(
                    Answer(top3=tuple(decode_top3(answer.top3)), confidence=answer.confidence)
                )
    return {name: tuple(found[name]) for name in sorted(found)}
