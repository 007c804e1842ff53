"""From runs of the real line to a profile: what the twin must know of this machine."""

from __future__ import annotations

import platform
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from statistics import mean, median
from time import perf_counter

from line.errors import BadInput
from line.model.facts import ModelFacts
from line.process.priority import usable_cores
from line.settings import Settings
from planner.measure import profile_values as figures
from planner.measure import this_machine as machine
from planner.measure.latency_samples import samples_of
from planner.measure.load_run import Watch
from planner.measure.series import Runs, Tell, steps
from planner.measure.slowness import slowness_of
from planner.profile import LatencySamples, Machine, Profile, Service
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source

_ROUNDS, _PICTURES = 4, 40


def pictures_alone(settings: Settings) -> tuple[list[float], float]:
    """How long the camera takes over pictures of a belt that stands; how much longer if it moves.

    By two pixels, while the shutter is open.
    """
    pixel_m = settings.camera.view_m / settings.camera.width_px
    exposure_ms = min(100.0, 2000 * pixel_m / settings.belt.speed_m_per_s)
    both = [settings.replaced({"camera": {"exposure_ms": ms}}) for ms in (0.0, exposure_ms)]
    still_ms, moved_ms = picture_times_ms(both)
    return still_ms, max(0.0, median(moved_ms) - median(still_ms))


def picture_times_ms(variants: Sequence[Settings]) -> list[list[float]]:
    """How long the camera takes over each of some pictures, the machine being its own.

    Some are made in each of the `variants`, in turns: what disturbs one disturbs all of them.

    Raises:
        BadInput: the source does not know its items' classes, or a picture cannot be made.
    """
    own = variants[0].replaced({"source": {"order": "random"}, "line": {"cameras": 1}})
    with closing(open_source(own)) as source:
        if source.classes is None:
            raise BadInput(
                f"source.spec: {own.source.spec}: nobody knows its items' classes, "
                "and a profile says what the model answers to each class"
            )
        cameras = [Photographer(source, settings, camera=0) for settings in variants]
        times_ms: list[list[float]] = [[] for _ in cameras]
        for _ in range(_ROUNDS):
            for photograph, times in zip(cameras, times_ms, strict=True):
                for seq in range(_PICTURES):
                    began = perf_counter()
                    zlib.crc32(photograph(BeltItem(seq, 0.0, 0.0)).tobytes())
                    times.append(1000 * (perf_counter() - began))
    return [times[_PICTURES:] for times in times_ms]  # the first round warms up


_AMPLY = 2.0
"""No picture takes so many times as long beside an easy load, a hiccup apart."""


def measure(
    settings: Settings,
    model: ModelFacts,
    *,
    threshold: float,
    bare_s: Callable[[], float],
    workers: int,
    run_s: float,
    beside: float | None,
    tell: Tell,
    watch: Watch,
) -> Profile:
    """Run the real line several times on this machine, and keep what it showed.

    Args:
        settings: of the belt, the pictures and the policies; the load is this function's.
        model: the file that the workers load.
        threshold: the model file's own.
        bare_s: times an inference beside nothing. The loads are chosen by it, and what others do
            to the machine while it is measured is taken out.
        workers: the most that are measured at once.
        run_s: belt time of each load.
        beside: cores that others were seen to keep busy.
        tell: hears of each step before it begins.
        watch: is called several times a second while the line runs.

    Raises:
        BadInput: the source's items have no known class, the line answered nothing, or the machine
            is so busy that no item found a worker free.
        StageDied: the line did not come to its end.
    """
    tell(0, steps(workers), "the camera alone: making pictures")
    alone_ms, smearing_ms = pictures_alone(settings)
    picture_s = mean(alone_ms) / 1000
    runs = Runs.of(settings, model, bare_s, picture_s, workers, run_s, tell, watch)
    service, samples = _service_and_samples(runs, _AMPLY * mean(alone_ms))
    if not samples:
        raise BadInput(
            "no item of the measured line found a worker free and its picture ready; take longer: "
            "--seconds, or free the machine"
        )
    starts = [seen.start_s for seen in runs.every]
    slowness, slowness_within = slowness_of(runs.every)
    return Profile(
        machine=this_machine(beside),
        model_path=model.path,
        model_sha256=model.sha256,
        engine=model.engine,
        classes=model.classes,
        threshold=threshold,
        source=settings.source.spec,
        picture_px=settings.drawn_px,
        picture_ms=figures.quantiles(alone_ms),
        smearing_ms=round(smearing_ms, 4),
        inference_ms=round(1000 * runs.inference_s, 4),
        crowding=tuple(figures.crowding(runs.pools, samples[0], mean(alone_ms), smearing_ms)),
        slowness=slowness,
        slowness_within=slowness_within,
        service=tuple(service),
        turnaround=tuple(figures.turnarounds(runs.floods, samples[0])),
        latency_samples=tuple(samples),
        processor=tuple(figures.processor_uses(runs.every)),
        acknowledged_ms=figures.acknowledged(runs.single),
        start_s=figures.quantiles(starts),
        restart_s=figures.quantiles(figures.restarts_s(runs.killed) or starts),
        answers=figures.answers_of(runs.every),
    )


def _service_and_samples(
    runs: Runs, picture_ms: float
) -> tuple[list[Service], list[LatencySamples]]:
    service: list[Service] = []
    samples: list[LatencySamples] = []
    for each in runs.easy:
        found = figures.service(each.seen, each.workers)
        service += found
        samples += samples_of(each.seen, each.workers, found, picture_ms)
    for seen in runs.pools:
        service += figures.service([seen], seen.workers)
    return service, samples


def this_machine(beside: float | None) -> Machine:
    """A description of the machine that this process runs on, `beside` cores of it taken."""
    return Machine(
        cpu=machine.cpu_name(),
        cores=usable_cores(),
        python=platform.python_version(),
        onnxruntime=machine.runtime_version(),
        beside=None if beside is None else round(beside, 2),
    )
