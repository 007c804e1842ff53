"""What one machine does with one model, as measured: all that the twin knows of hardware.

A profile is a JSON file. Durations are quantile functions: the values at shares 0 … 1, evenly
spaced, so that (minimum, median, maximum) is one, and a single value stands for a constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.model.facts import short_hash
from line.section import DEFAULT_ENGINE, EngineName, Fraction, Section
from line.settings import Settings
from line.validation_errors import first_fault

FOLDER = "profiles"
"""Within `results.dir`: where profiles are kept."""


def _ascending(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(later < earlier for earlier, later in pairwise(values)):
        raise ValueError("must not fall: the values are quantiles")
    return values


Duration = Annotated[float, Field(ge=0, le=1e7)]
Quantiles = Annotated[tuple[Duration, ...], Field(min_length=1), AfterValidator(_ascending)]
BLOCK_S = 3.0
"""The machine's speed is told apart from one such stretch of wall time to the next."""
PIECE_S = 0.25
"""And within a stretch from one such piece to the next."""
Slowness = Annotated[float, Field(gt=0, le=1000)]
HEADWAY_MS = 1000.0
"""Stands for any longer one."""
Headway = Annotated[float, Field(ge=0, le=HEADWAY_MS)]


def quantile(values: Sequence[float], share: float) -> float:
    """What a `share` (0 … 1) of the durations with this quantile function do not exceed."""
    place = share * (len(values) - 1)
    below = min(int(place), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def _longer(factor: float, ms: Quantiles) -> Quantiles:
    return tuple(factor * value for value in ms)


class Machine(Section):
    """Where it was measured."""

    cpu: str
    cores: int = Field(ge=1, description="that the line could use")
    python: str
    onnxruntime: str
    beside: float | None = Field(
        default=None, ge=0, description="cores that other programs took meanwhile"
    )


class Service(Section):
    """Inferences of one batch size that had so many workers at work throughout, their own included.

    The rest of the line shares the cores, and its work grows with the items that pass: an entry
    holds for one pool and one pace, and `planner.sim.inference` says what holds between the
    entries.
    """

    workers: int | None = Field(default=None, ge=1, description="in the pool; none: in any")
    busy: int = Field(ge=1)
    batch: int = Field(ge=1)
    items_per_s: float = Field(default=0.0, ge=0, description="that passed the photo-eyes")
    ms: Quantiles = Field(description="of the whole batch")

    def slowed(self, factor: float) -> Service:
        """See `Profile.slowed`."""
        return self.model_copy(update={"ms": _longer(factor, self.ms)})


class Crowding(Section):
    """How much longer a picture takes at one pace, beside workers and the camera's other work."""

    workers: int = Field(ge=1, description="in the pool")
    items_per_s: float = Field(ge=0, description="that passed the photo-eyes")
    factor: float = Field(ge=1, le=1000)


class Turnaround(Section):
    """A worker between two inferences, the next frame at hand."""

    workers: int = Field(ge=1, description="in the pool, all of them at work")
    ms: Quantiles

    def slowed(self, factor: float) -> Turnaround:
        """See `Profile.slowed`."""
        return self.model_copy(update={"ms": _longer(factor, self.ms)})


class LatencySample(Section):
    """What one item met from its photo-eye to its decision, a worker being free.

    Delays come together (whoever disturbs a process seldom waits for the next one), so they are
    kept together. They depend on who else is about: the frame of the item behind it and the row of
    the one before are carried by the same processes.
    """

    headway_ms: Headway = Field(default=HEADWAY_MS, description="since the item before it")
    follower_ms: Headway = Field(default=HEADWAY_MS, description="until the item behind it")
    busy: int = Field(default=0, ge=0, description="workers at work when its picture left")
    publish_ms: Duration = Field(description="from the trigger, the picture being finished")
    to_worker_ms: Duration = Field(description="by way of the dispatcher")
    inference: Fraction = Field(description="share of inferences in its company that were quicker")
    decision_ms: Duration = Field(description="from the end of the inference")

    def slowed(self, factor: float) -> LatencySample:
        """See `Profile.slowed`."""
        return self.model_copy(
            update={
                "publish_ms": factor * self.publish_ms,
                "to_worker_ms": factor * self.to_worker_ms,
                "decision_ms": factor * self.decision_ms,
            }
        )


class LatencySamples(Section):
    """Of some items at one pace."""

    workers: int | None = Field(default=None, ge=1, description="in the pool; none: in any")
    items_per_s: float = Field(default=0.0, ge=0, description="that passed the photo-eye")
    items: tuple[LatencySample, ...] = Field(min_length=1)

    def slowed(self, factor: float) -> LatencySamples:
        """See `Profile.slowed`."""
        return self.model_copy(
            update={"items": tuple(sample.slowed(factor) for sample in self.items)}
        )


class ProcessorUse(Section):
    """Processor time in one measured run, as it was: what keeps a process waiting costs none."""

    workers: int = Field(ge=1, description="in the pool")
    items_per_s: float = Field(ge=0, description="that passed the photo-eyes, as it was set")
    seen_per_s: float = Field(ge=0, description="that did, dropped ones included")
    frames_per_s: float = Field(ge=0, description="of them those whose pictures left the camera")
    pictures_per_s: float = Field(ge=0, description="of those, that were made meanwhile")
    answers_per_s: float = Field(ge=0)
    cores: dict[str, Annotated[float, Field(ge=0, le=1e6)]] = Field(
        description="kind of process → cores that all of its kind used"
    )

    def slowed(self, factor: float) -> ProcessorUse:
        """See `Profile.slowed`."""
        cores = {kind: factor * cores for kind, cores in self.cores.items()}
        return self.model_copy(update={"cores": cores})


class Answer(Section):
    """What the model said of one picture."""

    top3: tuple[tuple[str, Fraction], ...] = Field(min_length=1, max_length=3)
    """(class, probability), best first"""
    confidence: Fraction
    """the best probability, with all its digits"""


class Profile(Section):
    """See the module's text."""

    machine: Machine
    model_path: str
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    engine: EngineName = Field(default=DEFAULT_ENGINE, description="that ran the model")
    classes: tuple[str, ...] = Field(min_length=1, description="in the order of the model")
    threshold: Fraction = Field(description="the model file's own")
    source: str = Field(description="of the pictures that the answers are about")
    picture_px: tuple[int, int] | None = Field(
        default=None, description="height and width of drawn pictures; none: unknown, or the files'"
    )
    picture_ms: Quantiles = Field(description="the camera's thread makes one picture, undisturbed")
    smearing_ms: Duration = Field(
        default=0.0, description="that it takes longer where the belt moves by more than a pixel"
    )
    inference_ms: Duration = Field(
        default=0.0,
        description="a bare one, nothing beside it, at the speed of the machine that all times "
        "here are of; 0: unknown",
    )
    crowding: tuple[Crowding, ...] = Field(default=(), description="none: no longer than alone")
    slowness: tuple[Slowness, ...] = Field(
        default=(),
        description=f"each {BLOCK_S:g} s of the measurement: how many times as long as at first an "
        "inference took; none: always as long",
    )
    slowness_within: tuple[Slowness, ...] = Field(
        default=(),
        description=f"each {PIECE_S:g} s: how many times as long as in the whole stretch; none: "
        "always as long",
    )
    service: tuple[Service, ...] = Field(min_length=1)
    turnaround: tuple[Turnaround, ...] = Field(default=(), description="none: no time at all")
    latency_samples: tuple[LatencySamples, ...] = Field(min_length=1)
    processor: tuple[ProcessorUse, ...] = Field(
        default=(), description="none: nothing is known of it"
    )
    acknowledged_ms: Quantiles = Field(
        description="from a decision, by way of the CSV log and then the other sinks, all at rest"
    )
    start_s: Quantiles = Field(description="all workers at once, to the moment they are ready")
    restart_s: Quantiles = Field(description="one process beside a running line, to its readiness")
    answers: dict[str, tuple[Answer, ...]] = Field(description="true class → answers to its items")

    @model_validator(mode="after")
    def _answers_name_the_models_classes(self) -> Profile:
        for true_class, answers in self.answers.items():
            if not answers:
                raise ValueError(f"answers.{true_class}: empty")
            named = {name for answer in answers for name, _ in answer.top3}
            if strange := named.difference(self.classes):
                raise ValueError(f"answers.{true_class}: {min(strange)!r} is not among classes")
        return self

    @model_validator(mode="after")
    def _one_worker_with_one_frame_was_measured(self) -> Profile:
        if not any(e.workers is None and e.busy == e.batch == 1 for e in self.service):
            raise ValueError("service: must hold busy = 1 with batch = 1, for any workers")
        return self

    @property
    def short_hash(self) -> str:
        """Of the model in its engine, as rows name it."""
        return short_hash(self.model_sha256, self.engine)

    def slowed(self, factor: float) -> Profile:
        """Of the same machine while it takes so many times as long over everything.

        What `inference_ms` would be then; starts and restarts stay.
        """
        return self.model_copy(
            update={
                "inference_ms": factor * self.inference_ms,
                "picture_ms": _longer(factor, self.picture_ms),
                "smearing_ms": factor * self.smearing_ms,
                "service": tuple(each.slowed(factor) for each in self.service),
                "turnaround": tuple(each.slowed(factor) for each in self.turnaround),
                "latency_samples": tuple(each.slowed(factor) for each in self.latency_samples),
                "processor": tuple(each.slowed(factor) for each in self.processor),
                "acknowledged_ms": _longer(factor, self.acknowledged_ms),
            }
        )

    def slower(self, factor: float) -> Profile:
        """Of a machine whose inferences and pictures take so many times as long at any time."""
        blocks = tuple(factor * block for block in self.slowness or (1.0,))
        return self.model_copy(update={"slowness": blocks})

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Raises BadInput, naming the file and the field, for anything but a profile."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from None
        except ValidationError as error:
            unknown = error.errors()[0]["type"] == "extra_forbidden"
            advice = "; of another version? Measure again: run_line.py profile" if unknown else ""
            raise BadInput(f"{path}: {first_fault(error)}{advice}") from None

    def store(self, path: Path) -> None:
        """Write the file and the folders above it. Raises BadInput, naming it, if that fails."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, self.model_dump_json(indent=1).encode())
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror or error}") from None


_Entry = TypeVar("_Entry", Service, Turnaround, Crowding, LatencySamples, ProcessorUse)


def of_pool(measured: Sequence[_Entry], workers: int) -> list[_Entry]:
    """Those that hold for a pool of so many workers: of the next smaller measured one, or of any.

    If only larger ones were measured, of the smallest of these. What holds for any pool counts at
    paces below those at which the pool's own was measured.
    """
    pools = sorted({each.workers for each in measured if each.workers is not None})
    nearest = max((pool for pool in pools if pool <= workers), default=pools[0] if pools else None)
    slowest: dict[tuple[int, ...], float] = {}
    for each in measured:
        if each.workers is not None and each.workers == nearest:
            kind = _kind(each)
            slowest[kind] = min(_pace(each), slowest.get(kind, math.inf))
    return [
        each
        for each in measured
        if each.workers == nearest
        or (each.workers is None and _pace(each) < slowest.get(_kind(each), math.inf))
    ]


def _kind(entry: _Entry) -> tuple[int, ...]:
    return (entry.busy, entry.batch) if isinstance(entry, Service) else ()


def _pace(entry: _Entry) -> float:
    return 0.0 if isinstance(entry, Turnaround) else entry.items_per_s


def newest(settings: Settings) -> Path:
    """The profile written last. Raises BadInput, saying how to make one, if there is none."""
    folder = Path(settings.results.dir).absolute() / FOLDER
    found = [(path.stat().st_mtime, path) for path in folder.glob("*.json")]
    if not found:
        raise BadInput(f"{folder}: no profile of this machine; make one with: run_line.py profile")
    return max(found)[1]
