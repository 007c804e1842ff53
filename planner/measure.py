"""From runs of the real line to a profile: what the twin must know of this machine."""

from __future__ import annotations

import math
import platform
import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from statistics import mean, median
from time import perf_counter

import numpy as np

from line.errors import BadInput
from line.events import Kill
from line.model_facts import ModelFacts
from line.outcome import decode_top3
from line.settings import Settings
from line.status import Status
from planner import measure_loads as loads
from planner import measure_machine as machine
from planner.measure_rows import pictures_ms, turnarounds_ms
from planner.measure_run import Seen, observe
from planner.profile import Answer, Crowding, Machine, Profile, Service, Way, Ways
from planner.variation import altered
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source

POINTS = 101
"""Quantiles kept of a duration: every percent."""
_FEWEST = 10
"""Samples that a quantile function of an inference is made of, at least."""
_MOST_ANSWERS = 250
"""Answers kept for one true class."""
_PICTURES = 60

Tell = Callable[[int, int, str], None]
"""(step, steps, what is done now)"""


def measure(
    settings: Settings,
    model: ModelFacts,
    *,
    threshold: float,
    inference_s: float,
    workers: int,
    run_s: float,
    beside: float | None,
    tell: Tell,
    watch: Callable[[Status], None],
) -> Profile:
    """Run the real line several times on this machine, and keep what it showed.

    Args:
        settings: of the belt, the pictures and the policies; the load is this function's.
        model: the file that the workers load.
        threshold: the model file's own.
        inference_s: about what an inference takes, to choose the loads by.
        workers: the most that are measured at once.
        run_s: belt time of each load.
        beside: cores that others were seen to keep busy.
        tell: hears of each step before it begins.
        watch: is called several times a second while the line runs.

    Raises:
        BadInput: the source's items have no known class, or the line answered nothing.
        StageDied: the line did not come to its end.
    """
    counts = loads.counts(workers)
    steps, number = 2 * len(counts) + 5, 0

    def run(load: Settings, what: str) -> Seen:
        nonlocal number
        number += 1
        tell(number, steps, what)
        # Other items each time: the answers are about as many pictures as there can be.
        seeded = altered(load, {"line": {"seed": settings.line.seed + number}})
        return observe(seeded, model, watch)

    tell(0, steps, "the camera alone: making pictures")
    alone_ms = picture_times_ms(settings)
    few, more = loads.calm(settings, inference_s, 2 * run_s)
    calm = [run(few, "1 worker, few items"), run(more, "1 worker, more items")]
    single = run(loads.one_by_one(settings, inference_s, run_s), "1 worker, one item at a time")
    pools, floods, brisk = [], {}, {}
    for count in counts:
        who = f"{count} worker{'' if count == 1 else 's'}"
        flood = run(
            loads.flood(settings, inference_s, run_s, count), f"{who}, more items than can be done"
        )
        pools.append(flood)
        smaller = loads.smaller_flood(flood.settings, flood.answers_per_s)
        if smaller is not None:
            steps += 1
            flood = run(smaller, f"{who}, a few more items than can be done")
            pools.append(flood)
        floods[count] = flood
        brisk[count] = run(loads.brisk(flood.settings, flood.answers_per_s), f"{who}, well used")
        pools.append(brisk[count])
    capacity = floods[workers].answers_per_s
    busy = run(
        loads.busy(settings, capacity, run_s, workers),
        f"{who}, at random moments; then some are killed",
    )
    tell(steps, steps, "done")
    ways = tuple(_ways(calm, brisk[1], float(np.quantile(alone_ms, 0.05))))
    starts = [seen.start_s for seen in (*calm, single, *pools, busy)]
    return Profile(
        machine=this_machine(beside),
        model_path=model.path,
        model_sha256=model.sha256,
        classes=model.classes,
        threshold=threshold,
        source=settings.source.spec,
        picture_ms=quantiles(alone_ms),
        crowding=tuple(_crowding(pools, mean(alone_ms))),
        service=tuple(_service(calm, [*pools, _until_first_kill(busy)])),
        turnaround_ms=_turnaround(floods.values(), ways[0].items),
        ways=ways,
        acknowledged_ms=_acknowledged(single),
        start_s=quantiles(starts),
        restart_s=quantiles(restarts_s(busy) or starts),
        answers=_answers([*calm, single, *pools, busy]),
    )


def quantiles(samples: Iterable[float]) -> tuple[float, ...]:
    """The quantile function of `samples` (one at least), at every percent; one value is itself."""
    values = np.asarray(list(samples), np.float64)
    if values.min() == values.max():
        return (round(float(values[0]), 4),)
    points = np.quantile(values.clip(min=0), np.linspace(0, 1, POINTS))
    return tuple(round(float(point), 4) for point in np.maximum.accumulate(points))


