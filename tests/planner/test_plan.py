from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from line.config import load
from line.errors import BadInput
from line.settings import Settings
from planner.plan.answer import fastest_belts, fewest_workers, groups, model_alone
from planner.plan.capacity import Capacity, Limit
from planner.plan.estimate import Estimate
from planner.plan.grid import Cell, grid_of
from planner.plan.run import Plan, Result, run_once, split
from planner.plan.target import Target, is_settled
from planner.plan.twin_error import TwinError
from planner.plan.wording import fastest, fewest
from planner.profile import Profile
from planner.sim.supervisor import Failures
from run_line import main
from tests.hand_made_profile import hand_made_profile

IN_TIME = Target({"in_time": 0.99})


def settings_of(duration_s: float = 10.0) -> Settings:
    options = [("infeed.process", "regular"), ("line.duration_s", duration_s)]
    return load(environment={}, options=options)


def cell_of(workers: int, *, speed: float = 1.0, rate: float = 9000.0, cameras: int = 1) -> Cell:
    return Cell(0, cameras, 0.5, 0.8, rate, rate, speed, workers)


def result_of(workers: int, speed: float, chance: float, rate: float = 9000.0) -> Result:
    return Result(
        cell_of(workers, speed=speed, rate=rate),
        {"in_time": Estimate(chance, chance, chance)},
        chance=chance,
        draws=19,
        items=100,
        capacity=Capacity(100.0, 8.0, Limit.WORKERS),
    )


def plan_of(
    profile: Profile, settings: Settings | None = None, failures: Failures | None = None
) -> Plan:
    """The line is just as fast as its twin."""
    return Plan(
        settings or settings_of(), (profile,), IN_TIME, 5, failures, twin_error=TwinError(0.0, 0.0)
    )


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    hand_made_profile().store(path)
    return path


# -- known by arithmetic ------------------------------------------------------------------------


def test_a_worker_of_10_ms_does_100_items_a_second_and_no_more():
    """150 a second for 10 s: 1000 are done meanwhile, and the 32 that the window holds after."""
    plan = plan_of(hand_made_profile())
    first = run_once(plan, cell_of(1), 0)
    one, two = first.measures, run_once(plan, cell_of(2), 0).measures
    assert first.items == 1500
    assert one["in_time"] == pytest.approx(1032 / 1500, abs=0.005)
    assert one["dropped"] == pytest.approx(1 - one["in_time"])
    assert one["busy"] == pytest.approx(1, abs=0.1)
    assert two["in_time"] == two["recovery"] == 1


def test_failing_workers_cost_items():
    cell = cell_of(1, rate=4800.0)
    calm = plan_of(hand_made_profile())
    failing = plan_of(hand_made_profile(), failures=Failures(between_s=2.0, repair_s=2.0))
    assert run_once(calm, cell, 0).measures["in_time"] == 1
    assert run_once(failing, cell, 0).measures["in_time"] < 0.9


def test_seeds_differ_and_repeat():
    settings = load(environment={}, options=[("infeed.process", "poisson"), ("line.items", 200)])
    plan = plan_of(hand_made_profile(), settings)
    first, second = (run_once(plan, cell_of(1), seed) for seed in (0, 1))
    assert first != second
    assert run_once(plan, cell_of(1), 0) == first


def test_model_alone_recovers_what_is_right_and_sure():
    profile = hand_made_profile()
    doubted = profile.answers["glass"][0].model_copy(update={"confidence": 0.4})
    wrong = profile.answers["metal"][0]
    answers = {
        **profile.answers,
        "glass": (*profile.answers["glass"], doubted),  # half of it stays on the belt
        "paper": (wrong,),  # all of it goes into another bin
    }
    every = profile.model_copy(update={"answers": answers})
    fed = dict.fromkeys(answers, 2.0)
    assert model_alone(fed, every, 0.5, {}) == pytest.approx((4 + 0.5) / 6)
    assert model_alone({"glass": 1, "metal": 3}, every, 0.5, {}) == pytest.approx((3 + 0.5) / 4)


# -- answers ------------------------------------------------------------------------------------


def test_fewest_workers_and_the_step_below():
    group = [result_of(3, 1.0, 1.0), result_of(1, 1.0, 0.0), result_of(2, 1.0, 0.95)]
    (answer,) = fewest_workers(group)
    assert answer.enough is not None
    assert answer.one_step_fewer is not None
    assert (answer.enough.cell.workers, answer.one_step_fewer.cell.workers) == (2, 1)


