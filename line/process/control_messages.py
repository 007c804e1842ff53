"""What a process may say to its supervisor: the kinds of notes, who may say them, what is in them.

A process that is broken, or of another version, may say anything. What does not fit here is counted
and ignored, so that nobody behind has to ask: every field that is handed on has its type and range,
a field that stands here as required is there, and text is plain.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from line.plain_text import plain
from line.process.control_channel import ControlMessage
from line.process.processor_time import Part

_MOST_INCIDENTS = 30
_INCIDENTS_S = 60.0
"""A process that tells of more in such a time is broken, and would fill the disk."""

Count = Annotated[int, Field(strict=True, ge=0, le=2**53)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e15, le=1e15)]
Share = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
Text = Annotated[str, Field(strict=True), AfterValidator(lambda text: plain(text, 1000))]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=300), AfterValidator(plain)]
Counts = Annotated[dict[Name, Count], Field(max_length=2000)]


class _Note(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    malformed: Count = 0
    """messages and notes that the process has counted and ignored"""


class Plain(_Note):
    """ready, beat: nothing but what every note may say."""


class Error(_Note):
    """Why the process ends."""

    text: Text


class EngineFailed(_Note):
    """A worker's engine fails; it goes on with the default engine."""

    text: Text


class Incident(_Note):
    """Something happened that somebody should know of; `id` is unique in the run."""

    id: Name
    event: Name
    text: Text
    process: Name = "?"
    """that it happened to, where the dispatcher tells of another one"""


class Processor(_Note):
    """Processor seconds of the process since its start, by what they were used for."""

    parts: dict[Part, Annotated[Number, Field(ge=0, le=1e9)]]


class Jitter(BaseModel):
    """Of a camera's triggers, in milliseconds."""

    p50: Number
    p95: Number
    p99: Number
    max: Number
    count: Count


class Pictures(BaseModel):
    """Of items at the photo-eye: made ahead or live; processor time of who made them ahead, ms."""

    ahead: Count
    live: Count
    processor_ms: Count


class Belt(_Note):
    """belt, finished: how a lane fares.

    `at`: monotonic time; of a lane that has finished, when its last item was acknowledged.
    `riding_since`: belt times at which items were fed.
    """

    at: Number
    fed: Count
    belt_s: Number
    on_belt: Count
    riding_since: Annotated[list[Number], Field(max_length=1000)] = []
    window: Count
    jitter_ms: Jitter
    pictures: Pictures = Pictures(ahead=0, live=0, processor_ms=0)


class Preparing(_Note):
    """Pictures made before the belt begins, of how many, if that is known; `done`: it may begin."""

    made: Count
    wanted: Count | None = None
    done: bool


class Progress(_Note):
    """How far a lane had come when its camera was started; `resume_s` None: it is done."""

    reached_s: Annotated[Number, Field(ge=0)]
    resume_s: Annotated[Number, Field(ge=0)] | None


class Event(_Note):
    """A fault of the scenario is due."""

    number: Count


class Flow(_Note):
    """How the dispatcher fares; `loads`: worker → frames it holds, frames it has answered."""

    waiting: Count
    held: Count
    loads: Annotated[dict[Name, tuple[Count, Count]], Field(max_length=2000)]
    strangers: Count = 0


class Suspect(_Note):
    """A worker whose lease has run out."""

    process: Name


class Histogram(BaseModel):
    """One count more than there are bounds."""

    bounds: Annotated[list[Number], Field(max_length=1000)]
    counts: Annotated[list[Count], Field(max_length=1001)]
    sum: Number

    @model_validator(mode="after")
    def _fits(self) -> Histogram:
        if len(self.counts) != len(self.bounds) + 1:
            raise ValueError("one count more than there are bounds")
        return self


class RunningStats(_Note):
    """The figures of all rows."""

    logged: Count
    classified: Count
    verdicts: Counts
    in_time: Count
    accuracy: Share | None
    latency_ms: Annotated[dict[Name, Number | None], Field(max_length=10)]
    latency_s: Histogram
    reasons: Annotated[dict[Name, Counts], Field(max_length=100)]
    bins: Annotated[dict[Name, Counts], Field(max_length=2000)]
    workers: Counts = {}
    last_row: Number | None


