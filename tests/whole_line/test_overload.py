"""Three times more than the workers can do: the belt does not slow down, items are lost visibly."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from tests.running_line import UndisturbedLine, assert_accounted

_ALARMED_SOON = ("--set", "alerts.on_delay_s=0")
ANSWERED = ["sorted", "missorted", "residue_ok", "low_confidence", "missed", "late"]


def test_overload_loses_items_visibly_and_works_on_no_dead_frame(
    tmp_path: Path, slow_model: Path
) -> None:
    calm = _service_s(tmp_path / "calm", slow_model)
    options = ("--workers", 1, "--interval", calm / 8, "--items", 450, *_ALARMED_SOON)
    with UndisturbedLine(tmp_path / "flood", "--model", slow_model, *options) as line:
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert summary["items"]["fed"] == 450
    unanswered = rows[~rows["verdict"].isin(ANSWERED)]
    assert set(unanswered["verdict"]) <= {"dropped", "expired"}
    assert (unanswered["reason"] != "").all()
    assert unanswered["reason"].notna().all()
    assert len(unanswered) > 100
    # No inference was started on a frame whose deadline had passed.
    answered = rows[rows["verdict"].isin(ANSWERED)]
    assert (answered["queue_ms"] <= summary["deadline_ms"]).all()
    # The belt did not wait: it took as long as its schedule says.
    assert summary["wall_s"] < rows["scheduled_s"].max() + 5
    lines = (tmp_path / "flood" / "alerts.jsonl").read_text().splitlines()
    alarms = [alert["kind"] for alert in map(json.loads, lines) if alert["level"] == "alarm"]
    assert alarms.count("not_in_time") == 1


def _service_s(run_dir: Path, model: Path) -> float:
    """How long one worker takes for a frame when nothing waits, in seconds."""
    options = ("--workers", 1, "--interval", 0.3, "--items", 12)
    with UndisturbedLine(run_dir, "--model", model, *options) as line:
        line.finish()
        rows: pd.DataFrame = line.rows()
    return float(rows["inference_ms"].median()) / 1000