def test_a_target_that_is_met_in_most_draws_is_not_met_enough():
    (answer,) = fewest_workers([result_of(1, 1.0, 0.85)])
    assert answer.enough is None
    assert fewest(answer, IN_TIME) == (
        "1 m/s, 1 worker: cannot tell, capacity 100 ± 8 items/s, limited by the workers, "
        "load 150 %; in time 85.0 %, target met in 16 of 19 draws; a slower belt, a worker more or "
        "a quieter machine decides it"
    )


@pytest.mark.parametrize(
    ("met", "draws", "wanted"),
    [(12, 19, True), (18, 19, False), (2, 19, False), (17, 19, False), (76, 99, True)],
)
def test_more_draws_are_made_while_they_could_change_the_answer(met: int, draws: int, wanted: bool):
    """Wilson's interval of 12 of 19 is 0.45 to 0.79, of 17 of 19 0.72 to 0.96."""
    assert is_settled(met / draws, draws) == wanted


@pytest.mark.parametrize(
    ("items_per_s", "wanted"), [(60.0, True), (80.0, False), (120.0, False), (130.0, True)]
)
def test_far_from_the_capacity_a_few_draws_are_enough(items_per_s: float, wanted: bool):
    """Less than 0.75 times 92, or more than 1.15 times 108."""
    assert Capacity(100.0, 8.0, Limit.WORKERS).is_far_from(items_per_s) == wanted


@pytest.mark.parametrize(
    ("recovery", "chance", "rate", "wanted"),
    [
        (Estimate(0.95, 0.92, 0.97), 1.0, 3000.0, True),
        (Estimate(0.95, 0.88, 0.99), 1.0, 3000.0, False),  # all five, though the sixth may not
        (Estimate(0.95, 0.92, 0.97), 0.8, 3000.0, False),
        (Estimate(0.95, 0.92, 0.97), 1.0, 5500.0, False),
    ],
)
def test_what_is_near_its_target_or_its_capacity_is_looked_at_more_closely(
    recovery: Estimate, chance: float, rate: float, wanted: bool
):
    """100 items a second can be done; the target is a recovery of 0.9."""
    found = replace(result_of(1, 1.0, chance, rate), measures={"recovery": recovery})
    assert found.is_clear(Target({"recovery": 0.9})) == wanted


def test_fastest_belt_ends_at_the_first_that_fails():
    speeds = {1.0: 1.0, 2.0: 0.99, 3.0: 0.5, 4.0: 1.0}  # the last by chance alone
    (answer,) = fastest_belts([result_of(1, speed, chance) for speed, chance in speeds.items()])
    assert answer.enough is not None
    assert answer.one_step_faster is not None
    assert answer.enough.cell.belt_speed_m_per_s == 2
    assert answer.one_step_faster.cell.belt_speed_m_per_s == 3
    assert "3 m/s: cannot tell, load 150 %" in fastest(answer, IN_TIME)


def test_results_are_grouped_by_all_but_belt_and_workers():
    other = result_of(1, 1, 1, rate=60.0)
    found = groups([result_of(1, 1, 1), other, result_of(2, 2, 1)])
    assert [len(group) for group in found.values()] == [2, 1]


# -- the grid -----------------------------------------------------------------------------------

DEFAULTS = {
    "belt_speed_m_per_s": [1.0],
    "items_per_min": [],
    "workers": [1],
    "cameras": [1],
    "threshold": [0.5],
    "camera_to_ejector_m": [0.8],
}


def test_items_keep_their_distance_unless_a_rate_is_given():
    settings = load(environment={})  # 480 items a minute at 1 m/s
    speeds: dict[str, object] = {"belt_speed_m_per_s": [1.0, 2.0]}
    kept = grid_of(DEFAULTS, None, speeds).cells(settings, [0.5])
    given = grid_of(DEFAULTS, None, {**speeds, "items_per_min": [60.0]}).cells(settings, [0.5])
    assert [cell.items_per_min for cell in kept] == [480, 960]
    assert [cell.items_per_min for cell in given] == [60, 60]


