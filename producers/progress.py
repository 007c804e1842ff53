"""What must be known of a lane when its camera, or the whole line, starts again."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from line.seqset import SeqSet

_RECORD = struct.Struct("<qqdd")
_NOTHING = (0, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """A lane's progress file. Times are wall seconds since belt second 0, pauses not counted."""

    low: int
    """all items below this number stand in every sink"""
    fed: int
    """items that have passed the photo-eye"""
    reached_s: float
    """how far the belt has come"""
    resume_s: float
    """from where it must run again so that no item is missed; infinite if the lane is done"""

    @classmethod
    def read(cls, path: Path) -> LaneRecord:
        """The record in a file; that of a new lane if there is none."""
        try:
            stored = path.read_bytes()
        except FileNotFoundError:
            stored = b""
        return cls(*(_RECORD.unpack(stored) if len(stored) == _RECORD.size else _NOTHING))


class Progress:
    """Kept in two files: the record of the lane, and for one session of the runner its stop.

    The record lies in the run folder and outlives the runner. The belt time at which the infeed was
    told to stop does not: a run that is resumed feeds on.

    With `durable` a thread puts the record on the disk again and again, as fast as the disk takes
    it: a trigger waits for no disk. A record that lags behind after a power cut costs items fed
    once more, no row.
    """

    def __init__(self, path: Path, stop_path: Path, *, durable: bool = False) -> None:
        self._stop_path = stop_path
        self._stop_s = float(stop_path.read_text()) if stop_path.exists() else None
        self._record = LaneRecord.read(path)
        self._acknowledged = SeqSet(self._record.low)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        self._syncer = ThreadPoolExecutor(1) if durable else None
        self._synced: Future[None] | None = None
        self._write()  # whoever looks for the lane finds it; and its bytes have their place

    @property
    def record(self) -> LaneRecord:
        """As it stands in the file."""
        return self._record

    @property
    def low(self) -> int:
        """All items below this number stand in every sink."""
        return self._acknowledged.low

    @property
    def stop_s(self) -> float | None:
        """Belt time after which nothing is fed; None = feed on."""
        return self._stop_s

    def stop(self, belt_s: float) -> None:
        """Feed nothing after this belt time, also in the camera's next incarnation."""
        draft = self._stop_path.with_suffix(".draft")
        draft.write_text(repr(belt_s))
        draft.replace(self._stop_path)
        self._stop_s = belt_s

    def __contains__(self, seq: int) -> bool:
        return seq in self._acknowledged

    def update(self, seqs: Iterable[int]) -> None:
        """These items are acknowledged."""
        before = self.low
        self._acknowledged.update(seqs)
        if self.low != before:
            record = self._record
            self.mark(record.fed, record.reached_s, record.resume_s)

    def mark(self, fed: int, reached_s: float, resume_s: float) -> None:
        """How far the lane has come, see `LaneRecord`; a belt that is run again never goes back."""
        before = self._record
        self._record = LaneRecord(
            low=self.low,
            fed=max(fed, before.fed),
            reached_s=max(reached_s, before.reached_s),
            resume_s=max(resume_s, before.resume_s),
        )
        self._write()

    def close(self) -> None:
        if self._syncer is not None:
            self._syncer.submit(os.fdatasync, self._fd)
            self._syncer.shutdown()
        os.close(self._fd)

    def _write(self) -> None:
        record = self._record
        values = (record.low, record.fed, record.reached_s, record.resume_s)
        os.pwrite(self._fd, _RECORD.pack(*values), 0)
        if self._syncer is not None and (self._synced is None or self._synced.done()):
            self._synced = self._syncer.submit(os.fdatasync, self._fd)


def resume_note(record: LaneRecord) -> dict[str, float | None]:
    """What the supervisor must know to start the belt where it stopped."""
    done = math.isinf(record.resume_s)
    return {"reached_s": record.reached_s, "resume_s": None if done else record.resume_s}
