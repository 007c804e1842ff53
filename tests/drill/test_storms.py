"""Storms over several seeds: which, what they add up to, and what stands in the documentation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from drill import verdict
from drill.fault_records import Blow, FaultRecord
from drill.page import Page, Table
from drill.plan import Injection, parse_seeds
from drill.subject import Process, Subject
from line.errors import BadInput
from tests.running_line import ROOT, called, command

# -- seeds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", (7,)),
        ("1..4", (1, 2, 3, 4)),
        ("1,2,5", (1, 2, 5)),
        ("9, 1..3,2", (9, 1, 2, 3)),
        ("3..3", (3,)),
    ],
)
def test_seeds_are_a_number_a_list_or_a_range(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "1..", "-3", "4..2", "1...3", "0..5000"])
def test_other_seeds_are_refused_by_option(text: str) -> None:
    with pytest.raises(BadInput, match="--seed: "):
        parse_seeds(text)


# -- who was hit, and when it was back ------------------------------------------------------------


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """Not started; its rows are written by the test."""
    (tmp_path / "results.csv").write_text("head\n")
    return Subject(tmp_path, [], tmp_path / "log", jumping_clock=False)


def write_a_row(subject: Subject) -> None:
    with (subject.run_dir / "results.csv").open("a") as file:
        file.write("row\n")


def worker(number: int, pid: int, *, ready: bool = True) -> Process:
    return Process(f"worker-{number}", "worker", pid, ready)


def test_a_process_is_back_when_its_successor_is_ready_and_a_row_was_written(
    subject: Subject,
) -> None:
    blow = Blow(worker(0, 11))
    for processes in (
        [worker(0, 11), worker(1, 12)],  # not yet seen to be dead
        [worker(1, 12)],
        [worker(0, 13, ready=False), worker(1, 12)],
    ):
        blow.look(subject, processes)
        write_a_row(subject)
        blow.look(subject, processes)
        assert blow.back_s is None
    replaced = [worker(0, 13)]  # the other one is gone meanwhile
    blow.look(subject, replaced)
    assert blow.back_s is None
    write_a_row(subject)
    blow.look(subject, replaced)
    assert blow.back_s is not None


def test_a_record_heals_when_all_that_was_hit_is_back(subject: Subject) -> None:
    record = FaultRecord(Injection("kill", "several", 1.0, 0.5))
    record.hit(worker(0, 11))
    record.hit(Process("csv_log", "sink", 12, ready=True))
    after = [worker(0, 21), worker(1, 13), Process("csv_log", "sink", 12, ready=True)]
    for _ in range(4):
        record.look(subject, after)
        write_a_row(subject)
    assert record.blows["worker-0"].back_s is not None
    assert record.healed_s is None
    after[2] = Process("csv_log", "sink", 22, ready=True)
    for _ in range(4):
        record.look(subject, after)
        write_a_row(subject)
    assert record.healed_s is not None
    assert [hit["role"] for hit in record.facts()["hit"]] == ["worker", "sink"]


def hit(kind: str, role: str, *times: float | None) -> dict[str, Any]:
    hits = [{"process": f"{role}-0", "role": role, "back_s": time} for time in times]
    return {"kind": kind, "healed_s": max((t for t in times if t), default=None), "hit": hits}


def test_recoveries_are_told_by_kind_and_by_role() -> None:
    records = [
        hit("kill", "worker", 1.0, 3.0),
        hit("kill", "dispatcher", None),
        hit("stop", "worker", 3.5),
        hit("stop", "worker", 4.5),
        hit("runner", "worker", 9.0),
    ]
    assert verdict.recovery_of_kind("kill", records) == {"count": 1, "median": 3.0, "max": 3.0}
    assert verdict.recovery_by_role(records) == [
        {"role": "worker", "blow": "killed", "hit": 2, "count": 2, "median": 2.0, "max": 3.0},
        {"role": "dispatcher", "blow": "killed", "hit": 1, "count": 0, "median": None, "max": None},
        {"role": "worker", "blow": "frozen", "hit": 2, "count": 2, "median": 4.0, "max": 4.5},
    ]
    assert verdict.within(records, "stop", "worker", 4.0) == (1, 2)


# -- pages ----------------------------------------------------------------------------------------

TABLE = Table("Storms", ("seed", "lost"), [("1", "0"), ("2", "0")], ("all", "0"), "A note.")


def test_a_table_is_put_between_the_markers_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- storms -->\nold\n<!-- /storms -->\nafter\n")
    typed = ["run_line.py", "drill", "--markdown", str(page), "--seed=1..2", f"--run-dir={page}"]
    monkeypatch.setattr(sys, "argv", typed)
    for _ in range(2):  # filling in once more replaces
        Page(page, "storms").fill([TABLE])
    text = page.read_text()
    assert text.startswith("before\n<!-- storms -->\n\n`python run_line.py drill --seed=1..2`, on ")
    assert text.endswith("\nA note.\n\n<!-- /storms -->\nafter\n")
    assert "old" not in text
    assert text.count("| seed | lost |\n| --- | ---: |\n| 1 | 0 |\n") == 1
    assert "| **all** | **0** |" in text


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("run_line.py", "python run_line.py"),
        ("benchmarks/__main__.py", "python -m benchmarks"),
        ("benchmarks/dispatcher.py", "python -m benchmarks.dispatcher"),
        ("benchmarks/peers/__main__.py", "python -m benchmarks.peers"),
    ],
)
def test_the_command_beside_a_table_can_be_typed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, named: str
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- storms -->\n<!-- /storms -->\n")
    monkeypatch.setattr(sys, "argv", [str(ROOT / program), "--rounds", "3"])
    Page(page, "storms").fill([TABLE])
    assert f"`{named} --rounds 3`, on " in page.read_text()


@pytest.mark.parametrize("text", [None, "no place\n", "<!-- storms -->\n", "<!-- /storms -->"])
def test_a_page_without_a_place_is_refused_before_anything_runs(
    tmp_path: Path, text: str | None
) -> None:
    page = tmp_path / "page.md"
    if text is not None:
        page.write_text(text)
    with pytest.raises(BadInput, match=f"--markdown: {page}: "):
        Page(page, "storms")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--seed", "1..20", "--markdown", "no.md"), "--markdown: no.md: No such file"),
        (("--seed", "1-20"), "--seed: '1-20' is not a number, a list 1,2,5 or a range 1..20"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(
    options: tuple[str, ...], complaint: str
) -> None:
    refused = called("drill", *options)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {complaint}")


# -- the whole ------------------------------------------------------------------------------------


@pytest.mark.soak
def test_storms_over_two_seeds_stand_in_one_table(tmp_path: Path, tiny_model: Path) -> None:
    folder, page = tmp_path / "storms", tmp_path / "page.md"
    page.write_text("<!-- storms --><!-- /storms -->")
    ran = command(
        *("drill", "--seed", "3..4", "--kinds", "kill", "--faults", 2, "--naive"),
        *("--minutes", 0.07, "--set", "supervisor.hang_s=1"),
        *("--set", "review.enabled=true"),
        *("--workers", 2, "--model", tiny_model, "--run-dir", folder, "--markdown", page),
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads((folder / "drill.json").read_text())
    assert list(found["storms"]) == list(found["naive"]) == ["3", "4"]
    total = found["total"]
    assert total["fed"] == total["rows"] > 100
    assert (total["faults"], total["lost"], total["duplicates"]) == (4, 0, 0)
    for seed in ("3", "4"):
        assert json.loads((folder / f"seed-{seed}" / "drill.json").read_text())["passed"]
        assert found["naive"][seed]["fed"] == found["storms"][seed]["fed"]
    assert "seed 3 (1 of 2): 2 faults, " in ran.stderr
    assert "passed: 2 storms" in ran.stdout
    assert "The naive line" in page.read_text()
