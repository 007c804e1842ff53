"""What the ledger tells its host to do: the only way decisions leave it."""

from __future__ import annotations

from dataclasses import dataclass

from line.messages import Buffer, Frame, Notice
from line.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame's bytes and how to read them."""

    frame: Frame
    data: Buffer | None


@dataclass(frozen=True, slots=True)
class Assign:
    """Give the frame to the worker."""

    worker: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send the outcome to the sink, with the picture if there is one."""

    sink: str
    outcome: Outcome
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Announce:
    """Send the notice to the alerts sink."""

    sink: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Tell the camera that the item stands in every sink."""

    camera: int
    seq: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """The worker held a frame beyond its lease: it hangs, have it killed."""

    worker: str


@dataclass(frozen=True, slots=True)
class NoticeDone:
    """The notice is written; whoever raised it may forget it."""

    id: str


Action = Assign | Deliver | Announce | Acknowledge | Suspect | NoticeDone
