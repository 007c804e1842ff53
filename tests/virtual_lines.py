"""Small lines in virtual time, and their rows."""

from __future__ import annotations

from typing import Any

from line.config import load
from line.outcome import Outcome
from line.settings import Settings
from planner.profile import Profile
from planner.sim.twin import simulate
from tests.hand_made_profile import hand_made_profile

Rows = list[Outcome]


def settings_of(events: list[dict[str, Any]] | None = None, **options: Any) -> Settings:
    """One worker, regular items, a deadline 0.75 s after the trigger; `section__key=value`."""
    chosen = {
        "line.workers": 1,
        "infeed.process": "regular",
        "infeed.items_per_min": 60.0,
        "review.enabled": False,
        **{key.replace("__", "."): value for key, value in options.items()},
    }
    settings = load(environment={}, options=chosen.items())
    return Settings.model_validate({**settings.model_dump(), "events": events or []})


def rows_of(settings: Settings, profile: Profile | None = None, **further: Any) -> Rows:
    rows: Rows = []
    simulate(settings, profile or hand_made_profile(), on_row=rows.append, **further)
    return rows


def log_of(rows: Rows) -> list[tuple[int, str, float | None]]:
    return [(row.seq, row.verdict, row.latency_ms) for row in rows]
