"""Chooses the items that people should label, and queues them with their pictures."""

from __future__ import annotations

import io
import zlib
from collections import Counter
from collections.abc import Iterable

import numpy as np
from PIL import Image

from line import pictures
from line.client import Client
from line.errors import PictureError
from line.outcome import Outcome, decode_top3
from line.review_file import QueuedItem
from line.settings import ReviewSettings
from sinks.loop import Delivery, Receipt
from sinks.review_queue import ReviewQueue


class ActiveLearning:
    """Wants the pictures of items whose two best classes are close, and of a few random others.

    An item is judged by its row first; only if it is a candidate, the picture is asked for. Caps
    keep one class, or one bad minute, from filling the queue, and the queue from filling the disk;
    pictures that look like a queued one are passed over.
    """

    def __init__(self, queue: ReviewQueue, settings: ReviewSettings, seed: int) -> None:
        self._queue = queue
        self._settings = settings
        self._seed = seed
        self._chosen: list[QueuedItem] = []
        """remembered and not yet queued"""
        self._known: set[str] = set()
        self._per_class: Counter[str] = Counter()
        self._per_minute: Counter[int] = Counter()
        self._hashes: list[int] = []
        self._bytes = sum(queue.image_bytes(item.image) for item in queue.items())
        self._is_full = False
        """a picture had no room"""
        self._remember(queue.items())

    def store(self, batch: list[Delivery]) -> Receipt:
        receipt = Receipt()
        for delivery in batch:
            outcome = delivery.row.outcome
            reason = self._reason(outcome)
            if reason is None:
                receipt.stored.append(delivery.key)
            elif delivery.picture is None:
                receipt.wanted.append(delivery.key)
            else:
                receipt.stored.append(delivery.key)
                item = self._keep(delivery, reason)
                if item is not None:
                    self._chosen.append(item)
                    self._remember([item])
        if self._chosen:
            self._queue.add(self._chosen)
            self._chosen.clear()
        return receipt

    def report(self, client: Client) -> None:
        client.seat.leash.send("review", queued=len(self._known))

    def _reason(self, outcome: Outcome) -> str | None:
        """Why the item should be queued; None if it should not."""
        predicted = outcome.predicted_class
        if predicted is None or outcome.frame_id in self._known:
            return None
        if self._is_full or len(self._known) >= self._settings.max_pictures:
            return None
        minute = int(outcome.scheduled_s // 60)
        if self._per_class[predicted] >= self._settings.per_class_max:
            return None
        if self._per_minute[minute] >= self._settings.per_minute_max:
            return None
        if margin(outcome) < self._settings.margin:
            return "margin"
        return "random" if self._lot(outcome) < self._settings.random_share else None

    def _lot(self, outcome: Outcome) -> float:
        """A number in [0, 1) that depends on the seed and the item alone."""
        return zlib.crc32(f"{self._seed}/{outcome.frame_id}".encode()) / 2**32

    def _keep(self, delivery: Delivery, reason: str) -> QueuedItem | None:
        """Write the picture; None if it looks like a queued one, has no room, or is damaged."""
        row, outcome = delivery.row, delivery.row.outcome
        assert delivery.picture is not None
        assert outcome.predicted_class is not None
        assert outcome.confidence is not None
        try:
            picture = pictures.decode(delivery.picture, row.encoding, row.height_px, row.width_px)
        except PictureError:
            return None
        digest = difference_hash(picture)
        if any(
            _distance(digest, other) <= self._settings.near_duplicate_bits for other in self._hashes
        ):
            return None
        data = _png(picture)
        if self._bytes + len(data) > 10**6 * self._settings.max_mb:
            self._is_full = True
            return None
        image = f"images/{outcome.frame_id}.png"
        self._queue.write_image(image, data)
        self._bytes += len(data)
        return QueuedItem(
            frame_id=outcome.frame_id,
            image=image,
            predicted_class=outcome.predicted_class,
            confidence=outcome.confidence,
            margin=margin(outcome),
            top3=outcome.top3,
            reason=reason,
            scheduled_s=outcome.scheduled_s,
            picture_hash=digest,
        )

    def _remember(self, items: Iterable[QueuedItem]) -> None:
        for item in items:
            self._known.add(item.frame_id)
            self._per_class[item.predicted_class] += 1
            self._per_minute[int(item.scheduled_s // 60)] += 1
            self._hashes.append(item.picture_hash)


def margin(outcome: Outcome) -> float:
    """Gap between the two best probabilities; 1 where there is only one class."""
    ranking = decode_top3(outcome.top3)
    return ranking[0][1] - ranking[1][1] if len(ranking) > 1 else 1.0


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


def _distance(one: int, other: int) -> int:
    return ((one ^ other) & (2**64 - 1)).bit_count()
