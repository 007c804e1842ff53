"""Chooses the items that people should label, and queues them with their pictures."""

from __future__ import annotations

import io
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from line import pictures
from line.errors import BadInput, PictureError, StorageError
from line.outcome import Outcome
from line.run_files.review_file import QueuedItem
from line.run_files.review_rules import margin, proposal
from line.run_files.review_spool import SpooledPicture, SpoolReader
from line.settings import ReviewSettings
from sinks.follower import LineEvent, Passed
from sinks.review_queue import ReviewQueue
from sinks.room import refused

_BUSY_S = 0.2
"""Waited for others who write to the queue; then later again, so that heartbeats go on."""
_TURN_S = 0.2
"""Longest time with rows before the loop has its turn: a picture takes tens of milliseconds."""
_SWEEP_S = 10.0
_WORD_S = 60.0
"""Lost pictures are told of this often, with their number."""


class ActiveLearning:
    """Queues items whose two best classes are close, and a few random others.

    An item is judged by its row, as the dispatcher judged it, which had its picture spooled. Caps
    keep one class, or one bad minute, from filling the queue, and the queue from filling the disk;
    pictures that look like a queued one are passed over. The queue's file is opened when there is
    something to write, and again if it was deleted or replaced.
    """

    def __init__(
        self,
        folder: Path,
        spool: SpoolReader,
        settings: ReviewSettings,
        seed: int,
        passed: Passed,
        *,
        sync: bool = False,
    ) -> None:
        self._folder = folder
        self._spool = spool
        self._settings = settings
        self._seed = seed
        self._passed = passed
        self._sync = sync
        self._queue: ReviewQueue | None = None
        self._counts = Counts()
        self._chosen: list[QueuedItem] = []
        """remembered and not yet queued"""
        self._done: set[str] = set()
        """items that are settled, and may be given once more if queueing fails"""
        self._lost = self._told_lost = 0
        self._next_word = 0.0
        self._next_sweep = 0.0
        self._news: list[str] = []

    # -- see `Follower` ---------------------------------------------------------------------------

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """What is queued is learned from the queue itself."""
        if state is not None:
            self._lost = self._told_lost = int(state["lost"])

    def state(self) -> dict[str, Any]:
        """Pictures that were lost."""
        return {"lost": self._lost}

    def take(self, rows: Sequence[Outcome], *, final: bool) -> int:
        """Ends early at an item whose picture may still come, and when it takes long."""
        queue = self._opened()
        end = monotonic() + _TURN_S
        count = 0
        for row in rows:
            if not self._settle(row, queue, is_final=final):
                break
            count += 1
            if monotonic() > end:
                break
        self._write(queue)
        return count

    def take_events(self, events: Sequence[LineEvent]) -> None:
        """They are nothing to review."""

    def turn(self) -> None:
        """Now and then remove pictures of items that are done; see that the queue is there."""
        now = monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_S
            self._spool.sweep(lambda camera, seq: (camera, seq) in self._passed)
            self._opened()

    def report(self) -> tuple[str, dict[str, Any]]:
        """Items in the queue, and pictures that were wanted and did not come."""
        return "review", {"queued": len(self._counts.known), "lost": self._lost}

    def news(self) -> list[str]:
        """What somebody should be told of the queue, since last asked."""
        lost, now = self._lost - self._told_lost, monotonic()
        if lost and now >= self._next_word:
            self._told_lost = self._lost
            self._next_word = now + _WORD_S
            self._news.append(
                f"{lost} pictures for review are lost: no room in the spool (review.spool_mb), "
                "or their camera died"
            )
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Let go of the queue."""
        if self._queue is not None:
            self._queue.__exit__(None, None, None)
            self._queue = None

    # -- one item ---------------------------------------------------------------------------------

    def _settle(self, row: Outcome, queue: ReviewQueue, *, is_final: bool) -> bool:
        """Choose the item or pass it over; False if its picture may still come."""
        try:
            reason = proposal(row, self._settings, self._seed)
        except ValueError:  # its ranking is none
            reason = None
        if reason is None or row.frame_id in self._done:
            return True
        if row.frame_id not in self._counts.known and not self._is_over_a_cap(row):
            picture = self._spool.take(row.frame_id)
            if picture == "not yet" and not is_final:
                return False
            if isinstance(picture, SpooledPicture):
                item = self._item(row, picture, reason, queue)
                if item is not None:
                    self._chosen.append(item)
                    self._counts.add(item)
            else:
                self._lost += 1
        self._done.add(row.frame_id)
        return True

    def _is_over_a_cap(self, row: Outcome) -> bool:
        counts, settings = self._counts, self._settings
        assert row.predicted_class is not None
        return (
            counts.is_full
            or len(counts.known) >= settings.max_pictures
            or counts.per_class[row.predicted_class] >= settings.per_class_max
            or counts.per_minute[int(row.scheduled_s // 60)] >= settings.per_minute_max
        )

    def _item(
        self, row: Outcome, spooled: SpooledPicture, reason: str, queue: ReviewQueue
    ) -> QueuedItem | None:
        """Write the picture; None if it looks like a queued one, has no room, or is damaged."""
        assert row.predicted_class is not None
        assert row.confidence is not None
        try:
            picture = pictures.decode(
                spooled.data, spooled.encoding, spooled.height_px, spooled.width_px
            )
        except PictureError:
            return None
        digest = difference_hash(picture)
        if self._counts.looks_like_one(digest, self._settings.near_duplicate_bits):
            return None
        data = _png(picture)
        if self._counts.image_bytes + len(data) > 10**6 * self._settings.max_mb:
            self._counts.is_full = True
            return None
        image = f"images/{row.frame_id}.png"
        queue.write_image(image, data)
        self._counts.image_bytes += len(data)
        return QueuedItem(
            frame_id=row.frame_id,
            image=image,
            predicted_class=row.predicted_class,
            confidence=row.confidence,
            margin=margin(row),
            top3=row.top3,
            reason=reason,
            scheduled_s=row.scheduled_s,
            picture_hash=digest,
        )

    # -- the queue --------------------------------------------------------------------------------

    def _opened(self) -> ReviewQueue:
        """The queue, opened anew if it is not what lies under its name. Raises StorageError."""
        if self._queue is not None and not self._queue.is_in_place():
            self._news.append(f"{self._queue.path} was deleted or replaced; queues into a new one")
            self._queue.leave()
            self._queue = None
        if self._queue is None:
            try:
                queue = ReviewQueue(self._folder, sync=self._sync, busy_s=_BUSY_S)
            except BadInput as error:
                raise StorageError(str(error)) from None
            try:
                counts = Counts.of(queue)
            except (BadInput, OSError, sqlite3.Error) as error:
                queue.__exit__(None, None, None)
                raise StorageError(str(error)) from None
            self._queue, self._counts = queue, counts
            for item in self._chosen:
                self._counts.add(item)
        return self._queue

    def _write(self, queue: ReviewQueue) -> None:
        """Queue what was chosen, then let go of the pictures of all that is settled."""
        if self._chosen:
            try:
                queue.add(self._chosen)
            except StorageError:
                raise
            except sqlite3.Error as error:
                raise refused(queue.path, error) from None
            self._chosen.clear()
        for frame_id in self._done:
            self._spool.discard(frame_id)
        self._done.clear()


class Counts:
    """What is in the queue, as far as caps and near-duplicates ask for it."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.per_class: Counter[str] = Counter()
        self.per_minute: Counter[int] = Counter()
        self.image_bytes = 0
        self.is_full = False
        """a picture had no room"""
        self._hashes: NDArray[np.uint64] = np.zeros(1024, np.uint64)

    @classmethod
    def of(cls, queue: ReviewQueue) -> Counts:
        """Those of a queue; their number is bounded by `review.max_pictures`."""
        counts = cls()
        for item in queue.items():
            counts.add(item)
            counts.image_bytes += queue.image_bytes(item.image)
        return counts

    def add(self, item: QueuedItem) -> None:
        if item.frame_id in self.known:
            return
        if len(self.known) == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
        self._hashes[len(self.known)] = item.picture_hash & (2**64 - 1)
        self.known.add(item.frame_id)
        self.per_class[item.predicted_class] += 1
        self.per_minute[int(item.scheduled_s // 60)] += 1

    def looks_like_one(self, digest: int, bits: int) -> bool:
        """Whether a queued picture's hash differs in at most so many bits."""
        others = self._hashes[: len(self.known)]
        distances = np.bitwise_count(others ^ np.uint64(digest & (2**64 - 1)))
        return bool((distances <= bits).any())


def _png(picture: pictures.Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def difference_hash(picture: pictures.Picture) -> int:
    """A signed 64-bit dHash: whether each of 8x8 cells is brighter than its right neighbour."""
    small = Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.BOX)
    cells = np.asarray(small, np.int16)
    bits = np.packbits(cells[:, 1:] > cells[:, :-1])
    return int.from_bytes(bits.tobytes(), "big", signed=True)
