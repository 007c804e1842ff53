"""Processes that die too often in virtual time: who is missed, and what a line that died leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from line.outcome import Verdict
from planner.cells import simulate_cells
from planner.sim.twin import simulate
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.virtual_lines import rows_of, settings_of

NO_RESTARTS: dict[str, Any] = {"supervisor__restarts_per_min": 0}


def kill(at_s: float, role: str = "worker", index: int | str = 0) -> dict[str, Any]:
    return {"at_s": at_s, "action": "kill", "role": role, "index": index}


def test_a_worker_that_is_given_up_is_not_missed_while_another_is_left():
    """At 2 s the first of two goes for good: one of 100 ms does what comes, each second."""
    settings = settings_of([kill(2.0)], line__items=6, line__workers=2, **NO_RESTARTS)
    figures = simulate(settings, hand_made_profile(inference_ms=100))
    assert figures.died is None
    assert figures.restarts["worker"] == 0
    rows = rows_of(settings, hand_made_profile(inference_ms=100))
    assert [row.verdict for row in rows] == [Verdict.SORTED] * 6
    assert {row.worker for row in rows[1:]} == {"worker-1#1"}


def test_the_line_dies_with_its_last_worker():
    """Items come at 1.6, 2.6, 3.6 … s; the last worker goes at 3.61 s, with one under way."""
    events = [kill(2.0), kill(3.61, index=1)]
    settings = settings_of(events, line__items=6, line__workers=2, **NO_RESTARTS)
    figures = simulate(settings, hand_made_profile(inference_ms=100))
    assert str(figures.died) == "worker-1 was given up: it died too often"
    assert (figures.fed, figures.unaccounted) == (2, 1)
    assert (figures.wall_s, figures.belt_s) == (3.61, 3.6)


@pytest.mark.parametrize(
    ("role", "index", "name"),
    [("sink", "csv_log", "csv_log"), ("dispatcher", 0, "dispatcher"), ("camera", 0, "camera-0")],
)
def test_any_other_process_is_a_stage_by_itself(role: str, index: int | str, name: str):
    settings = settings_of([kill(2.0, role, index)], line__items=6, **NO_RESTARTS)
    figures = simulate(settings, hand_made_profile())
    assert str(figures.died) == f"{name} was given up: it died too often"


def test_lines_side_by_side_go_on_without_the_one_that_died():
    """A poisonous picture ends the first one; there is none on the belt of the second."""
    poison = {"at_s": 0.0, "action": "poison", "share": 0.15, "duration_s": 20.0}
    settings = settings_of([poison], line__items=20, **NO_RESTARTS)
    one, two = (simulate_cells(settings, hand_made_profile(), count) for count in (1, 2))
    assert one.died is not None
    assert str(two.died) == str(one.died)
    assert two.fed == one.fed + 20 < 40
    assert two.unaccounted == one.unaccounted == 1


def test_a_virtual_run_that_dies_leaves_its_accounts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    profile, scenario = tmp_path / "profile.json", tmp_path / "deadly.toml"
    hand_made_profile(inference_ms=100).store(profile)
    scenario.write_text('[[events]]\nat_s = 3.61\naction = "kill"\nrole = "worker"\nindex = 0\n')
    belt = ("--interval=1", "--items=6", "--workers=1", "--set=supervisor.restarts_per_min=0")
    options = (f"--profile={profile}", f"--scenario={scenario}", f"--run-dir={tmp_path / 'run'}")
    assert main(["run", "--clock=virtual", *options, *belt]) == 4
    said = capsys.readouterr()
    assert said.err == "error: worker-0 was given up: it died too often\n"
    assert "fed 3 ≠ logged 2, lost 1" in said.out
    run, summary = (
        json.loads((tmp_path / "run" / name).read_text()) for name in ("run.json", "summary.json")
    )
    assert (run["ended"], run["fed"]) == ("died", 3)
    assert run["error"] == "worker-0 was given up: it died too often"
    assert summary["ended"] == "died"
    assert len(run["faults"]) == 1
    assert (tmp_path / "run" / "report.html").exists()
