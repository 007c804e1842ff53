"""Where an item's time went, and how it is told."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from line.errors import BadInput
from reports.explain import explain_item, explain_run
from reports.folder import read_run
from reports.report import write_report
from reports.stages import Course, course, slowest
from tests.reports.test_folder import FACTS, Row, mixed_rows, row, write_run
from tests.running_line import called, command

TIMES = {
    "published_ms": 2.0,
    "dispatched_ms": 10.0,
    "queue_ms": 14.0,
    "inference_ms": 20.0,
    "latency_ms": 40.0,
    "slack_ms": 60.0,
}


def followed(deadline_ms: float | None = 100.0, **facts: Any) -> Course:
    values: dict[str, Any] = {"frame_id": "0-0", "verdict": "sorted", **dict.fromkeys(TIMES)}
    return course(values | facts, deadline_ms)


def spans(found: Course) -> list[tuple[str, float, float]]:
    return [(stage.name, stage.start_ms, stage.end_ms) for stage in found.stages]


def test_an_answered_item_spends_all_its_time_somewhere() -> None:
    found = followed(**TIMES)
    assert spans(found) == [
        ("camera", 0.0, 2.0),
        ("waiting", 2.0, 10.0),
        ("handover", 10.0, 14.0),
        ("inference", 14.0, 34.0),
        ("answer", 34.0, 40.0),
    ]
    assert (found.decided_ms, found.deadline_ms) == (40.0, 100.0)
    assert found.longest is not None
    assert found.longest.name == "inference"


def test_the_row_knows_its_deadline_better_than_the_run_does() -> None:
    assert followed(deadline_ms=500.0, **TIMES).deadline_ms == 100.0
    assert followed(deadline_ms=500.0, **TIMES | {"slack_ms": float("nan")}).deadline_ms is None


def test_an_item_that_a_forgotten_dispatcher_gave_out_waited_until_it_was_begun() -> None:
    found = followed(**TIMES | {"dispatched_ms": float("nan")})
    assert spans(found)[1:3] == [("waiting", 2.0, 14.0), ("inference", 14.0, 34.0)]


def test_the_clock_of_another_machine_turns_no_stage_round() -> None:
    found = followed(**TIMES | {"queue_ms": 9.0, "inference_ms": 35.0})
    assert spans(found) == [
        ("camera", 0.0, 2.0),
        ("waiting", 2.0, 10.0),
        ("inference", 10.0, 44.0),
    ]


def test_an_expired_item_waited_to_its_deadline() -> None:
    found = followed(verdict="expired", published_ms=2.0)
    assert spans(found) == [("camera", 0.0, 2.0), ("waiting", 2.0, 100.0)]
    with_worker = followed(verdict="expired", published_ms=2.0, dispatched_ms=50.0)
    assert spans(with_worker)[1:] == [("waiting", 2.0, 50.0), ("handover", 50.0, 100.0)]


def test_an_item_that_never_left_the_camera_has_no_way() -> None:
    found = followed(verdict="dropped")
    assert found.stages == ()
    assert found.longest is None


def test_the_slowest_are_those_with_the_least_time_left() -> None:
    rows = [
        row(0, "glass", "sorted", "glass", latency_ms=90.0, slack_ms=10.0),
        row(1, "glass", "late", "glass", latency_ms=70.0, slack_ms=-20.0),
        row(2, "glass", "sorted", "glass", latency_ms=20.0, slack_ms=80.0),
        row(3, "glass", "dropped"),
    ]
    items = pd.DataFrame(rows).reindex(columns=[*rows[0], "published_ms", "dispatched_ms"])
    assert [one.frame_id for one in slowest(items, 100.0, 2)] == ["0-1", "0-0"]
    without = items.assign(slack_ms=float("nan"))
    assert [one.frame_id for one in slowest(without, None, 2)] == ["0-0", "0-1"]


# -- in words -------------------------------------------------------------------------------------


def told(folder: Path, frame_id: str | None = None, width: int = 140) -> str:
    text = io.StringIO()
    console = Console(file=text, width=width)
    if frame_id is None:
        explain_run(read_run(folder), console)
    else:
        explain_item(read_run(folder), frame_id, console)
    return text.getvalue()


def one(tmp_path: Path, **facts: object) -> str:
    whole: Row = row(0, "glass", "sorted", "glass") | TIMES | facts
    return told(write_run(tmp_path, [whole]), "0-0")


def test_an_item_in_time(tmp_path: Path) -> None:
    text = one(tmp_path)
    assert "0-0  glass · taken for glass (90.0 %) · sorted" in text
    assert "decided at 40.0 ms, 60.0 ms before the deadline at 100 ms" in text
    assert text.index("camera") < text.index("waiting") < text.index("inference")
    assert "▲" not in text


def test_a_late_item_shows_its_deadline_in_the_bar(tmp_path: Path) -> None:
    text = one(tmp_path, verdict="late", slack_ms=-15.0)
    assert "decided at 40.0 ms, 15.0 ms after the deadline at 25.0 ms" in text
    assert "▲" in text


def test_an_item_without_a_decision_says_why(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [row(0, "glass", "failed", reason="no JPEG", published_ms=1.0)])
    text = told(folder, "0-0")
    assert "no JPEG" in text
    assert "no decision; the deadline at 375 ms" in text
    assert "given to no worker" in text


@pytest.mark.parametrize("width", [80, 160])
def test_a_whole_run(tmp_path: Path, width: int) -> None:
    text = told(write_run(tmp_path, mixed_rows()), width=width)
    assert max(map(len, text.splitlines())) <= width
    for needle in ("fed", "−4", "recovered", "Slowest items", "Surest mistakes", "overrun"):
        assert needle in text


def test_a_run_of_nothing(tmp_path: Path) -> None:
    text = told(write_run(tmp_path, [], {**FACTS, "fed": 0}))
    assert "carry no true class" in text


def test_the_report_shows_what_was_lost_and_the_slowest_items(tmp_path: Path) -> None:
    rows = [one | TIMES if "worker" in one else one for one in mixed_rows()]
    page = write_report(write_run(tmp_path, rows)).read_text()
    for needle in ("Where recovery was lost", "–4</td>", "s-handover", "0-6"):
        assert needle in page


def test_an_item_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no item '0-99'"):
        told(write_run(tmp_path, mixed_rows()), "0-99")


def test_the_command(tmp_path: Path) -> None:
    found = command("explain", write_run(tmp_path / "run", mixed_rows()), "0-6")
    assert (found.returncode, found.stderr) == (0, "")
    assert "0-6  metal" in found.stdout
    refused = called("explain", tmp_path / "nothing")
    assert refused.returncode == 2
    assert refused.stderr == f"error: {tmp_path / 'nothing'}: not a run folder (no results.csv)\n"