def test_too_many_combinations_are_counted_and_not_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("planner.plan.grid.Cell", None)
    lists = {"workers": range(1, 1001), "cameras": range(1, 1001), "threshold": []}
    grid = grid_of(DEFAULTS, None, {key: list(values) for key, values in lists.items()})
    with pytest.raises(BadInput, match=r"^2000000 combinations; a plan has at most 5000$"):
        grid.cells(load(environment={}), [0.5, 0.6])


def test_large_sites_are_dealt_to_lines_evenly():
    assert split(cell_of(5000, cameras=1000)) == (100, 10, 50)
    assert split(cell_of(4, cameras=3)) == (1, 3, 4)
    with pytest.raises(BadInput, match="cannot be dealt evenly"):
        split(cell_of(5003, cameras=1000))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("wrokers = [1]", "wrokers: unknown key"),
        ("workers = [0]", "workers: Input should be greater than or equal to 1"),
        ("workers = []", "workers: Tuple should have at least 1 item"),
        ("workers = 3", "workers: Input should be a valid tuple"),
        (
            "belt_speed_m_per_s = [-1.0]",
            "belt_speed_m_per_s: Input should be greater than or equal to 0.001",
        ),
        ("workers = [", "not TOML"),
    ],
)
def test_a_wrong_grid_file_is_one_line(tmp_path: Path, text: str, complaint: str):
    file = tmp_path / "grid.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        grid_of(DEFAULTS, file, {})
    assert str(caught.value).startswith(f"{file}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


# -- the command --------------------------------------------------------------------------------


def test_plan_names_the_fewest_workers_and_writes_table_and_page(
    tmp_path: Path, profile_file: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "plan"
    line = "--scenario steady --infeed 9000 --belt-speed 1,1.5 --workers 1:3:1 --duration 3"
    options = [*line.split(), "--draws=19", "--jobs=2", f"--profile={profile_file}"]
    status = main(["plan", *options, f"--out={folder}"])
    said = capsys.readouterr().out
    assert status == 0
    assert (
        "1 m/s needs 2 workers: capacity 200 ± 16 items/s, limited by the workers, load 75 %; "
        "in time 100.0 %, target met in 19 of 19 draws; 1 worker: load 150 %, in time "
    ) in said
    assert "2 workers keep up with 1.5 m/s (9000 items/min)" in said
    with (folder / "plan.csv").open() as file:
        rows = list(csv.DictReader(file))
    met = {(row["belt_speed_m_per_s"], row["workers"]): row["target"] for row in rows}
    assert [met["1", count] for count in "123"] == ["missed", "met", "met"]
    drawn = {(row["belt_speed_m_per_s"], row["workers"]): row["draws"] for row in rows}
    # The first is far above its capacity, the third is not named.
    assert [drawn["1", count] for count in "123"] == ["5", "19", "5"]
    low, in_time, high = (float(rows[0][f"in_time{end}"]) for end in ("_low", "", "_high"))
    assert low < (300 + 32) / 450 < high
    assert low < in_time < high
    assert [float(rows[0][name]) for name in ("capacity_per_s", "load")] == [100, 1.5]
    page = (folder / "plan.html").read_text()
    assert "the knee" in page
    assert page.count("<svg") == 2
    assert "http" not in page


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--workers=two", "--workers two: expected numbers"),
        ("--workers=1.5", "option: workers"),
        ("--infeed=-5", "option: items_per_min"),
        ("--belt-speed=3:1:1", "--belt-speed 3:1:1: expected"),
        ("--belt-speed=20", "belt.actuator_ms: longer than"),
        ("--mtbf=60", "--mtbf and --mttr: need one another"),
        ("--workers=1:6000:1", "a plan has at most"),
        ("--draws=4", "--draws"),
        ("--set=source.spec=elsewhere", "pictures of procedural, source.spec is elsewhere"),
        ("--model={here}/other.onnx", "another model than"),
        ("--profile={here}/none.json", "none.json: No such file"),
    ],
)
def test_wrong_options_are_one_line(
    tmp_path: Path,
    profile_file: Path,
    capsys: pytest.CaptureFixture[str],
    options: str,
    complaint: str,
):
    (tmp_path / "other.onnx").write_bytes(b"another")
    given = options.format(here=tmp_path)
    assert main(["plan", f"--profile={profile_file}", given]) == 2
    said = capsys.readouterr().err.strip()
    assert complaint in said
    assert "\n" not in said


def test_without_a_profile_it_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["plan", f'--set=results.dir="{tmp_path}"']) == 2
    assert "run_line.py profile" in capsys.readouterr().err
