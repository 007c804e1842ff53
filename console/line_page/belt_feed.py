"""The belt's news for browsers: items as they pass the photo-eye, and what became of them.

Bounded: a page that comes late gets the last few hundred, and what rides on the belt with them.
"""

from __future__ import annotations

import base64
import io
from collections import deque
from itertools import islice
from typing import Any

from PIL import Image

from line.dispatch.feed import Decided, Seen, Thumbnail
from line.outcome import Outcome, Verdict

KEPT = 600
"""News kept; at 60 items a second, five seconds of them."""
MOST_AT_ONCE = 120
"""News in one message to a browser; a page that is further behind skips the oldest."""
_EJECTED = {Verdict.SORTED, Verdict.MISSORTED}
_JPEG_QUALITY = 72

News = dict[str, Any]


class BeltFeed:
    """A numbered log of news; each page reads on from where it was."""

    def __init__(self) -> None:
        self._news: deque[News] = deque(maxlen=KEPT)
        self._count = 0
        """news there ever were; the last one has this number"""

    @property
    def count(self) -> int:
        return self._count

    def take(self, event: Seen | Decided, now: float) -> None:
        """Add what the line tells; `now` is its monotonic time."""
        self._add(_seen(event) if isinstance(event, Seen) else _decided(event.outcome, now))

    def since(self, number: int) -> tuple[int, list[News]]:
        """The news after number `number`, and the number to ask with next."""
        fresh = min(self._count - number, len(self._news), MOST_AT_ONCE)
        if fresh <= 0:
            return self._count, []
        return self._count, list(islice(self._news, len(self._news) - fresh, None))

    def clear(self) -> None:
        """Another run begins."""
        self._news.clear()

    def _add(self, news: News) -> None:
        self._news.append(news)
        self._count += 1


def _seen(seen: Seen) -> News:
    news: News = {"key": f"{seen.camera}-{seen.seq}", "lane": seen.camera, "seen": seen.triggered}
    if seen.thumbnail is not None:
        news["image"] = _data_uri(seen.thumbnail)
    return news


def _decided(outcome: Outcome, now: float) -> News:
    """`seen` is given for items without a frame, which nobody has told of before."""
    news: News = {
        "key": outcome.frame_id,
        "lane": outcome.camera,
        "verdict": outcome.verdict.value,
        "taken_for": outcome.predicted_class,
        "bin": outcome.predicted_class if outcome.verdict in _EJECTED else None,
        "latency": None if outcome.latency_ms is None else outcome.latency_ms / 1000,
    }
    if outcome.verdict is Verdict.DROPPED:
        news["seen"] = now
    return news


def _data_uri(small: Thumbnail) -> str:
    picture = Image.frombytes("RGB", (small.width_px, small.height_px), small.rgb)
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"
