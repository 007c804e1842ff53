"""What poses as the line's own messages in virtual time, at a fifth of their price.

The line's messages are frozen, and to set a field of a frozen record costs as much as a function
call. The twin would make three of them, some forty fields, for every item. The ledger and the judge
ask for attributes alone, so these records do instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from line.messages import Encoding, Key
from line.outcome import Verdict


@dataclass(slots=True)
class Item:
    """An item on its way: poses as its `Frame`, and knows its `random_draws`."""

    camera: int
    seq: int
    key: Key
    fed_s: float
    """belt time, like `scheduled_s`"""
    scheduled_s: float
    due: float
    """virtual time of the trigger, on a paced clock"""
    deadline: float
    true_class: str
    mass_g: float
    picture_s: float
    sample: float
    patience: float
    store_s: float
    answer: float
    publish_s: float = 0.0
    half_way_s: float = 0.0
    service: int = 0
    answer_s: float = 0.0
    ready: float | None = None
    """virtual time at which its picture is to be finished; None: it is not begun"""
    triggered: float = 0.0
    published: float = 0.0
    encoding: ClassVar[Encoding] = "raw"
    height_px: ClassVar[int] = 0
    width_px: ClassVar[int] = 0
    picture_crc32: ClassVar[int] = 0
    handle: ClassVar[None] = None


@dataclass(slots=True)
class Answer:
    """Poses as a `Result`."""

    camera: int
    seq: int
    key: Key
    probabilities: tuple[float, ...]
    started: float
    inference_s: float
    model: str
    energy: ClassVar[None] = None


@dataclass(slots=True)
class Fate:
    """Poses as the `Outcome` of an item that was answered, where nobody reads the row."""

    camera: int
    seq: int
    true_class: str | None
    predicted_class: str
    verdict: Verdict
    latency_ms: float
    queue_ms: float
    inference_ms: float
