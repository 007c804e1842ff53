"""The messages of the plane: who says what to whom. `line.codec` turns them into bytes.

Times are seconds of the monotonic clock of the dispatcher's machine. A worker on another machine
finds out how far its own is from that, and converts.

Every field has a type and a range, which `line.codec` checks before the message exists. Where
nothing else is said a number is finite, an integer not negative, a text no longer than
`ranges.LONGEST_TEXT` and a list no longer than `ranges.LONGEST_LIST`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

from line.outcome import Outcome, Verdict
from line.ranges import Between, Longest, Matching
from line.section import DEFAULT_ENGINE, SHORT_HASH, EngineName
from pictures.class_names import MOST_CLASSES

Buffer = bytes | bytearray | memoryview
Encoding = Literal["raw", "jpeg"]
Key = tuple[int, int]
"""(camera, sequence): names an item in a run."""

MOST_KEYS = 4096
"""Items named in one message."""
MOST_ROWS = 32
"""Outcomes in one message; each may take some kilobytes."""
MOST_SLOTS = 8192
"""Pictures of one camera that stand in shared memory at a time."""
MOST_BATCH = 16
"""Frames of a batch by slack: a larger one would save less than its frames wait for it."""
LONGEST_REASON = 600
"""Characters; whoever makes one cuts it shorter."""

Camera = Annotated[int, Between(0, 63)]
Sequence = Annotated[int, Between(0, 1 << 53)]
Credit = Annotated[int, Between(0, 4096)]
Moment = Annotated[float, Between(-1e12, 1e12)]
"""Monotonic time, s."""
Deadline = Annotated[float, Between(-1e12, math.inf)]
BeltTime = Annotated[float, Between(-1e12, 1e12)]
Duration = Annotated[float, Between(0, 1e6)]
Mass = Annotated[float, Between(0, 1e9)]
Pixels = Annotated[int, Between(0, 65_535)]
ClassName = Annotated[str, Longest(255)]
Reason = Annotated[str, Longest(LONGEST_REASON)]
Probability = Annotated[float, Between(0, 1.001)]
"""A sum of rounded shares may be a little above 1."""
Energy = Annotated[float, Between(-1e39, 1e39)]
"""Whatever float32 can be."""
Sha256 = Annotated[str, Matching(r"[0-9a-f]{64}")]
ShortHash = Annotated[str, Matching(SHORT_HASH)]
"""Of a model."""
Engine = Annotated[str, Matching("|".join(get_args(EngineName)))]
Role = Annotated[str, Matching("camera|worker|sink|remote")]
ProcessName = Annotated[str, Matching(r"[A-Za-z][A-Za-z0-9_-]{0,79}")]
Incarnation = Annotated[int, Between(0, 1 << 53)]


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages; subclasses name their two-byte kind."""

    KIND: ClassVar[bytes]


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """What a worker's inference takes: `base_s` + n · `picture_s` for n pictures at once."""

    base_s: Annotated[float, Between(1e-3, 1e6)]
    picture_s: Duration
    largest: Annotated[int, Between(2, MOST_BATCH)]
    """pictures that it takes at once"""

    def seconds(self, pictures: int) -> float:
        """Of one inference."""
        return self.base_s + pictures * self.picture_s


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Anyone → dispatcher: I am here, and this much may be sent to me unanswered."""

    KIND = b"H2"
    role: Role
    name: ProcessName
    incarnation: Incarnation
    credit: Credit
    batches: BatchTimes | None = None
    """of a worker that is to be given batches by slack; each ends with a `BatchEnd`"""

    @property
    def identity(self) -> str:
        """Under which this incarnation is connected."""
        return f"{self.name}#{self.incarnation}"


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """Dispatcher → anyone: heard you. A new epoch means that earlier messages are forgotten."""

    KIND = b"W1"
    epoch: Annotated[str, Longest(80)]


@dataclass(frozen=True, slots=True)
class Terms(Message):
    """Dispatcher → worker on another machine, after each greeting: what the line asks of it."""

    KIND = b"T2"
    model: Sha256
    """of the model file"""
    credit: Credit
    height_px: Pixels
    """of the camera's pictures, to warm up with"""
    width_px: Pixels
    by_slack: bool
    """a worker that gains by batches may say so, and is given them"""
    engine: Engine = DEFAULT_ENGINE
    """what has to run it"""


@dataclass(frozen=True, slots=True)
class ClockQuery(Message):
    """Worker on another machine → dispatcher, in place of a `Beat`: asks for the time."""

    KIND = b"Q1"
    asked: Moment
    """monotonic time of the worker's machine"""


