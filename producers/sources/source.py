"""What every source of items can tell and show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from line.pictures import Picture
from producers.shot import Shot


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of one item before it is seen."""

    true_class: str | None
    """None where the source has no truth."""
    origin: str
    """"procedural", a file's path inside the source folder, "video:frame 17" or "webcam:0"."""


@runtime_checkable
class RecordedSource(Protocol):
    """A source that passed a photo-eye before: it knows when, and gives the very bytes back."""

    def arrivals(self, camera: int, belt_speed_m_per_s: float, since: int = 0) -> Iterator[float]:
        """Belt times (s) of the lane's triggers, on a belt of this speed; ends with them.

        From item `since` on.
        """

    def shot(self, camera: int, seq: int) -> Shot:
        """The picture as it left the camera. Raises PictureError."""


class Source(Protocol):
    """Where items come from.

    `facts` and `picture` are functions of (seed, camera, sequence) alone, in any order and however
    often they are asked, unless `is_reproducible` is false. `facts` may be called in one thread
    while `picture` works in another; `picture` itself is called by one thread at a time.
    """

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Every class an item may be of; None: no truth."""

    @property
    def length(self) -> int | None:
        """Items in all, dealt to the cameras in turn; None: endless."""

    @property
    def is_reproducible(self) -> bool:
        """Whether the same item always shows the same picture."""

    @property
    def is_exact(self) -> bool:
        """Whether its pictures are a test set: the model is to see them as they are."""

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """What is known of item `seq` of lane `camera`, both from 0."""

    def picture(self, camera: int, seq: int) -> Picture:
        """uint8 [height, width, 3], RGB. Raises PictureError."""

    def close(self) -> None:
        """Give back files and devices. May be called twice."""
