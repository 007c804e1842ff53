"""The bill of a run, and what its machine did, from the figures that the runner left."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from line.errors import BadInput
from reports.processor import text_table
from reports.report import write_report
from reports.summary import summarise, write_summary
from reports.terminal import print_summary
from tests.reports.test_folder import FACTS, mixed_rows, write_run

BILL = {
    "items": 10,
    "seconds": {
        "csv_log": {"starting": 0.4, "writing": 0.1},
        "worker-0": {"starting": 0.5, "inference": 0.06, "checking": 0.02},
    },
}
LIMIT = "the cores were full for 41 of 60 s: the line used 1.6 and other programs 0.4 of 2"
USE = {"mean": 0.5, "p95": 0.75}
MACHINE = {
    "cores": 2.0,
    "sampled_s": 60.0,
    "full_s": 41.0,
    "line": USE,
    "others": USE,
    "steal": USE,
    "triggers_ms": {"p95": 1.0, "p99": 2.0},
    "limits": [LIMIT],
}


def run_with(folder: Path, **facts: Any) -> Path:
    return write_run(folder, mixed_rows(), {**FACTS, **facts})


def printed(summary: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=110)
    print_summary(summary, console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_the_bill_recomputed(tmp_path: Path):
    bill = summarise(run_with(tmp_path, processor=BILL))["processor"]

    assert list(bill["processes"]) == ["csv_log", "worker-0"], "the greatest first"
    for name, parts in BILL["seconds"].items():  # type: ignore[attr-defined]
        seconds = sum(parts.values())
        assert bill["processes"][name]["parts"] == parts
        assert bill["processes"][name]["seconds"] == pytest.approx(seconds)
        assert bill["processes"][name]["starting_s"] == parts["starting"]
        served = seconds - parts["starting"]
        assert bill["processes"][name]["ms_per_item"] == pytest.approx(1000 * served / 10)
    assert (bill["seconds"], bill["starting_s"]) == (pytest.approx(1.08), pytest.approx(0.9))
    assert bill["ms_per_item"] == pytest.approx(18)


def test_bill_and_limits_are_printed_and_reported(tmp_path: Path):
    folder = run_with(tmp_path, processor=BILL, machine=MACHINE)
    summary = write_summary(folder)
    page = write_report(folder).read_text(encoding="utf-8")

    assert summary["machine"] == MACHINE
    assert "processor 18.0 ms an item: csv_log 10.0, worker-0 8.00; 0.90 s to start" in printed(
        summary
    )
    assert LIMIT in printed(summary)
    assert f"The machine was the limit: {LIMIT}." in page
    assert "starting 0.50 s, inference 6.00 ms, checking 2.00 ms" in page
    lines = text_table(summary["processor"]).splitlines()
    assert lines[2].endswith("starting 0.50 s, inference 6.00 ms, checking 2.00 ms")
    assert lines[2].split()[:3] == ["worker-0", "0.58", "8.00"]
    assert lines[-1].split() == ["together", "1.08", "18.0", "10", "items"]


def test_nothing_is_said_where_the_machine_was_not_the_limit(tmp_path: Path):
    folder = run_with(tmp_path, machine={**MACHINE, "limits": []})

    assert "the limit" not in printed(summarise(folder))
    assert "was the limit" not in write_report(folder).read_text(encoding="utf-8")


def test_a_run_without_items_has_no_time_an_item(tmp_path: Path):
    summary = summarise(run_with(tmp_path, processor={**BILL, "items": 0}))

    assert summary["processor"]["ms_per_item"] is None
    assert "1.08 s, – an item" in printed(summary)
    assert "starting 0.50 s, inference 0.06 s" in text_table(summary["processor"])


def test_a_run_that_says_nothing_of_either_is_read(tmp_path: Path):
    summary = summarise(run_with(tmp_path))

    assert (summary["processor"], summary["machine"]) == (None, None)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"processor": {**BILL, "items": -1}}, "processor.items"),
        ({"processor": {"items": 1, "seconds": {"a": {"b": -1.0}}}}, "processor.seconds"),
        ({"processor": {"items": 1, "seconds": {"a": {"b": "x"}}}}, "processor.seconds"),
        ({"machine": {**MACHINE, "line": {"mean": 2.0, "p95": 0.0}}}, "machine.line"),
        ({"machine": {**MACHINE, "limits": "x"}}, "machine.limits"),
    ],
)
def test_figures_out_of_range_are_refused_by_name(
    tmp_path: Path, facts: dict[str, Any], field: str
):
    folder = run_with(tmp_path, **json.loads(json.dumps(facts)))

    with pytest.raises(BadInput, match=rf"run\.json.*{field}"):
        summarise(folder)
