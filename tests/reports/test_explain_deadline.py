"""The deadline of an item without an answer, on a belt and by a clock that change."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from line.belt_changes import BeltSpeedChanged, ClockChanged
from line.run_files.runtime_overrides import RuntimeOverrides
from line.run_files.session import Session
from reports.explain import explain_item
from reports.folder import deadline_ms, read_run
from tests.reports.test_folder import FACTS, row, write_run
from tests.virtual_lines import rows_of, settings_of

WAITED = {"published_ms": 1.0, "attempts": 0, "reason": "no worker was free before the deadline"}
ORDERED = {**FACTS, "speed": 1.0, "orders": 1}


def told(
    folder: Path,
    scheduled_s: float,
    events: tuple[dict[str, Any], ...] = (),
    facts: dict[str, Any] = ORDERED,
    overrides: RuntimeOverrides | None = None,
) -> str:
    """What is said of an expired item. From 0.8 m away at 1 m/s, less 50 ms: 750 ms."""
    expired = row(0, "glass", "expired") | WAITED | {"scheduled_s": scheduled_s}
    write_run(folder, [expired], facts, {"events": list(events)})
    if overrides is not None:
        session = Session(runtime_dir="/nowhere", overrides=overrides)
        (folder / "session.json").write_text(session.model_dump_json())
    text = io.StringIO()
    explain_item(read_run(folder), "0-0", Console(file=text, width=120))
    return text.getvalue()


def drift(at_s: float, factor: float, camera: int = 0) -> dict[str, Any]:
    return {"action": "drift", "at_s": at_s, "factor": factor, "index": camera}


@pytest.mark.parametrize(
    ("events", "scheduled_s", "deadline"),
    [
        ((drift(1.0, 2.0),), 5.0, "350 ms"),  # 0.8 m at 2 m/s
        ((drift(1.0, 2.0),), 0.1, "750 ms"),  # was past the ejector by then
        ((drift(1.0, 2.0),), 0.6, "550 ms"),  # half the way at each speed
        ((drift(1.0, 0.5), drift(2.0, 2.0)), 5.0, "350 ms"),
    ],
)
def test_drifts_move_it(
    tmp_path: Path, events: tuple[dict[str, Any], ...], scheduled_s: float, deadline: str
) -> None:
    text = told(tmp_path, scheduled_s, events, {**FACTS, "speed": 1.0})
    assert f"no decision; the deadline at {deadline}\n" in text
    waiting = next(line for line in text.splitlines() if line.startswith("waiting"))
    assert deadline.replace(" ms", ".0") in waiting.split()


def test_it_is_where_answered_items_of_the_same_belt_had_it() -> None:
    events = [drift(3.0, 1.5, camera=1), drift(6.0, 0.5, camera=1), drift(5.0, 3.0)]
    settings = settings_of(events, line__cameras=2, line__items=24, line__speed=2.0)
    rows = rows_of(settings)
    assert {row.camera for row in rows} == {0, 1}
    moments = set()
    for one in rows:
        assert one.latency_ms is not None
        assert one.slack_ms is not None
        found = deadline_ms(settings, 2.0, (), one.camera, one.scheduled_s)
        assert found == pytest.approx(one.latency_ms + one.slack_ms, abs=0.01)
        moments.add(round(one.latency_ms + one.slack_ms))
    assert len(moments) > 3


def test_what_was_ordered_of_the_belt_and_the_clock_moves_it(tmp_path: Path) -> None:
    overrides = RuntimeOverrides(
        changes=[BeltSpeedChanged(at_s=2.0, m_per_s=2.0), ClockChanged(at_s=9.0, multiplier=2.0)]
    )
    for scheduled_s, deadline in ((1.0, "750 ms"), (5.0, "350 ms"), (20.0, "175 ms")):
        text = told(tmp_path / f"{scheduled_s}", scheduled_s, overrides=overrides)
        assert f"no decision; the deadline at {deadline}\n" in text


def test_where_orders_are_not_known_none_is_told(tmp_path: Path) -> None:
    text = told(tmp_path / "no file", 5.0)
    assert "no decision\n" in text
    assert "deadline at" not in text
    told(tmp_path / "damaged", 5.0)
    (tmp_path / "damaged" / "session.json").write_text("{")
    assert read_run(tmp_path / "damaged").deadline_of(0, 5.0) is None


def test_at_max_nothing_has_one(tmp_path: Path) -> None:
    told(tmp_path, 5.0, facts={**FACTS, "speed": "max"})
    assert read_run(tmp_path).deadline_of(0, 5.0) is None
