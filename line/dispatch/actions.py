"""What the ledger tells its host to do: the only way decisions leave it."""

from __future__ import annotations

from typing import NamedTuple

from line.messages import Buffer, Frame
from line.outcome import Outcome


class Picture(NamedTuple):
    """A frame's bytes and how to read them."""

    frame: Frame
    data: Buffer | None


class Assign(NamedTuple):
    """Give the frame to the worker."""

    worker: str
    picture: Picture


class Write(NamedTuple):
    """Send the outcome to the CSV log."""

    outcome: Outcome


class Acknowledge(NamedTuple):
    """Tell the camera that the item stands in the log. `has_picture`: it came as a frame."""

    outcome: Outcome
    has_picture: bool


class Suspect(NamedTuple):
    """The worker held a frame beyond its lease: it hangs, have it killed."""

    worker: str


class ShutOut(NamedTuple):
    """The owner's workers have cost too many items that others then answered."""

    owner: str


Action = Assign | Write | Acknowledge | Suspect | ShutOut
