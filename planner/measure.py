"""From runs of the real line to a profile: what the twin must know of this machine."""

from __future__ import annotations

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
from planner.source import is_smeared, known_source
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
_PICTURE_ROUNDS, _PICTURES = 4, 40
_MOST_FLOODS = 2
"""Of one pool."""

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
    alone_ms, smearing_ms = _pictures(settings)
    few, more = loads.calm(settings, inference_s, 2 * run_s)
    calm = [run(few, "1 worker, few items"), run(more, "1 worker, more items")]
    single = run(loads.one_by_one(settings, inference_s, run_s), "1 worker, one item at a time")
    floods: defaultdict[int, list[Seen]] = defaultdict(list)
    brisk = []
    for count in counts:
        who = f"{count} worker{'' if count == 1 else 's'}"
        load: Settings | None = loads.flood(settings, inference_s, run_s, count)
        while load is not None and len(floods[count]) < _MOST_FLOODS:
            steps += bool(floods[count])
            flood = run(load, f"{who}, more items than can be done")
            floods[count].append(flood)
            load = loads.smaller_flood(load, flood.answers_per_s)
        capacity = flood.answers_per_s
        brisk.append(run(loads.brisk(flood.settings, capacity), f"{who}, well used"))
    busy = run(
        loads.busy(settings, capacity, run_s, workers),
        f"{who}, at random moments; then some are killed",
    )
    tell(steps, steps, "done")
    flooded = [seen for count in counts for seen in floods[count]]
    pools = [*flooded, *brisk]
    ways = tuple(Ways(items_per_s=seen.fed_per_s, items=ways_of(seen)) for seen in calm)
    starts = [seen.start_s for seen in (*calm, single, *pools, busy)]
    return Profile(
        machine=this_machine(beside),
        model_path=model.path,
        model_sha256=model.sha256,
        classes=model.classes,
        threshold=threshold,
        source=settings.source.spec,
        picture_ms=quantiles(alone_ms),
        smearing_ms=round(smearing_ms, 4),
        crowding=tuple(_crowding(flooded, mean(alone_ms), smearing_ms)),
        service=tuple(_service(calm, [*pools, _until_first_kill(busy)])),
        turnaround_ms=_turnaround(flooded, ways[0].items),
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


def _pictures(settings: Settings) -> tuple[list[float], float]:
    """How long the camera takes over pictures of a belt that stands; how much longer if it moves.

    By two pixels, while the shutter is open.
    """
    pixel_m = settings.camera.view_m / settings.camera.width_px
    exposure_ms = min(100.0, 2000 * pixel_m / settings.belt.speed_m_per_s)
    both = [altered(settings, {"camera": {"exposure_ms": ms}}) for ms in (0.0, exposure_ms)]
    still_ms, moved_ms = picture_times_ms(both)
    return still_ms, max(0.0, median(moved_ms) - median(still_ms))


def picture_times_ms(manners: Sequence[Settings]) -> list[list[float]]:
    """How long the camera takes over each of some pictures, the machine being its own.

    Some are made in each of the `manners`, in turns: what disturbs one disturbs all of them.

    Raises:
        BadInput: the source does not know its items' classes, or a picture cannot be made.
    """
    own = altered(manners[0], {"source": {"order": "random"}, "line": {"cameras": 1}})
    with closing(open_source(own)) as source:
        if source.classes is None:
            raise BadInput(
                f"source.spec: {own.source.spec}: nobody knows its items' classes, "
                "and a profile says what the model answers to each class"
            )
        cameras = [Photographer(source, settings, camera=0) for settings in manners]
        times_ms: list[list[float]] = [[] for _ in cameras]
        for _ in range(_PICTURE_ROUNDS):
            for photograph, times in zip(cameras, times_ms, strict=True):
                for seq in range(_PICTURES):
                    began = perf_counter()
                    zlib.crc32(photograph(BeltItem(seq, 0.0, 0.0)).tobytes())
                    times.append(1000 * (perf_counter() - began))
    return [times[_PICTURES:] for times in times_ms]  # the first round warms up


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


def ways_of(seen: Seen) -> tuple[Way, ...]:
    """Of items that met nobody, in the order in which they came; of a run with one worker.

    They left the camera when the worker was through with all others.
    """
    answers = [
        after for before, after in pairwise(seen.answers) if before.ended_s < after.published_s
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


def _crowding(floods: Iterable[Seen], alone_ms: float, smearing_ms: float) -> Iterator[Crowding]:
    """Mean time of a picture, many being made one after the other ÷ that of pictures alone."""
    for seen in floods:
        times_ms = pictures_ms(seen.answers)
        if len(times_ms) >= _FEWEST:
            line = seen.settings.line
            is_exact = known_source(seen.settings).is_exact
            smeared = is_smeared(seen.settings, is_exact)
            times_ms = [ms - smearing_ms * smeared for ms in times_ms]
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