@dataclass(frozen=True, slots=True)
class ClockReply(Message):
    """Dispatcher → worker on another machine: the time."""

    KIND = b"C1"
    asked: Moment
    now: Moment
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
class Handle:
    """Where a picture stands in the memory of its camera, see `line.process.picture_ring`."""

    slot: Annotated[int, Between(0, MOST_SLOTS - 1)]
    generation: int
    """how many pictures the memory had taken with this one; a slot that was used again has more"""
    size: int
    """bytes"""


@dataclass(frozen=True, slots=True)
class Frame(Message):
    """Camera → dispatcher → worker: one item's picture and what is known of the item.

    The picture is the message's payload, or stands where `handle` leads.
    """

    KIND = b"F3"
    camera: Camera
    seq: Sequence
    scheduled_s: BeltTime
    """belt time of the trigger"""
    triggered: Moment
    """monotonic time that the trigger was scheduled for"""
    published: Moment
    """monotonic time at which it left the camera, for the first time if it was sent again"""
    deadline: Deadline
    """monotonic time of the last useful decision; infinite at `--speed max`"""
    true_class: ClassName | None
    mass_g: Mass
    encoding: Encoding
    height_px: Pixels
    width_px: Pixels
    picture_crc32: Annotated[int, Between(0, (1 << 32) - 1)]
    handle: Handle | None = None

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class BatchEnd(Message):
    """Dispatcher → worker with batches by slack: the frames since the last one are a batch."""

    KIND = b"E1"


UnseenVerdict = Literal[Verdict.DROPPED, Verdict.FAILED]
RefusalVerdict = Literal[Verdict.EXPIRED, Verdict.FAILED]


@dataclass(frozen=True, slots=True)
class Unseen:
    """An item that passed the photo-eye without becoming a frame."""

    camera: Camera
    seq: Sequence
    scheduled_s: BeltTime
    true_class: ClassName | None
    mass_g: Mass
    verdict: UnseenVerdict
    reason: Reason

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class UnseenItems(Message):
    """Camera → dispatcher: a range of items without pictures."""

    KIND = b"U1"
    items: Annotated[tuple[Unseen, ...], Longest(MOST_KEYS)]


@dataclass(frozen=True, slots=True)
class Acknowledged(Message):
    """Dispatcher → camera: these items stand in the log; forget them.

    `review`: those among them whose picture may be wanted for review, to be kept before that.
    """

    KIND = b"A2"
    seqs: Annotated[tuple[Sequence, ...], Longest(MOST_KEYS)]
    review: Annotated[tuple[Sequence, ...], Longest(MOST_KEYS)] = ()


@dataclass(frozen=True, slots=True)
class Result(Message):
    """Worker → dispatcher: the model's answer for one frame."""

    KIND = b"R2"
    camera: Camera
    seq: Sequence
    probabilities: Annotated[tuple[Probability, ...], Longest(MOST_CLASSES)]
    started: Moment
    """monotonic time at which the inference began"""
    inference_s: Duration
    model: ShortHash
    """first 12 hex digits of the model file's SHA-256"""
    energy: Energy | None = None
    """the higher, the less the picture is like what the model was made of; of a model that says"""

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class Refusal(Message):
    """Worker → dispatcher: no answer for this frame, and another worker would not have one."""

    KIND = b"N1"
    camera: Camera
    seq: Sequence
    verdict: RefusalVerdict
    """its deadline passed on the way, or its picture cannot be read or answered"""
    reason: Reason

    @property
    def key(self) -> Key:
        return self.camera, self.seq


@dataclass(frozen=True, slots=True)
class Rows(Message):
    """Dispatcher → CSV log: outcomes to store."""

    KIND = b"O4"
    outcomes: Annotated[tuple[Outcome, ...], Longest(MOST_ROWS)]


@dataclass(frozen=True, slots=True)
class ShadowItem(Message):
    """Dispatcher → shadow: an outcome with its picture."""

    KIND = b"D2"
    outcome: Outcome
    encoding: Encoding
    height_px: Pixels
    width_px: Pixels


@dataclass(frozen=True, slots=True)
class Stored(Message):
    """CSV log → dispatcher: these items have a row."""

    KIND = b"S3"
    keys: Annotated[tuple[tuple[Camera, Sequence], ...], Longest(MOST_KEYS)]


MESSAGES: tuple[type[Message], ...] = (
    Hello,
    Welcome,
    Terms,
    ClockQuery,
    ClockReply,
    Who,
    Beat,
    Frame,
    BatchEnd,
    UnseenItems,
    Acknowledged,
    Result,
    Refusal,
    Rows,
    ShadowItem,
    Stored,
)
