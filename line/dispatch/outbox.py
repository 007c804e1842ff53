"""What the dispatcher sends together: rows to the log, acknowledgements to the cameras."""

from __future__ import annotations

import math
from collections import defaultdict

from line.dispatch.actions import Acknowledge
from line.dispatch.log_queue import GATHER_S
from line.dispatch.peers import Peers
from line.messages import MOST_KEYS, MOST_ROWS, Acknowledged, Rows
from line.outcome import Outcome
from line.process.hub import Hub
from line.run_files.review_rules import proposal
from line.section import LOG
from line.settings import Settings

_CALM_S = 0.2
"""In place of `GATHER_S` while no frame waits for a worker: windows have room then."""
_GRACE_S = 0.01


class RowGathering:
    """When rows go to the log: at once after a pause, else together. Times are monotonic."""

    def __init__(self, window_frames: int) -> None:
        self._sent_at = -math.inf
        self._pause_s = GATHER_S
        # A window that is full of rows under way has no room for frames.
        self._most_rows = max(1, min(MOST_ROWS, window_frames // 4))

    def due(self, rows: int) -> float:
        """When to ask again at the latest; infinite: nothing waits.

        A little after it has rows to send: the next answer, which wakes the dispatcher anyhow, is
        often there before.
        """
        return self._sent_at + self._pause_s + _GRACE_S if rows else math.inf

    def take(self, rows: int, now: float, *, is_calm: bool) -> bool:
        """Whether so many go now. `is_calm`: no frame waits for a worker."""
        self._pause_s = _CALM_S if is_calm else GATHER_S
        if not rows or (now < self._sent_at + self._pause_s and rows < self._most_rows):
            return False
        self._sent_at = now
        return True


class Outbox:
    """Sends when it is told to `flush`."""

    def __init__(self, hub: Hub, peers: Peers, settings: Settings) -> None:
        self._hub = hub
        self._peers = peers
        self._review, self._seed = settings.review, settings.line.seed
        self._acknowledged: dict[int, list[Acknowledge]] = defaultdict(list)
        self._rows: list[Outcome] = []
        self._gathering = RowGathering(settings.camera.window_frames)

    def add_row(self, outcome: Outcome) -> None:
        """For the log."""
        self._rows.append(outcome)

    def acknowledge(self, item: Acknowledge) -> None:
        """For its camera."""
        self._acknowledged[item.outcome.camera].append(item)

    def forget_rows(self) -> None:
        """The log is gone; the next one is sent them again by the ledger."""
        self._rows.clear()

    @property
    def due(self) -> float:
        """Monotonic time at which to `flush` at the latest; infinite: nothing waits."""
        return self._gathering.due(len(self._rows))

    def flush(self, now: float, *, is_calm: bool) -> None:
        """Send acknowledgements, and rows: at once after a pause, together where they are many.

        `is_calm`: no frame waits for a worker.
        """
        self._send_acknowledgements()
        if self._gathering.take(len(self._rows), now, is_calm=is_calm):
            self.send_rows()

    def send_rows(self) -> None:
        """Send what waits for the log."""
        identity = self._peers.identity(LOG)
        if identity is not None:
            for begin in range(0, len(self._rows), MOST_ROWS):
                self._hub.send("sink", identity, Rows(tuple(self._rows[begin : begin + MOST_ROWS])))
        self._rows.clear()

    def _send_acknowledgements(self) -> None:
        """Tell each camera which of its items stand in the log, and which may go to review."""
        for camera, items in self._acknowledged.items():
            identity = self._peers.identity(f"camera-{camera}")
            if identity is None:
                continue
            for begin in range(0, len(items), MOST_KEYS):
                some = items[begin : begin + MOST_KEYS]
                seqs = tuple(item.outcome.seq for item in some)
                wanted = tuple(
                    item.outcome.seq
                    for item in some
                    if item.has_picture
                    and proposal(item.outcome, self._review, self._seed) is not None
                )
                self._hub.send("camera", identity, Acknowledged(seqs, wanted))
        self._acknowledged.clear()
