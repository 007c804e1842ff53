"""What is an alarm: something that somebody can act on, and that has stood for a while.

Everything else that happens is an event. `docs/alarms.md` has, for each of these, cause,
consequence and response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Priority = Literal["high", "medium", "low"]
_LOW_PATIENCE = 3
"""What costs no item is waited for three times as long."""


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """`name`: as alerts.jsonl has it. `title`: the same, for people."""

    name: str
    priority: Priority
    title: str

    @property
    def patience(self) -> int:
        """How many times `alerts.on_delay_s` its cause has to stand."""
        return _LOW_PATIENCE if self.priority == "low" else 1


NOT_IN_TIME = AlarmKind("not_in_time", "high", "Items not in time")
FAILED_ITEMS = AlarmKind("failed_items", "high", "Items failed")
PROMISE_BROKEN = AlarmKind("promise_broken", "medium", "A promised purity does not hold")
DRIFT = AlarmKind("drift", "medium", "Answers or pictures are not as they were")
UNSURE_ITEMS = AlarmKind("unsure_items", "low", "Many unsure items")
STAGE_DOWN = AlarmKind("stage_down", "high", "A stage does not serve")
WORKER_DOWN = AlarmKind("worker_down", "medium", "A worker does not serve")
FOLLOWER_DOWN = AlarmKind("follower_down", "low", "A follower does not serve")
LOG_WAITS = AlarmKind("log_waits", "high", "The log cannot be written")
FOLLOWER_WAITS = AlarmKind("follower_waits", "low", "A follower cannot write")
FOLLOWER_BEHIND = AlarmKind("follower_behind", "low", "A follower is far behind")
RECORDING_ENDED = AlarmKind("recording_ended", "low", "A lane is not recorded any more")
ENGINE_FAILED = AlarmKind("engine_failed", "low", "The model runs in another engine")

ALARM_KINDS = (
    *(NOT_IN_TIME, FAILED_ITEMS, PROMISE_BROKEN, DRIFT, UNSURE_ITEMS, STAGE_DOWN),
    *(WORKER_DOWN, FOLLOWER_DOWN, LOG_WAITS, FOLLOWER_WAITS, FOLLOWER_BEHIND, RECORDING_ENDED),
    ENGINE_FAILED,
)

COST_TIME = frozenset({STAGE_DOWN, WORKER_DOWN, LOG_WAITS})
"""Items are not in time because of these: while one stands, it alone is the alarm."""
