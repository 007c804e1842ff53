"""What processes use of the cores: the fit, a pool's own, and what a virtual run says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.forecast.belts import Belt
from planner.plan import wording
from planner.plan.capacity import Limit, capacity
from planner.plan.run import Result
from planner.plan.twin_error import TwinError
from planner.profile import ProcessorUse, Profile, Service
from planner.sim.line_figures import Figures
from planner.sim.paces import Paces
from planner.sim.processor import Passed, ProcessorModel, kind_of
from planner.sim.twin import simulate
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.virtual_lines import rows_of, settings_of


def use(
    workers: int,
    items_per_s: float,
    answers_per_s: float,
    worker_s: float = 0.01,
    more: float = 1.0,
) -> ProcessorUse:
    """Of a line whose dispatcher takes 1 ms a second, 0.4 a frame and 0.6 an answer."""
    return ProcessorUse(
        workers=workers,
        items_per_s=items_per_s,
        seen_per_s=items_per_s,
        frames_per_s=items_per_s,
        pictures_per_s=items_per_s / 2,
        answers_per_s=answers_per_s,
        cores={
            "worker": worker_s * answers_per_s,
            "dispatcher": more * (0.001 + 0.0004 * items_per_s + 0.0006 * answers_per_s),
            "camera": 0.001 * items_per_s,
            "camera/children": 0.004 * items_per_s / 2,
            "supervisor": 0.01,
        },
    )


def profile_with(*uses: ProcessorUse, cores: int = 64) -> Profile:
    at_pace = Service(busy=1, batch=1, items_per_s=100.0, ms=(10.0,))
    profile = hand_made_profile(cores=cores)
    return profile.model_copy(update={"processor": uses, "service": (*profile.service, at_pace)})


LINEAR = profile_with(use(1, 10, 10), use(1, 40, 40), use(1, 80, 80), use(1, 125, 100))


def model_of(profile: Profile, workers: int = 1) -> ProcessorModel:
    return ProcessorModel(profile, Paces(profile), workers)


def test_processes_of_a_kind_differ_in_their_number():
    assert [kind_of(name) for name in ("worker-12", "csv_log", "camera-0/children", "alerts")] == [
        *("worker", "csv_log", "camera/children", "alerts")
    ]


def test_costs_are_found_that_explain_all_runs():
    model = model_of(LINEAR)
    passed = Passed(seen=200.0, frames=150.0, pictures=50.0, answers=100.0)
    assert model.cores("supervisor", passed, 200.0) == pytest.approx(0.01)
    assert model.cores("dispatcher", passed, 200.0) == pytest.approx(0.001 + 0.06 + 0.06)
    assert model.cores("camera/children", passed, 200.0) == pytest.approx(0.004 * 50)
    assert model.cores("postgres", passed, 200.0) is None


def test_a_cost_is_never_negative():
    """Less for more items can only be chance: it costs the same, whatever comes."""
    fewer = [
        use(1, pace, pace).model_copy(update={"cores": {"csv_log": cores}})
        for pace, cores in ((10.0, 0.02), (100.0, 0.01))
    ]
    model = model_of(profile_with(*fewer))
    found = [
        model.cores("csv_log", Passed(pace, pace, pace, pace), 10.0) or 0.0
        for pace in (1.0, 10.0, 500.0)
    ]
    assert found[0] == pytest.approx(0.02)
    assert found == sorted(found)


def test_what_a_pool_has_beside_the_fit_goes_from_pace_to_pace():
    own = [use(2, pace, pace, more=more) for pace, more in ((20.0, 1.0), (40.0, 1.2))]
    model = model_of(profile_with(*LINEAR.processor, *own), workers=2)
    alone = model_of(profile_with(*LINEAR.processor, *own), workers=1)

    def beside(pace: float) -> float:
        passed = Passed(pace, pace, pace, pace)
        pool, one = (each.cores("dispatcher", passed, pace) for each in (model, alone))
        assert pool is not None
        assert one is not None
        return pool / one

    ratios = [beside(pace) for pace in (20.0, 30.0, 40.0)]
    assert ratios == sorted(ratios)
    assert ratios[2] / ratios[0] == pytest.approx(1.2, rel=0.05)
    assert ratios[1] == pytest.approx((ratios[0] + ratios[2]) / 2, rel=0.02)


def test_what_a_worker_takes_over_an_answer_goes_from_pace_to_pace():
    profile = profile_with(use(1, 0, 1, worker_s=0.012), use(1, 100, 100, worker_s=0.008))
    each_s = model_of(profile).an_answer_s
    assert (each_s[0], each_s[32], each_s[64]) == pytest.approx((0.012, 0.010, 0.008))


def ran(profile: Profile, **options: object) -> Figures:
    return simulate(settings_of(line__items=100, **options), profile)


def test_a_virtual_run_says_what_each_process_used():
    figures = ran(LINEAR, infeed__items_per_min=1200.0, line__workers=2, camera__lead_s=1.6)
    used, wall_s = figures.processor_s, figures.wall_s
    assert used["worker-0"] + used["worker-1"] == pytest.approx(100 * 0.01)
    # Of those that are fed in the first two seconds pictures are there before the belt begins.
    assert used["camera-0"] == pytest.approx(100 * 0.001 + 60 * 0.004, rel=0.02)
    assert used["dispatcher"] == pytest.approx(0.001 * wall_s + 100 * 0.001)
    assert used["supervisor"] == pytest.approx(0.01 * wall_s)


def test_workers_that_share_the_cores_use_no_more_than_there_are():
    one_core = profile_with(*LINEAR.processor, cores=1)
    figures = ran(one_core, infeed__items_per_min=12000.0, line__workers=4)
    answers = figures.latency_ms.count
    workers_s = sum(s for name, s in figures.processor_s.items() if name.startswith("worker"))
    assert figures.busy_s > 0.03 * answers
    assert workers_s == pytest.approx(0.01 * answers, rel=0.05)
    assert capacity(one_core, 1, 4, 2, TwinError()).cores["worker"] == pytest.approx(1.0)


def test_two_cameras_use_what_passes_each_of_them():
    figures = ran(LINEAR, infeed__items_per_min=1200.0, line__cameras=2, camera__lead_s=1.6)
    used = figures.processor_s
    each = 50 * 0.001 + 11 * 0.004
    assert used["camera-0"] == pytest.approx(each, rel=0.02)
    assert used["camera-1"] == pytest.approx(each, rel=0.02)


def test_a_slower_machine_uses_more_of_it():
    usual = ran(LINEAR).processor_s
    slower = ran(LINEAR.slower(1.5)).processor_s
    assert slower["worker-0"] == pytest.approx(1.5 * usual["worker-0"])
    assert slower["dispatcher"] == pytest.approx(1.5 * usual["dispatcher"], rel=0.01)


def test_rows_are_the_same_whether_it_is_known_or_not():
    settings = settings_of(line__items=50, infeed__items_per_min=6000.0, line__workers=2)
    without = LINEAR.model_copy(update={"processor": ()})
    assert rows_of(settings, LINEAR) == rows_of(settings, without)
    assert not ran(without).processor_s


def test_the_accounts_of_a_virtual_run_have_it(tmp_path: Path):
    LINEAR.store(tmp_path / "profile.json")
    options = ("--clock=virtual", f"--profile={tmp_path / 'profile.json'}", "--quiet")
    assert main(["run", *options, "--items=20", "--workers=1", f"--run-dir={tmp_path / 'a'}"]) == 0
    bill = json.loads((tmp_path / "a" / "summary.json").read_text())["processor"]
    assert bill["items"] == 20
    assert bill["processes"]["worker-0"]["parts"] == {"foretold": pytest.approx(0.2)}
    assert bill["processes"]["worker-0"]["ms_per_item"] == pytest.approx(10.0)


@pytest.mark.parametrize(("cores", "limit"), [(2, Limit.CORES), (4, Limit.WORKERS)])
def test_the_cores_are_the_limit_where_all_processes_fill_them(cores: int, limit: Limit):
    """Two workers do 200 items a second: 2 cores, 1 of the camera, 0.2 of the dispatcher."""
    can = capacity(LINEAR_OF[cores], 1, 2, 2, TwinError())
    assert can.limit is limit
    assert can.cores["worker"] == pytest.approx(min(cores, 2), rel=0.05)


def test_a_plan_says_who_uses_the_cores_at_the_capacity():
    can = capacity(LINEAR_OF[2], 1, 1, 2, TwinError())
    cell = Belt("regular", 1.0, 1.0, 0.8, 50.0, 1).cell(3000.0, 0.5)
    result = Result(cell, {}, chance=1.0, draws=5, items=100, capacity=can)
    assert wording.capacity(result) == (
        "capacity 100 ± 8 items/s, limited by the workers (worker 1.00, camera 0.50, dispatcher "
        "0.10 of a core), load 50 %"
    )


LINEAR_OF = {cores: profile_with(*LINEAR.processor, cores=cores) for cores in (2, 4)}
