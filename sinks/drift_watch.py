"""Looks in each row, and at its picture's statistics, whether the lane is as it was."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from line.drift.lane_watch import LaneWatch, Rules
from line.drift.moved import Moved
from line.drift.notices import NOTICED, OVER
from line.drift.statistics import STATISTICS, confidence_level, energy_level
from line.outcome import CLASSIFIED, Outcome
from line.run_files.picture_statistics import StatisticsReader
from line.settings import Settings
from sinks.alarm_kinds import DRIFT
from sinks.line_troubles import Trouble

_MOST_MODELS = 3
"""Of a lane, that are remembered: a swap that is undone finds what was learned before it."""
_MIX_CLASSES = 3
_MASK = (1 << 64) - 1
_CHANCE_BITS = 64 // len(STATISTICS)


@dataclass(frozen=True, slots=True)
class Change:
    """What has moved in a lane, or is as before again, with the item that showed it."""

    kind: str
    source: str
    moved: Moved
    item: str

    @property
    def text(self) -> str:
        if self.kind == NOTICED:
            return f"{self.source}: {self.moved.words}"
        return (
            f"{self.source}: {self.moved.statistic} is as before again; it was "
            f"{self.moved.direction} since item {self.moved.since}"
        )

    @property
    def line(self) -> dict[str, Any]:
        """Fields of its line in alerts.jsonl."""
        moved = self.moved
        return {
            "id": f"{self.kind}-{moved.statistic.replace(' ', '_')}-{self.item}",
            "kind": self.kind,
            "text": self.text,
            "source": self.source,
            "frame_id": self.item,
            "statistic": moved.statistic,
            "since": moved.since,
        }


class DriftWatch:
    """A watch for each lane and model; all of it is a function of the rows in their order."""

    def __init__(self, settings: Settings, run_dir: Path) -> None:
        drift = settings.drift
        self._rules = Rules(drift.learn_items, drift.false_alarm_items, drift.clear_items)
        self._seed = settings.line.seed
        self._statistics = StatisticsReader(run_dir)
        self._lanes: dict[int, OrderedDict[str, LaneWatch]] = {}
        """camera → model → watch, that of the last row's model last"""

    def take(self, row: Outcome) -> list[Change]:
        """One item more; what it shows."""
        name, confidence = row.predicted_class, row.confidence
        if row.verdict not in CLASSIFIED or name is None or confidence is None:
            return []
        picture = self._statistics.read(row.camera, row.seq)
        energy = None if row.energy is None else energy_level(row.energy)
        levels = (confidence_level(confidence), energy, *picture)
        chances = _chances(self._seed, row.camera, row.seq)
        began, over = self._watch(row).take(name, levels, chances, row.frame_id)
        source = _source(row.camera)
        return [
            *(Change(NOTICED, source, moved, row.frame_id) for moved in began),
            *(Change(OVER, source, moved, row.frame_id) for moved in over),
        ]

    def troubles(self) -> Iterator[Trouble]:
        """Lanes that are not as they were."""
        for camera, watch in self._current():
            if watch.moved:
                yield Trouble(DRIFT, _source(camera), "; ".join(m.words for m in watch.moved))

    def facts(self) -> list[dict[str, Any]]:
        """For the status, a lane each."""
        return [
            {
                "source": _source(camera),
                "learned": watch.learned,
                "to_learn": self._rules.learn_items,
                "moved": [moved.words for moved in watch.moved],
                "mix": list(watch.mix()[:_MIX_CLASSES]),
            }
            for camera, watch in self._current()
        ]

    def close(self) -> None:
        self._statistics.close()

    def _watch(self, row: Outcome) -> LaneWatch:
        models = self._lanes.setdefault(row.camera, OrderedDict())
        if row.model not in models:
            models[row.model] = LaneWatch(self._rules)
            if len(models) > _MOST_MODELS:
                models.popitem(last=False)
        models.move_to_end(row.model)
        return models[row.model]

    def _current(self) -> Iterator[tuple[int, LaneWatch]]:
        for camera, models in sorted(self._lanes.items()):
            yield camera, next(reversed(models.values()))

    # -- what the next one goes on from -----------------------------------------------------------

    def state(self) -> list[Any]:
        """As JSON keeps it."""
        return [
            [camera, [[model, watch.state()] for model, watch in models.items()]]
            for camera, models in self._lanes.items()
        ]

    def restore(self, state: Any) -> None:
        """Inverse of `state`. Raises KeyError, TypeError or ValueError for anything else."""
        self._lanes = {
            int(camera): OrderedDict(
                (str(model), LaneWatch.of(self._rules, kept)) for model, kept in models
            )
            for camera, models in state
        }


def _source(camera: int) -> str:
    return f"camera-{camera}"


def _chances(seed: int, camera: int, seq: int) -> list[float]:
    """Uniform in 0..1, one for each statistic, by the item's name alone (SplitMix64)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + (camera << 54) + seq + 1) * 0x9E3779B97F4A7C15 & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    mixed ^= mixed >> 31
    size = 1 << _CHANCE_BITS
    return [
        ((mixed >> number * _CHANCE_BITS) % size + 0.5) / size for number in range(len(STATISTICS))
    ]