def this_machine(beside: float | None) -> Machine:
    """A description of the machine that this process runs on, `beside` cores of it taken."""
    return Machine(
        cpu=machine.cpu_name(),
        cores=machine.cores(),
        python=platform.python_version(),
        onnxruntime=machine.runtime_version(),
        beside=None if beside is None else round(beside, 2),
    )


def picture_times_ms(settings: Settings) -> list[float]:
    """How long the camera takes over each of some pictures, the machine being its own.

    Raises:
        BadInput: the source does not know its items' classes, or a picture cannot be made.
    """
    own = altered(settings, {"source": {"order": "random"}, "line": {"cameras": 1}})
    with closing(open_source(own)) as source:
        if source.classes is None:
            raise BadInput(
                f"source.spec: {settings.source.spec}: nobody knows its items' classes, "
                "and a profile says what the model answers to each class"
            )
        photograph = Photographer(source, own, camera=0)
        times_ms = []
        for seq in range(_PICTURES + 1):
            began = perf_counter()
            zlib.crc32(photograph(BeltItem(seq, 0.0, 0.0)).tobytes())
            times_ms.append(1000 * (perf_counter() - began))
    return times_ms[1:]  # the first one also warms up


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


def _service(calm: Sequence[Seen], pools: Iterable[Seen]) -> list[Service]:
    """Of each run an entry for each (busy, batch) that it holds often enough.

    An item that meets nobody does so in a pool of any size.
    """
    found = []
    for number, seen in enumerate((*calm, *pools)):
        is_calm = number < len(calm)
        workers = None if is_calm else seen.settings.line.workers
        samples: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
        for inference in seen.runs:
            samples[inference.busy, inference.batch].append(inference.duration_ms)
        for (busy, batch), times_ms in sorted(samples.items()):
            is_the_base = is_calm and busy == batch == 1
            if len(times_ms) >= _FEWEST or is_the_base:
                found.append(
                    Service.model_validate(
                        {
                            "workers": workers,
                            "busy": busy,
                            "batch": batch,
                            "items_per_s": seen.fed_per_s,
                            "ms": quantiles(times_ms),
                        }
                    )
                )
    return found


def _ways(calm: Iterable[Seen], brisk: Seen, picture_ms: float) -> Iterator[Ways]:
    """Of the runs of one worker in which some items met nobody, the calmest first."""
    for seen in calm:
        yield Ways(items_per_s=seen.fed_per_s, items=ways_of(seen, math.inf))
    items = ways_of(brisk, picture_ms)
    if len(items) >= _FEWEST:
        yield Ways(items_per_s=brisk.fed_per_s, items=items)


def ways_of(seen: Seen, picture_ms: float) -> tuple[Way, ...]:
    """Of items that met nobody, in the order in which they came; of a run with one worker.

    They left the camera when the worker was through with all others, and sooner than the
    `picture_ms` that making their pictures would have taken.
    """
    inferences_s = sorted(a.ended_s - a.started_s for a in seen.answers)
    answers = [
        after
        for before, after in pairwise(seen.answers)
        if before.ended_s < after.published_s < after.triggered_s + picture_ms / 1000
    ]
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


def _acknowledged(single: Seen) -> tuple[float, ...]:
    """Of items that went one by one: their cycle is the latency and the rest of the round trip."""
    latency_s = mean(a.decided_s - a.triggered_s for a in single.answers)
    return (0.0,) if single.cycle_s is None else (_ms(single.cycle_s - latency_s),)


def _turnaround(floods: Iterable[Seen], ways: Sequence[Way]) -> tuple[float, ...]:
    hop_s = float(np.quantile([way.to_worker_ms for way in ways], 0.95)) / 1000
    for seen in floods:  # the first one is of a worker that nobody disturbs
        pauses_ms = turnarounds_ms(seen.runs, hop_s)
        if len(pauses_ms) >= _FEWEST:
            return quantiles(pauses_ms)
    return (0.0,)


def _crowding(pools: Iterable[Seen], alone_ms: float) -> Iterator[Crowding]:
    """Pictures of the runs in which many were made one after the other ÷ pictures alone."""
    for seen in pools:
        times_ms = pictures_ms(seen.answers)
        if len(times_ms) >= _FEWEST:
            line = seen.settings.line
            yield Crowding.model_validate(
                {
                    "workers": line.workers,
                    "items_per_s": seen.fed_per_s,
                    "factor": round(max(1.0, mean(times_ms) / alone_ms), 3),
                }
            )


def _answers(runs: Sequence[Seen]) -> dict[str, tuple[Answer, ...]]:
    """By true class, of as many different items as are kept."""
    found: defaultdict[str, list[Answer]] = defaultdict(list)
    for seen in runs:
        for answer in seen.answers:
            if answer.truth is not None and len(found[answer.truth]) < _MOST_ANSWERS:
                found[answer.truth].append(
                    Answer(top3=tuple(decode_top3(answer.top3)), confidence=answer.confidence)
                )
    return {name: tuple(found[name]) for name in sorted(found)}
