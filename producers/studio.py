"""Pictures taken ahead of time, so that a trigger costs microseconds.

A real camera exposes in a millisecond; drawing or reading a picture takes several. Where there is a
lead, another process has made it before the item was fed. Else the studio does it in a thread while
the item rides towards the photo-eye. The picture depends on the item alone, so nobody can tell who
made it, and when.
"""

from __future__ import annotations

import math
import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

from line.belt_time import Clock
from line.messages import Encoding
from line.process.priority import yield_thread
from producers.ahead.lead import Lead
from producers.ahead.upcoming import ItemsSince
from producers.belt import BeltItem
from producers.shot import Shot, ShotMaker, Take, without_picture

OVERLOOKED_MOST = 64
"""Items at a time whose pictures are taken only to be kept; what comes on top is not kept."""


class Archive(Protocol):
    """Where shots are kept; called from the studio's thread alone."""

    @property
    def ended(self) -> str:
        """Why nothing more is kept; empty while it is."""

    def keep(self, item: BeltItem, shot: Shot) -> None:
        """Have the shot of an item that passed the photo-eye survive this process."""


class PendingShot(Protocol):
    """A picture that is finished, or will be."""

    def done(self) -> bool: ...

    def result(self) -> Shot:
        """Waits for it."""


class Studio:
    """Takes pictures in a thread. Context manager: owns the thread and a wake-up socket."""

    def __init__(
        self,
        take: Take,
        encoding: Encoding,
        jpeg_quality: int,
        *,
        nice: int = 0,
        picture_bytes: float = math.inf,
        archive: Archive | None = None,
        lead: Lead | None = None,
        is_measured: bool = False,
    ) -> None:
        """`nice`: how far the thread yields the processor to the camera's own.

        A picture of more than `picture_bytes`, packed or unpacked, cannot be sent and is an error.
        A shot is in the `archive` before it is finished. `lead`: pictures that another process
        makes; it is not the studio's to close. `is_measured`: shots say what pictures are like.
        """
        self._make = ShotMaker(take, encoding, jpeg_quality, picture_bytes, is_measured=is_measured)
        self._archive = archive
        self._lead = lead
        self._taken_ahead = self._taken_live = 0
        """items at the photo-eye whose pictures came from the lead, and those that did not"""
        self._overlooked: deque[PendingShot] = deque()
        self._shots: dict[int, Future[Shot]] = {}
        self._thread = ThreadPoolExecutor(1, "studio", yield_thread, (nice,))
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=self._archive is None)
        self._wake_reader.close()
        self._wake_writer.close()

    @property
    def has_lead(self) -> bool:
        """Pictures of items that are yet to be fed are there."""
        return self._lead is not None and self._lead.made > 0

    @property
    def ahead(self) -> int:
        """Pictures begun for items that have not reached the photo-eye."""
        return len(self._shots)

    def figures(self) -> dict[str, int]:
        """Of items at the photo-eye: how many pictures were made ahead, and how many live.

        `processor_ms`: processor time of whoever made those ahead.
        """
        spent_s = 0.0 if self._lead is None else self._lead.processor_s
        ahead, live = self._taken_ahead, self._taken_live
        return {"ahead": ahead, "live": live, "processor_ms": round(1000 * spent_s)}

    @property
    def archive_ended(self) -> str:
        """Why nothing more is kept, if anything was to be."""
        return "" if self._archive is None else self._archive.ended

    def fileno(self) -> int:
        """Readable when a picture has been finished since `settle` was last called."""
        return self._wake_reader.fileno()

    def follow(
        self, items_since: ItemsSince, clock: Clock, is_settled: Callable[[int], bool]
    ) -> None:
        """The belt is about to run, see `Lead.follow`."""
        if self._lead is not None:
            self._lead.follow(items_since, clock, is_settled)

    def replan(self) -> None:
        """Items may come to the photo-eye at other moments than they were to."""
        if self._lead is not None:
            self._lead.replan()

    def settle(self, is_readable: Callable[[int], bool] = lambda fd: True) -> None:
        """Take note of finished pictures: `fileno` is no longer readable.

        `is_readable`: what is known of a descriptor, of this `fileno` and the lead's.
        """
        if self._lead is not None:
            self._lead.turn(has_said=is_readable(self._lead.fileno()))
        if not is_readable(self.fileno()):
            return
        try:
            while self._wake_reader.recv(4096):
                pass
        except BlockingIOError:
            pass

    def has(self, item: BeltItem) -> bool:
        """The picture of an item that has just been fed is made, or being made, by the lead."""
        return self._lead is not None and self._lead.has(item)

    def awaits(self, seq: int) -> bool:
        """On the `max` clock: the belt had better wait for the picture of this item."""
        return self._lead is not None and self._lead.awaits(seq)

    def begin(self, item: BeltItem) -> None:
        """Start on the picture of an item that has just been fed."""
        self._shots[item.seq] = self._start(item)

    def expose(self, item: BeltItem) -> PendingShot:
        """The picture of an item at the photo-eye; perhaps not finished yet."""
        shot = self._shots.pop(item.seq, None)
        ahead = None if shot is not None or self._lead is None else self._lead.shot(item)
        if ahead is not None:
            self._taken_ahead += 1
            return _Made(ahead) if self._archive is None else self._keep(item, ahead)
        self._taken_live += 1
        shot = shot or self._start(item)
        return shot if self._archive is None else self._keep(item, shot)

    def passed(self, item: BeltItem) -> None:
        """The item is past the photo-eye."""
        if self._lead is not None:
            self._lead.passed(item.seq)

    def discard(self, item: BeltItem) -> None:
        """The item passes without a picture, or a picture of it is to be begun anew."""
        shot = self._shots.pop(item.seq, None)
        if shot is not None:
            shot.cancel()

    def overlook(self, item: BeltItem, *, is_reproducible: bool) -> None:
        """The item passes unseen; it is kept all the same, with its picture if there can be one."""
        while self._overlooked and self._overlooked[0].done():
            self._overlooked.popleft()
        if self._archive is None or len(self._overlooked) >= OVERLOOKED_MOST:
            self.discard(item)
        elif is_reproducible:
            self._overlooked.append(self.expose(item))
        else:
            unseen = without_picture("no picture was recorded: the item passed unseen")
            self._overlooked.append(self._keep(item, unseen))

    def _start(self, item: BeltItem) -> Future[Shot]:
        if self._archive is None:
            return self._submit(self._make, item)
        return self._thread.submit(self._make, item)  # nobody waits for it before it is kept

    def _submit(self, make: Callable[..., Shot], *arguments: object) -> Future[Shot]:
        future = self._thread.submit(make, *arguments)
        future.add_done_callback(self._wake)
        return future

    def _keep(self, item: BeltItem, shot: Shot | Future[Shot]) -> Future[Shot]:
        return self._submit(self._kept, item, shot)

    def _kept(self, item: BeltItem, shot: Shot | Future[Shot]) -> Shot:
        assert self._archive is not None
        taken = shot if isinstance(shot, Shot) else shot.result()  # the thread's turn came before
        self._archive.keep(item, taken)
        return taken

    def _wake(self, _: Future[Shot]) -> None:
        with suppress(OSError):  # full: it is readable anyway; closed: nobody waits any more
            self._wake_writer.send(b"!")


@dataclass(frozen=True, slots=True)
class _Made:
    """A shot that was there already."""

    shot: Shot

    def done(self) -> bool:
        return True

    def result(self) -> Shot:
        return self.shot
