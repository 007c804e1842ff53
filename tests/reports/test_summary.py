"""The figures of a run, against ones worked out by hand and against what must always hold."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from line.outcome import Verdict
from reports.summary import summarise, write_summary
from tests.reports.test_folder import FACTS, Row, mixed_rows, row, write_queue, write_run

KEYS = {
    *("items", "verdicts", "throughput_fps", "throughput_items_per_min", "throughput_t_per_h"),
    *(
        "latency_ms",
        "deadline_ms",
        "deadlines_ms",
        "in_time_rate",
        "reasons",
        "accuracy",
        "low_confidence",
        "purity",
    ),
    *("recovery", "purity_by_mass", "recovery_by_mass", "contamination", "alarms", "events"),
    *(
        "review_queue",
        "restarts",
        "sessions",
        "faults",
        "workers",
        "speed",
        "effective_belt_speed_m_per_s",
        "belt_speeds_m_per_s",
        "model",
        "models",
        "shadow",
    ),
    *(
        "seed",
        "wall_s",
        "belt_s",
        "trigger_jitter_ms",
        "pictures",
        "processor",
        "machine",
        "ended",
        "scenario",
        "loss",
        "promises",
        "drift",
        "clock",
        "orders",
    ),
}


@pytest.fixture
def mixed(tmp_path: Path) -> dict[str, Any]:
    return summarise(write_run(tmp_path, mixed_rows()))


def test_keys(mixed: dict[str, Any]) -> None:
    assert set(mixed) == KEYS


def test_every_item_is_accounted_for(mixed: dict[str, Any]) -> None:
    assert mixed["items"] == {"fed": 13, "logged": 12, "lost": 1, "duplicates": 0}
    assert mixed["verdicts"] == {
        "sorted": 3,
        "missorted": 3,
        "residue_ok": 1,
        "low_confidence": 1,
        "missed": 1,
        "late": 1,
        "expired": 1,
        "dropped": 1,
        "failed": 0,
    }
    assert mixed["low_confidence"] == 1


def test_a_second_row_is_a_duplicate(tmp_path: Path) -> None:
    rows = [*mixed_rows(), mixed_rows()[3], mixed_rows()[3]]
    items = summarise(write_run(tmp_path, rows))["items"]
    assert items == {"fed": 13, "logged": 12, "lost": 1, "duplicates": 2}


def test_purity(mixed: dict[str, Any]) -> None:
    # Into glass went glass, glass, metal; into metal went glass, metal, trash.
    assert mixed["purity"] == {"glass": 0.666667, "metal": 0.333333, "trash": None}
    assert mixed["contamination"] == {"glass": 0.333333, "metal": 0.666667, "trash": None}
    assert mixed["purity_by_mass"] == {
        "glass": round(420 / 436, 6),
        "metal": round(16 / (210 + 16 + 40), 6),
        "trash": None,
    }


def test_recovery(mixed: dict[str, Any]) -> None:
    # Two of four glass; one of five metal; one of three trash left on the belt as residue.
    assert mixed["recovery"] == {"glass": 0.5, "metal": 0.2, "trash": 0.333333}
    assert mixed["recovery_by_mass"] == {
        "glass": round(420 / (3 * 210 + 90), 6),
        "metal": 0.2,
        "trash": 0.333333,
    }


def test_rates(mixed: dict[str, Any]) -> None:
    assert mixed["accuracy"] == 0.5  # items 0, 1, 4, 6 and 7 of ten answered
    assert mixed["in_time_rate"] == round(9 / 13, 6)


def test_throughput(mixed: dict[str, Any]) -> None:
    assert mixed["throughput_fps"] == 2.0  # ten answers in 5 s of wall time
    assert mixed["throughput_items_per_min"] == 120.0
    # 3·210 + 90 + 5·16 + 3·40 = 920 g in 2.75 s of belt time, when item 11 was triggered
    assert mixed["belt_s"] == 2.75
    assert mixed["throughput_t_per_h"] == round(920e-6 / 2.75 * 3600, 6)


def test_clock(mixed: dict[str, Any]) -> None:
    assert mixed["latency_ms"] == {"p50": 55, "p90": 91, "p95": 95.5, "p99": 99.1, "max": 100}
    assert mixed["deadline_ms"] == 375.0  # (0.8 m ÷ 1 m/s - 0.05 s) ÷ 2
    assert mixed["speed"] == 2.0
    assert mixed["effective_belt_speed_m_per_s"] == 2.0


def test_what_the_runner_knew(mixed: dict[str, Any]) -> None:
    assert mixed["model"] == {
        "path": "models/m.onnx",
        "sha256": "ab" * 32,
        "engine": "onnxruntime",
        "engine_reason": "",
    }
    assert (mixed["workers"], mixed["seed"], mixed["ended"]) == (2, 7, "finished")
    assert mixed["restarts"]["worker"] == 1
    assert mixed["trigger_jitter_ms"] == {"p50": 0.2, "p99": 1.0, "max": 3.0}


def test_nothing_has_a_deadline_at_max(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, mixed_rows(), {**FACTS, "speed": "max"}))
    assert summary["deadline_ms"] is None
    assert summary["effective_belt_speed_m_per_s"] is None


def test_a_run_cut_off(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, mixed_rows(), facts=None))
    assert set(summary) == KEYS
    assert summary["items"] == {"fed": 12, "logged": 12, "lost": 0, "duplicates": 0}
    assert (summary["ended"], summary["wall_s"], summary["throughput_fps"]) == (None, None, None)
    assert summary["purity"]["glass"] == 0.666667


def test_no_rows(tmp_path: Path) -> None:
    summary = summarise(write_run(tmp_path, [], {**FACTS, "fed": 0}))
    assert summary["latency_ms"] is None
    assert summary["accuracy"] is None
    assert summary["in_time_rate"] is None
    assert summary["recovery"] == {"glass": None, "metal": None, "trash": None}
    assert summary["throughput_fps"] == 0.0


def test_without_truth(tmp_path: Path) -> None:
    rows = [row(i, "", "sorted", "glass") for i in range(3)]
    summary = summarise(write_run(tmp_path, rows))
    assert summary["accuracy"] is None
    assert set(summary["purity"].values()) == {None}
    assert set(summary["recovery"].values()) == {None}
    assert summary["verdicts"]["sorted"] == 3


def test_by_products_are_counted(tmp_path: Path) -> None:
    write_run(tmp_path, mixed_rows())
    lines = '{"id": "a", "level": "alarm"}\n{"id": "b"}\n{"id": "c"}\n{"to'
    (tmp_path / "alerts.jsonl").write_text(lines)
    write_queue(tmp_path, {"0-8": ("glass", 0.4)})
    summary = summarise(tmp_path)
    assert (summary["alarms"], summary["events"], summary["review_queue"]) == (1, 2, 1)


def test_the_file_holds_the_summary_and_leaves_no_draft(tmp_path: Path) -> None:
    summary = write_summary(write_run(tmp_path, mixed_rows()))
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "results.csv",
        "run.json",
        "settings.json",
        "summary.json",
    ]


@st.composite
def any_row(draw: st.DrawFn) -> Row:
    classes = st.sampled_from(["glass", "metal", "trash"])
    verdict = draw(st.sampled_from(list(Verdict)))
    answered = verdict not in {Verdict.EXPIRED, Verdict.DROPPED, Verdict.FAILED}
    return row(
        draw(st.integers(0, 30)),
        draw(st.one_of(classes, st.just(""))),
        verdict,
        draw(classes) if answered else "",
        mass_g=draw(st.integers(1, 500)),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(any_row(), max_size=40))
def test_invariants(rows: list[Row]) -> None:
    fed = len({each["frame_id"] for each in rows})
    with tempfile.TemporaryDirectory() as folder:
        summary = summarise(write_run(Path(folder), rows, {**FACTS, "fed": fed}))
    items = summary["items"]
    assert sum(summary["verdicts"].values()) == items["logged"] == fed
    assert items["logged"] + items["duplicates"] == len(rows)
    assert items["lost"] == 0
    shares = [summary["accuracy"], summary["in_time_rate"]]
    for name in ("purity", "recovery", "purity_by_mass", "recovery_by_mass", "contamination"):
        shares += summary[name].values()
    assert all(share is None or 0 <= share <= 1 for share in shares)
    json.dumps(summary, allow_nan=False)
