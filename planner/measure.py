"""From runs of the real line to a profile: what the twin must know of this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from statistics import mean

from line.errors import BadInput
from line.model_facts import ModelFacts
from line.settings import Settings
from planner import measure_figures as figures
from planner import measure_machine as machine
from planner.measure_pictures import pictures_alone
from planner.measure_run import Seen, Watch
from planner.measure_series import Runs, Tell, steps
from planner.profile import Machine, Profile, Ways

_QUICKEST_MS = 2.0
"""What leaves the camera within so much was not made late, however little a picture takes."""


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
    watch: Watch,
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
        BadInput: the source's items have no known class, the line answered nothing, or the machine
            is so busy that no item went its way undisturbed.
        StageDied: the line did not come to its end.
    """
    tell(0, steps(workers), "the camera alone: making pictures")
    alone_ms, smearing_ms = pictures_alone(settings)
    picture_s = mean(alone_ms) / 1000
    runs = Runs.of(settings, model, inference_s, picture_s, workers, run_s, tell, watch)
    ways = tuple(_ways(runs.calm, max(min(alone_ms), _QUICKEST_MS)))
    if not ways:
        raise BadInput(
            "every item of the measured line met another one; take longer: --seconds, or free "
            "the machine"
        )
    starts = [seen.start_s for seen in runs.every]
    return Profile(
        machine=this_machine(beside),
        model_path=model.path,
        model_sha256=model.sha256,
        classes=model.classes,
        threshold=threshold,
        source=settings.source.spec,
        picture_ms=figures.quantiles(alone_ms),
        smearing_ms=round(smearing_ms, 4),
        crowding=tuple(figures.crowding(runs.pools, mean(alone_ms), smearing_ms)),
        service=tuple(figures.service(runs)),
        turnaround_ms=figures.turnaround(runs.floods, ways[0].items),
        ways=ways,
        acknowledged_ms=figures.acknowledged(runs.single),
        start_s=figures.quantiles(starts),
        restart_s=figures.quantiles(figures.restarts_s(runs.busy) or starts),
        answers=figures.answers_of(runs.every),
    )


def _ways(calm: Iterable[Seen], quickest_ms: float) -> Iterator[Ways]:
    for seen in calm:
        items = figures.ways_of(seen, quickest_ms)
        if items:
            yield Ways(items_per_s=seen.fed_per_s, items=items)


def this_machine(beside: float | None) -> Machine:
    """A description of the machine that this process runs on, `beside` cores of it taken."""
    return Machine(
        cpu=machine.cpu_name(),
        cores=machine.cores(),
        python=platform.python_version(),
        onnxruntime=machine.runtime_version(),
        beside=None if beside is None else round(beside, 2),
    )
