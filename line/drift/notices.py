"""How alerts.jsonl names what the watch noticed."""

from __future__ import annotations

NOTICED, OVER = "drift_noticed", "drift_over"
"""Kinds of events: a statistic of a lane is not as it was; it is again."""
