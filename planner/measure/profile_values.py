"""From what the line showed under known loads to the figures of a profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import mean, median

import numpy as np

from line.events import Kill
from line.outcome import decode_top3
from planner.measure.load_run import Seen
from planner.measure.rows import ms, pictures_ms, turnarounds_ms
from planner.measure.slowness import RunSlowness, kind_of
from planner.profile import Answer, Crowding, LatencySamples, ProcessorUse, Service, Turnaround
from planner.sim.source import is_smeared, known_source

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


def service(alike: Sequence[Seen], workers: int | None) -> list[Service]:
    """Of runs at one pace: an entry for each (busy, batch) that was so throughout often enough."""
    samples: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for seen in alike:
        slowness = RunSlowness(seen)
        for run in seen.runs:
            if (kind := kind_of(run)) is not None:
                samples[kind].append(run.duration_ms / slowness.at(run.started_s))
    return [
        Service(
            workers=workers,
            busy=busy,
            batch=batch,
            items_per_s=alike[0].fed_per_s,
            ms=quantiles(times_ms),
        )
        for (busy, batch), times_ms in sorted(samples.items())
        if len(times_ms) >= _FEWEST or (workers is None and busy == batch == 1)
    ]


def acknowledged(single: Seen) -> tuple[float, ...]:
    """Of items that went one by one: their cycle is the latency and the rest of the round trip."""
    latency_s = mean(a.decided_s - a.triggered_s for a in single.answers)
    if single.cycle_s is None:
        return (0.0,)
    return (ms((single.cycle_s - latency_s) / single.slowness),)


def turnarounds(floods: Iterable[Seen], samples: LatencySamples) -> list[Turnaround]:
    """Of each flooded pool; `samples`: by which the frames of its workers came."""
    hop_s = float(np.quantile([sample.to_worker_ms for sample in samples.items], 0.95)) / 1000
    found = {}
    for seen in floods:  # the last one of a pool is nearest to what it can do
        pauses_ms = [pause_ms / seen.slowness for pause_ms in turnarounds_ms(seen.runs, hop_s)]
        if len(pauses_ms) >= _FEWEST:
            found[seen.workers] = Turnaround(workers=seen.workers, ms=quantiles(pauses_ms))
    return list(found.values())


def crowding(
    pools: Iterable[Seen], samples: LatencySamples, alone_ms: float, smearing_ms: float
) -> Iterator[Crowding]:
    """Mean time of a picture beside the line's other work ÷ that of pictures alone.

    `samples`: by which pictures left that were ready.
    """
    publish_ms = median(sample.publish_ms for sample in samples.items)
    for seen in pools:
        times_ms = pictures_ms(seen.answers, publish_ms * seen.slowness)
        if len(times_ms) >= _FEWEST:
            smeared = is_smeared(seen.settings, known_source(seen.settings).is_exact)
            own_ms = mean(times_ms) / seen.slowness - (smearing_ms if smeared else 0.0)
            yield Crowding(
                workers=seen.workers,
                items_per_s=seen.fed_per_s,
                factor=round(max(1.0, own_ms / alone_ms), 3),
            )


def processor_uses(every: Iterable[Seen]) -> Iterator[ProcessorUse]:
    """Of the paced runs; at `max` nobody sets a pace."""
    for seen in every:
        if seen.used is not None and seen.settings.line.speed != "max":
            yield seen.used.of_profile(seen.workers, seen.fed_per_s)


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
