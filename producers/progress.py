"""Keeps what must be known of a lane when its camera, or the whole line, starts again."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from line.atomic_file import write_atomically
from line.errors import BadInput, DiskFull
from line.own_file import read_regular
from line.run_files.lane_record import SECTOR_BYTES, LaneRecord, read_counted
from line.sequence_set import SeqSet
from line.settings import Settings
from pictures.regular_file import open_regular
from producers.feed import FeedMark

_MOST_MARKS = 64
_MARK_ITEMS = 1024
"""Between two marks, as long as few are kept."""


class Progress:
    """Kept in two files: the record of the lane, and for one session of the runner its stop.

    The record lies in the run folder and outlives the runner. The belt time at which the infeed was
    told to stop does not: a run that is resumed feeds on.

    With `durable` a thread puts the record on the disk again and again, as fast as the disk takes
    it: a trigger waits for no disk. A record that lags behind after a power cut costs items fed
    once more, no row; so does one that could not be written for want of room.

    Raises BadInput, naming the file, for one that does not hold what this class writes; DiskFull
    where there is no room for it.
    """

    def __init__(
        self, path: Path, stop_path: Path, *, feed: int = 0, durable: bool = False
    ) -> None:
        """`feed`: checksum of the settings that make the lane's feed, see `feed_checksum`."""
        self._stop_path = stop_path
        self._stop_s = _stop_s(stop_path)
        self._count, record = read_counted(path)
        if record.feed != feed:  # settings that make another feed: the mark says nothing of it
            record = replace(record, mark_seq=0, mark_feeder_s=0.0, feed=feed)
        self._record = record
        self._acknowledged = SeqSet(self._record.low)
        self._marks = [FeedMark(self._record.mark_seq, self._record.mark_feeder_s)]
        self._mark_items = _MARK_ITEMS
        self._fd = _opened(path, self._record, durable)
        self._syncer = ThreadPoolExecutor(1) if durable else None
        self._synced: Future[None] | None = None
        self._write()

    @property
    def record(self) -> LaneRecord:
        """As it stands in the file."""
        return self._record

    @property
    def low(self) -> int:
        """All items below this number stand in every sink."""
        return self._acknowledged.low

    @property
    def mark(self) -> FeedMark:
        """A place in the feed at or before the last settled item."""
        return self._marks[0]

    @property
    def stop_s(self) -> float | None:
        """Belt time after which nothing is fed; None = feed on."""
        return self._stop_s

    def stop(self, belt_s: float) -> None:
        """Feed nothing after this belt time, also in the camera's next incarnation."""
        self._stop_s = belt_s
        with suppress(OSError):  # no room: the next incarnation hears of the end by its drain
            write_atomically(self._stop_path, repr(belt_s).encode())

    def __contains__(self, seq: int) -> bool:
        return seq in self._acknowledged

    def update(self, seqs: Iterable[int]) -> None:
        """These items are acknowledged; the record has it with the next `reach`.

        One that lags behind costs a message: items that are told of again have their rows.
        """
        self._acknowledged.update(seqs)

    def pass_mark(self, mark: FeedMark) -> None:
        """Where an item that was just fed stands in the feed; kept now and then, not each time."""
        if mark.seq < self._marks[-1].seq + self._mark_items:
            return
        self._marks.append(mark)
        if len(self._marks) > _MOST_MARKS:
            self._marks = self._marks[::2]
            self._mark_items *= 2

    def reach(self, fed: int, reached_s: float, resume_s: float) -> None:
        """How far the lane has come, see `LaneRecord`; a belt that is run again never goes back."""
        before, low = self._record, self.low
        while len(self._marks) > 1 and self._marks[1].seq < low:
            del self._marks[0]
            self._mark_items = _MARK_ITEMS
        self._record = LaneRecord(
            low=low,
            fed=max(fed, before.fed, low),
            reached_s=max(reached_s, before.reached_s),
            resume_s=max(resume_s, before.resume_s),
            mark_seq=self.mark.seq,
            mark_feeder_s=self.mark.feeder_s,
            feed=before.feed,
        )
        self._write()

    def close(self) -> None:
        record = self._record
        self.reach(record.fed, record.reached_s, record.resume_s)
        if self._syncer is not None:
            self._syncer.submit(os.fdatasync, self._fd)
            self._syncer.shutdown()
        os.close(self._fd)

    def _write(self) -> None:
        self._count += 1
        with suppress(OSError):  # no room, where a file system writes anew what is changed
            os.pwrite(self._fd, self._record.sector(self._count), self._count % 2 * SECTOR_BYTES)
        if self._syncer is not None and (self._synced is None or self._synced.done()):
            self._synced = self._syncer.submit(os.fdatasync, self._fd)


def _opened(path: Path, record: LaneRecord, durable: bool) -> int:
    """A descriptor of the lane's file, which is made if there is none."""
    try:
        if not path.exists():
            sectors = (record.sector(count).ljust(SECTOR_BYTES, b"\0") for count in (0, 1))
            write_atomically(path, b"".join(sectors), sync=durable)
        return open_regular(path, os.O_RDWR, only_ours=True)
    except OSError as error:
        raise DiskFull(f"{path}: {error.strerror or error}") from None


def _stop_s(path: Path) -> float | None:
    """The belt time in a stop file; None if there is no such file."""
    try:
        belt_s = float(read_regular(path, 100, only_ours=True))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not the moment of a stop: {error}") from None
    if not 0 <= belt_s < math.inf:
        raise BadInput(f"{path}: {belt_s} is no belt time")
    return belt_s


def feed_checksum(settings: Settings, camera: int) -> int:
    """Of all that the feeder's own times depend on."""
    belt = settings.belt
    facts = (settings.line.seed, camera, settings.infeed, belt.min_gap_m / belt.speed_m_per_s)
    return zlib.crc32(repr(facts).encode())


def resume_note(record: LaneRecord) -> dict[str, float | None]:
    """What the supervisor must know to start the belt where it stopped."""
    done = math.isinf(record.resume_s)
    return {"reached_s": record.reached_s, "resume_s": None if done else record.resume_s}
