"""What the ledger tells its host to do: the only way decisions leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from line.messages import Buffer, Frame
from line.outcome import Outcome


class Picture(NamedTuple):
    """A frame, and its message as it came, to be sent on; a simulation has none."""

    frame: Frame
    packed: Sequence[Buffer]

    @property
    def payload(self) -> Buffer | None:
        """The picture, where it travels in the message."""
        return self.packed[2] if len(self.packed) > 2 else None


class Assign(NamedTuple):
    """Give the frame to the worker. `ends_batch`: it is the last of a batch by slack."""

    worker: str
    picture: Picture
    ends_batch: bool = False


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
