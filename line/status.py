"""What is known of the running line, for whoever looks on. Filled by the supervisor."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from line.leash import Note
from line.settings import Settings


@dataclass(slots=True)
class ProcessState:
    """A process as the live view shows it."""

    name: str
    role: str
    pid: int
    incarnation: int
    state: str
    """starting, ready, restarting or gone"""


@dataclass(slots=True)
class Status:
    """The newest notes of all processes."""

    settings: Settings
    phase: str = "starting"
    belt_started: float | None = None
    """monotonic time of belt second 0"""
    belt_ended: float | None = None
    """monotonic time at which the last item was acknowledged"""
    belts: dict[str, Note] = field(default_factory=dict)
    """camera → its last `belt` or `finished` note"""
    flow: Note = field(default_factory=dict)
    board: Note = field(default_factory=dict)
    queued: int = 0
    """items in the review queue"""
    alert_count: int = 0
    alerts: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    """the last alerts about single items"""
    incidents: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    """the last alerts about the line itself"""
    restarts: Counter[str] = field(default_factory=Counter)
    """role → restarts"""
    processes: list[ProcessState] = field(default_factory=list)

    def take(self, process: str, note: Note) -> None:
        """Keep what a process said of itself."""
        match note["kind"]:
            case "belt" | "finished":
                self.belts[process] = note
            case "flow":
                self.flow = note
            case "board":
                self.board = note
            case "review":
                self.queued = note["queued"]
            case "alerts":
                self.alert_count = note["count"]
                for level, text in note["fresh"]:
                    (self.alerts if level == "info" else self.incidents).append(text)

    @property
    def fed(self) -> int:
        """Items that have passed a photo-eye."""
        return sum(note["fed"] for note in self.belts.values())

    @property
    def belt_s(self) -> float:
        """Belt time of the lane that is furthest."""
        return max((note["belt_s"] for note in self.belts.values()), default=0.0)

    @property
    def wall_s(self) -> float:
        """Seconds from belt second 0 until the last item's acknowledgement, or until now."""
        if self.belt_started is None:
            return 0.0
        return max(0.0, (self.belt_ended or monotonic()) - self.belt_started)

    def jitter_ms(self) -> dict[str, float] | None:
        """Trigger jitter over all lanes: the worst of each figure; None without a paced trigger."""
        facts: list[dict[str, Any]] = [
            note["jitter_ms"] for note in self.belts.values() if note["jitter_ms"]["count"]
        ]
        if not facts:
            return None
        return {key: max(fact[key] for fact in facts) for key in ("p50", "p99", "max")}
