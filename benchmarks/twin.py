"""`python -m benchmarks.twin`: how fast the line runs in virtual time, and in how much memory.

One camera, four workers, Poisson arrivals at four fifths of what the workers can do: most items
queue a little, none is lost. Beside it stands a bare SimPy loop, one process that waits as often as
the twin has events. The memory is that of a process which does nothing else.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Annotated

import simpy
import typer

from line.config import load
from line.settings import Settings
from planner.cells import simulate_cells
from planner.profile import (
    Answer,
    LatencySample,
    LatencySamples,
    Machine,
    Profile,
    Service,
    Turnaround,
)
from planner.sim.twin import simulate

_INFERENCE_MS = (8.0, 9.0, 9.5, 14.0)
_MEAN_MS = 9.9
_LOAD = 0.8
_WORKERS = 4
app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Speed:
    """Of one round. Seconds are processor time, so that a busy machine counts less."""

    items: int
    items_per_s: float
    wall_items_per_s: float
    events_per_item: float
    times_a_bare_loop: float
    peak_mb: float


def profile() -> Profile:
    """Of no machine in particular, so that every machine measures the same work."""
    names = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
    return Profile(
        machine=Machine(cpu="none", cores=64, python="", onnxruntime=""),
        model_path="none",
        model_sha256="0" * 64,
        classes=names,
        threshold=0.5,
        source="procedural",
        picture_ms=(1.0, 2.0),
        turnaround=(Turnaround(workers=_WORKERS, ms=(0.1,)),),
        service=(Service(busy=1, batch=1, ms=_INFERENCE_MS),),
        latency_samples=(LatencySamples(items=tuple(map(_sample, range(100)))),),
        acknowledged_ms=(1.0, 3.0),
        start_s=(1.0,),
        restart_s=(1.0,),
        answers={
            name: tuple(
                Answer(top3=((name, p), (names[number - 1], 1 - p)), confidence=p)
                for p in (0.55, 0.7, 0.8, 0.9, 0.95, 0.99)
            )
            for number, name in enumerate(names)
        },
    )


def _sample(number: int) -> LatencySample:
    """Of a hundred; its delays and its time in the model have nothing in common."""
    share = number / 99
    return LatencySample(
        publish_ms=0.1 + 0.3 * share,
        to_worker_ms=0.3 + 0.6 * share,
        inference=37 * number % 100 / 100,
        decision_ms=0.5 - 0.3 * share,
    )


def settings(items: int) -> Settings:
    return load(
        environment={},
        options=[
            ("line.workers", _WORKERS),
            ("line.items", items),
            ("infeed.process", "poisson"),
            ("infeed.items_per_min", _LOAD * _WORKERS * 60_000 / _MEAN_MS),
        ],
    )


def measure(items: int) -> Speed:
    known, chosen = profile(), settings(items)
    began, wall = process_time(), perf_counter()
    figures = simulate(chosen, known)
    took_s, wall_s = process_time() - began, perf_counter() - wall
    return Speed(
        items=items,
        items_per_s=items / took_s,
        wall_items_per_s=items / wall_s,
        events_per_item=figures.events / items,
        times_a_bare_loop=took_s / _bare_loop_s(figures.events),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _bare_loop_s(events: int) -> float:
    def wait(env: simpy.Environment) -> simpy.events.ProcessGenerator:
        for _ in range(events):
            yield env.timeout(1.0)

    env = simpy.Environment()
    env.process(wait(env))
    began = process_time()
    env.run()
    return process_time() - began


@app.command()
def line(
    items: Annotated[int, typer.Option(min=1000)] = 50_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """One camera and four workers."""
    speeds = [measure(items) for _ in range(rounds)]
    for each in speeds:
        print(json.dumps({key: round(value, 2) for key, value in asdict(each).items()}))
    print(
        f"median {median(each.items_per_s for each in speeds):.0f} items a second of processor "
        f"time, {median(each.wall_items_per_s for each in speeds):.0f} of wall time"
    )


@app.command()
def site(
    cells: Annotated[int, typer.Option(min=1)] = 100,
    cameras: Annotated[int, typer.Option(min=1, max=64, help="of a cell")] = 10,
    workers: Annotated[int, typer.Option(min=1, max=256, help="of a cell")] = 50,
    minutes: Annotated[float, typer.Option(min=0.01)] = 1.0,
) -> None:
    """Many cells side by side; by default 1,000 cameras and 5,000 workers for a minute."""
    options = [
        ("line.cameras", cameras),
        ("line.workers", workers),
        ("line.duration_s", 60 * minutes),
    ]
    began, wall = process_time(), perf_counter()
    figures = simulate_cells(load(environment={}, options=options), profile(), cells)
    facts = {
        "cameras": cells * cameras,
        "workers": figures.workers,
        "items": figures.fed,
        "in_time_rate": figures.in_time_rate,
        "items_per_s": round(figures.fed / (process_time() - began)),
        "wall_s": round(perf_counter() - wall, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    sys.exit(app())
