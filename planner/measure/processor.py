"""How much processor time each kind of process used in a run, and for how many items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from line.run_files.machine_trace import PROCESSES, ProcessMoment, read_processes
from line.run_files.results import FILE as RESULTS
from line.run_files.results import read_rows
from line.settings import Settings
from planner.measure.rows import Answer
from planner.profile import ProcessorUse
from planner.sim.processor import ahead_s, kind_of

_SHORTEST_S = 1.0
"""Of a run: a shorter one says nothing."""


@dataclass(frozen=True, slots=True)
class Used:
    """While the belt of a run moved."""

    cores: Mapping[str, float]
    """process → cores that it used"""
    seen_per_s: float
    """items at the photo-eyes"""
    frames_per_s: float
    """of them those whose pictures left the cameras"""
    pictures_per_s: float
    """of those, that were made meanwhile and not before the belt began"""
    answers_per_s: float

    def of_profile(self, workers: int, items_per_s: float) -> ProcessorUse:
        """As a profile keeps it."""
        kinds: defaultdict[str, float] = defaultdict(float)
        for process, cores in self.cores.items():
            kinds[kind_of(process)] += cores
        return ProcessorUse(
            workers=workers,
            items_per_s=items_per_s,
            seen_per_s=round(self.seen_per_s, 3),
            frames_per_s=round(self.frames_per_s, 3),
            pictures_per_s=round(self.pictures_per_s, 3),
            answers_per_s=round(self.answers_per_s, 3),
            cores={kind: round(cores, 6) for kind, cores in sorted(kinds.items())},
        )


def used(run_dir: Path, settings: Settings, answers: Sequence[Answer], end_s: float) -> Used | None:
    """Of the run in a folder, to the wall second `end_s` of its belt.

    None where the system does not say, or of too short a run. Raises BadInput, naming the file, if
    one is damaged.
    """
    if not (run_dir / PROCESSES).exists():
        return None
    moments = {
        name: [moment for moment in own if moment.at_s <= end_s]
        for name, own in read_processes(run_dir).items()
    }
    at_s = [moment.at_s for own in moments.values() for moment in own]
    if not at_s or max(at_s) - min(at_s) < _SHORTEST_S:
        return None
    first_s, last_s = min(at_s), max(at_s)
    clock = 1.0 if settings.line.speed == "max" else settings.line.speed
    made_s = ahead_s(settings) + settings.belt.infeed_to_camera_m / settings.belt.speed_m_per_s

    def per_s(many: float) -> float:
        return many / (last_s - first_s)

    seen = [
        (triggered_s, bool(published))
        for triggered_s, published in read_rows(
            run_dir / RESULTS,
            lambda row: (float(row["scheduled_s"]) / clock, row["published_ms"]),
        )
        if first_s <= triggered_s <= last_s
    ]
    frames_s = [triggered_s for triggered_s, is_frame in seen if is_frame]
    return Used(
        cores={name: per_s(_spent_s(own)) for name, own in moments.items()},
        seen_per_s=per_s(len(seen)),
        frames_per_s=per_s(len(frames_s)),
        pictures_per_s=per_s(sum(at_s >= made_s / clock for at_s in frames_s)),
        answers_per_s=per_s(sum(first_s <= answer.ended_s <= last_s for answer in answers)),
    )


def _spent_s(moments: Sequence[ProcessMoment]) -> float:
    return moments[-1].processor_s - moments[0].processor_s if moments else 0.0
