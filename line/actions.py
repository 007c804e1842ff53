"""What the ledger tells its host to do: the only way decisions leave it."""

from __future__ import annotations

from typing import NamedTuple

from line.messages import Buffer, Frame, Notice
from line.outcome import Outcome


class Picture(NamedTuple):
    """A frame's bytes and how to read them."""

    frame: Frame
    data: Buffer | None


class Assign(NamedTuple):
    """Give the frame to the worker."""

    worker: str
    picture: Picture


class Deliver(NamedTuple):
    """Send the outcome to the sink, with the picture if there is one."""

    sink: str
    outcome: Outcome
    picture: Picture | None


class Announce(NamedTuple):
    """Send the notice to the alerts sink."""

    sink: str
    notice: Notice


class Acknowledge(NamedTuple):
    """Tell the camera that the item stands in every sink."""

    camera: int
    seq: int


class Suspect(NamedTuple):
    """The worker held a frame beyond its lease: it hangs, have it killed."""

    worker: str


class NoticeDone(NamedTuple):
    """The notice is written; whoever raised it may forget it."""

    id: str


Action = Assign | Deliver | Announce | Acknowledge | Suspect | NoticeDone
