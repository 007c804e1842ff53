"""The messages of the plane: who says what to whom. `line.codec` turns them into bytes.

Times are seconds of the monotonic clock of the dispatcher's machine. A worker on another machine
finds out how far its own is from that, and converts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from line.outcome import Outcome, Verdict

Buffer = bytes | bytearray | memoryview
Encoding = Literal["raw", "jpeg"]
Key = tuple[int, int]
"""(camera, sequence): names an item in a run."""


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages; subclasses name their two-byte kind."""

    KIND: ClassVar[bytes]


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Anyone → dispatcher: I am here, and this much may be sent to me unanswered."""

    KIND = b"H1"
    role: str
    name: str
    incarnation: int
    credit: int


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """Dispatcher → anyone: heard you. A new epoch means that earlier messages are forgotten."""

    KIND = b"W1"
    epoch: str


@dataclass(frozen=True, slots=True)
class Terms(Message):
    """Dispatcher → worker on another machine, after each greeting: what the line asks of it."""

    KIND = b"T1"
    model: str
    """SHA-256 of the model file, in hex"""
    credit: int
    height_px: int
    """of the camera's pictures, to warm up with"""
    width_px: int


@dataclass(frozen=True, slots=True)
class ClockQuery(Message):
    """Worker on another machine → dispatcher, in place of a `Beat`: asks for the time."""

    KIND = b"Q1"
    asked: float
    """monotonic time of the worker's machine"""


@dataclass(frozen=True, slots=True)
class ClockReply(Message):
    """Dispatcher → worker on another machine: the time."""

    KIND = b"C1"
    asked: float
    now: float
    """monotonic time of the dispatcher's machine"""


@dataclass(frozen=True, slots=True)
class Who(Message):
    """Dispatcher → a peer it does not know: say hello."""

    KIND = b"?1"


@dataclass(frozen=True, slots=True)
class Beat(Message):
    """Anyone → dispatcher, a few times a second: finds out about a restarted dispatcher."""

    KIND = b"B1"


@dataclass(frozen=True, slots=True)
class Frame(Message):
    """Camera → dispatcher → worker: one item's picture and what is known of the item."""

    KIND = b"F2"
    camera: int
    seq: int
    scheduled_s: float
    """belt time of the trigger"""
    triggered: float
    """monotonic time that the trigger was scheduled for"""
    published: float
    """monotonic time at which it left the camera, for the first time if it was sent again"""
    deadline: float
    """monotonic time of the last useful decision; infinite at `--speed max`"""
    true_class: str | None
    mass_g: float
    encoding: Encoding
    height_px: int
    width_px: int
    picture_crc32: int

    @property
    def key(self) -> Key:
        return self.camera, self.seq


UnseenVerdict = Literal[Verdict.DROPPED, Verdict.FAILED]
RefusalVerdict = Literal[Verdict.EXPIRED, Verdict.FAILED]


@dataclass(frozen=True, slots=True)
class Unseen:
    """An item that passed the photo-eye without becoming a frame."""

    camera: int
    seq: int
    scheduled_s: float
    true_class: str | None
    mass_g: float
    verdict: UnseenVerdict
    reason: str

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class UnseenItems(Message):
    """Camera → dispatcher: a range of items without pictures."""

    KIND = b"U1"
    items: tuple[Unseen, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged(Message):
    """Dispatcher → camera: these items stand in every sink; forget them."""

    KIND = b"A1"
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result(Message):
    """Worker → dispatcher: the model's answer for one frame."""

    KIND = b"R1"
    camera: int
    seq: int
    probabilities: tuple[float, ...]
    started: float
    """monotonic time at which the inference began"""
    inference_s: float
    model: str
    """first 12 hex digits of the model file's SHA-256"""

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class Refusal(Message):
    """Worker → dispatcher: no answer for this frame, and another worker would not have one."""

    KIND = b"N1"
    camera: int
    seq: int
    verdict: RefusalVerdict
    """its deadline passed on the way, or its picture cannot be read"""
    reason: str

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class Row(Message):
    """Dispatcher → sink: an outcome to store; with the picture if the sink asked for it."""

    KIND = b"O2"
    outcome: Outcome
    encoding: Encoding
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True)
class Stored(Message):
    """Sink → dispatcher: these items are written; `truth` repeats rows that stood already."""

    KIND = b"S2"
    keys: tuple[Key, ...]
    truth: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Want(Message):
    """Sink → dispatcher: send this outcome once more, with its picture."""

    KIND = b"P1"
    camera: int
    seq: int


@dataclass(frozen=True, slots=True)
class Notice(Message):
    """Dispatcher → alerts sink: something happened to the line itself."""

    KIND = b"E1"
    id: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NoticeStored(Message):
    """Alerts sink → dispatcher: the notice is written."""

    KIND = b"D1"
    id: str


MESSAGES: tuple[type[Message], ...] = (
    Hello,
    Welcome,
    Terms,
    ClockQuery,
    ClockReply,
    Who,
    Beat,
    Frame,
    UnseenItems,
    Acknowledged,
    Result,
    Refusal,
    Row,
    Stored,
    Want,
    Notice,
    NoticeStored,
)
