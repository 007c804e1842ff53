"""What a plan makes of its scenario: the clock, what is fed, and lines that die."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from planner.plan.answer import fastest_belts, fewest_workers
from planner.plan.capacity import Capacity, Limit
from planner.plan.estimate import Estimate
from planner.plan.grid import Cell
from planner.plan.run import Result
from planner.plan.target import Target
from planner.plan.wording import fastest, fewest
from planner.sim.source import fed_classes
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.virtual_lines import settings_of

IN_TIME = Target({"in_time": 0.99})


Row = Mapping[str, str]
MakePlan = Callable[..., tuple[str, list[Row]]]


@pytest.fixture
def plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> MakePlan:
    """Makes a plan with a scenario's text; returns what it said and its table."""

    def run(text: str, *options: str, **changes: object) -> tuple[str, list[Row]]:
        """`changes`: of the profile."""
        file, scenario = tmp_path / "profile.json", tmp_path / "scenario.toml"
        hand_made_profile().model_copy(update=changes).store(file)
        scenario.write_text(text)
        belt = ("--belt-speed=1", "--duration=3", "--draws=5", "--jobs=1")
        where = (f"--scenario={scenario}", f"--profile={file}", f"--out={tmp_path / 'plan'}")
        assert main(["plan", *where, *belt, *options]) == 0
        with (tmp_path / "plan" / "plan.csv").open() as table:
            return capsys.readouterr().out, list(csv.DictReader(table))

    return run


# -- the clock ----------------------------------------------------------------------------------


def test_a_clock_without_deadlines_is_planned_at_1(plan: MakePlan):
    """150 items a second are more than a worker of 10 ms can do."""
    text = '[line]\nspeed = "max"\n[infeed]\nprocess = "regular"\nitems_per_min = 9000\n'
    said, (row,) = plan(text, "--workers=1")
    assert "line.speed is max, which has no deadlines; planned at clock 1." in said
    assert float(row["in_time"]) == pytest.approx((300 + 32) / 450, abs=0.07)
    assert row["target"] == "missed"
    paced, (same,) = plan(text.replace('"max"', "1.0"), "--workers=1")
    assert same == row
    assert "line.speed" not in paced


def test_a_clock_that_is_not_1_is_named(plan: MakePlan):
    said, (row,) = plan("[line]\nspeed = 2.0\n[infeed]\nitems_per_min = 4500\n", "--workers=1")
    assert "line.speed is 2: belts run and items come so many times as fast as named." in said
    assert row["target"] == "missed"


# -- what is fed --------------------------------------------------------------------------------


def folder_of(path: Path, **files: int) -> Path:
    for name, count in files.items():
        (path / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (16, 16)).save(path / name / f"{number}.png")
    return path


def test_a_folder_is_fed_as_its_files_are(tmp_path: Path):
    folder = str(folder_of(tmp_path / "pictures", glass=2, metal=9))
    for order in ("once", "random"):
        settings = settings_of(source__spec=folder, source__order=order, line__cameras=2)
        assert fed_classes(settings) == {"glass": 2, "metal": 9}


def test_drawn_items_are_fed_by_share():
    shares = {name: each.share for name, each in settings_of().classes.items()}
    assert fed_classes(settings_of()) == shares


def test_the_model_alone_recovers_what_the_table_says(tmp_path: Path, plan: MakePlan):
    """Nine of ten items are metal, and the model is sure of them; it doubts all glass."""
    folder = folder_of(tmp_path / "pictures", glass=2, metal=18)
    scenario = f'[source]\nspec = "{folder}"\norder = "once"\n[classes.glass]\nshare = 9.0\n'
    answers = hand_made_profile().answers
    answers["glass"] = (answers["glass"][0].model_copy(update={"confidence": 0.3}),)
    changes = {"answers": answers, "source": str(folder)}
    said, (row,) = plan(scenario, "--workers=1", "--infeed=600", **changes)
    assert "The model alone, nothing lost to time, recovers 90.0 %." in said
    assert row["recovery"] == "0.9"


# -- lines that die -----------------------------------------------------------------------------

DEADLY = """
[supervisor]
restarts_per_min = 0
[[events]]
at_s = 2.5
action = "kill"
role = "worker"
index = 0
"""


def test_a_combination_whose_line_dies_does_not_meet_its_target(tmp_path: Path, plan: MakePlan):
    """One worker of two may go; the only one may not. All that came before its end was in time."""
    text = f'[infeed]\nprocess = "regular"\nitems_per_min = 600\n{DEADLY}'
    said, (one, two) = plan(text, "--workers=1,2")
    assert (one["target"], one["deaths"], one["in_time"]) == ("missed", "5", "1")
    assert (two["target"], two["deaths"], two["in_time"]) == ("met", "0", "1")
    sentence = (
        "1 worker, 1 m/s (600 items/min): the line died in 5 of 5 draws (worker-0 was given up: "
        "it died too often). These do not meet the target"
    )
    assert sentence in said
    assert sentence in (tmp_path / "plan" / "plan.html").read_text()
    assert "1 m/s needs 2 workers" in said


def test_a_line_that_died_is_not_called_undecided():
    cell = Cell(0, 1, 0.5, 0.8, None, 480.0, 1.0, 1)
    result = Result(
        cell,
        {"in_time": Estimate(1.0, 1.0, 1.0)},
        chance=0.0,
        draws=5,
        items=100,
        capacity=Capacity(10.0, 1.0, Limit.WORKERS),
        deaths=("worker-0 was given up",) * 5,
    )
    (few,), (fast,) = fewest_workers([result]), fastest_belts([result])
    reached = (
        "capacity 10 ± 1 items/s, limited by the workers, load 80 %; "
        "in time 100.0 %, target met in 0 of 5 draws, the line died in 5"
    )
    assert fewest(few, IN_TIME) == f"1 m/s: 1 worker is not enough: {reached}"
    assert fastest(fast, IN_TIME).endswith(f"none of them; 1 m/s (480 items/min): {reached}")