class Review(_Note):
    """Items that are queued for review, and pictures that were wanted and did not come."""

    queued: Count
    lost: Count = 0


class StandingAlarm(BaseModel):
    """One that was raised and is not cleared; `text` is of now."""

    id: Name
    kind: Name
    source: Annotated[str, Field(strict=True, max_length=300), AfterValidator(plain)] = ""
    priority: Literal["high", "medium", "low"]
    text: Text
    stands_s: Number


class Promise(BaseModel):
    """A purity that was promised of a bin, and the labels of items in it."""

    class_name: Name
    purity: Share
    threshold: Share
    model: Name
    right: Count
    labelled: Count
    is_broken: bool


class LaneDrift(BaseModel):
    """Whether a lane is as it was: what was learned, what has moved, and the class mix."""

    source: Name
    learned: Count
    to_learn: Count
    moved: Annotated[list[Text], Field(max_length=10)] = []
    mix: Annotated[list[tuple[Name, Share, Share]], Field(max_length=10)] = []


class Alerts(_Note):
    """Lines of alerts.jsonl, alarms raised, those that stand, and the last lines: weight, text."""

    count: Count
    raised: Count = 0
    standing: Annotated[list[StandingAlarm], Field(max_length=100)] = []
    fresh: Annotated[list[tuple[Name, Text]], Field(max_length=100)]
    promises: Annotated[list[Promise], Field(max_length=1000)] = []
    drift: Annotated[list[LaneDrift], Field(max_length=100)] = []


class Placed(_Note):
    """What the cluster has that workers are placed on, and how many were begun there."""

    connected: bool
    nodes: Count
    cpus: Number
    workers: Count


class Follower(_Note):
    """How many rows of the log a follower has yet to read."""

    behind_rows: Count


Speaker = Literal["camera", "worker", "dispatcher", "log", "follower", "observer", "placement"]

_ANYBODY: tuple[Speaker, ...] = (
    *("camera", "worker", "dispatcher", "log", "follower"),
    *("observer", "placement"),
)
_KINDS: dict[str, tuple[type[_Note], tuple[Speaker, ...]]] = {
    "ready": (Plain, _ANYBODY),
    "beat": (Plain, _ANYBODY),
    "error": (Error, _ANYBODY),
    "incident": (Incident, _ANYBODY),
    "engine_failed": (EngineFailed, ("worker",)),
    "belt": (Belt, ("camera",)),
    "finished": (Belt, ("camera",)),
    "preparing": (Preparing, ("camera",)),
    "processor": (Processor, _ANYBODY),
    "progress": (Progress, ("camera",)),
    "event": (Event, ("camera",)),
    "flow": (Flow, ("dispatcher",)),
    "suspect": (Suspect, ("dispatcher",)),
    "stats": (RunningStats, ("log",)),
    "review": (Review, ("follower",)),
    "alerts": (Alerts, ("follower",)),
    "follower": (Follower, ("follower",)),
    "placed": (Placed, ("placement",)),
}
KINDS = tuple(_KINDS)


class NoteCheck:
    """Of one process, whose notes it passes on or counts."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._incidents: deque[float] = deque(maxlen=_MOST_INCIDENTS)
        self.refused = 0
        """notes that were counted and ignored"""

    def passed(self, note: ControlMessage) -> ControlMessage | None:
        """The note with what is known of its kind, all of it checked; None if it does not fit."""
        model, speakers = _KINDS.get(note["kind"], (None, ()))
        if model is None or self._speaker not in speakers or not self._may_tell(note):
            self.refused += 1
            return None
        try:
            said: dict[str, Any] = model.model_validate(note).model_dump(exclude_unset=True)
        except (ValidationError, RecursionError):
            self.refused += 1
            return None
        return {"kind": note["kind"], **said}

    def _may_tell(self, note: ControlMessage) -> bool:
        if note["kind"] != "incident":
            return True
        now = monotonic()
        if len(self._incidents) == _MOST_INCIDENTS and self._incidents[0] > now - _INCIDENTS_S:
            return False
        self._incidents.append(now)
        return True
