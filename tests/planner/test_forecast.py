"""What is said of one future run: its interval, its capacity, what speaks against the profile."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import pytest

from commands.plan_output import machine_now
from commands.profile import _wait_until_calm
from line.config import load
from line.model.facts import ModelFacts
from line.process.priority import usable_cores
from planner.measure import this_machine
from planner.measure.load_run import Seen
from planner.measure.profile_values import service
from planner.measure.rows import Answer
from planner.measure.series import Runs
from planner.measure.slowness import slowness_of
from planner.plan.capacity import Limit, capacity
from planner.plan.estimate import estimate
from planner.plan.target import Prospect, prospect
from planner.plan.twin_error import TwinError
from planner.profile import BLOCK_S, PIECE_S, Crowding, Machine, Profile, Service, Turnaround
from planner.sim.slowness import MachineSlowness
from planner.sim.twin import simulate
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.virtual_lines import settings_of

# -- the interval -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, 19, 99])
def test_nine_of_ten_runs_to_come_lie_within_the_interval(count: int):
    """4,000 times: draws, and one run more, of one distribution."""
    chance = random.Random(count)
    held = 0
    for _ in range(4000):
        *draws, comes = (chance.gauss(10.0, 1.0) for _ in range(count + 1))
        found = estimate(draws)
        held += found.low <= comes <= found.high
    assert held / 4000 == pytest.approx(0.9, abs=0.02)


def test_shares_stay_within_bounds():
    found = estimate([0.9, 1.0, 1.0, 1.0, 1.0], most=1.0)
    assert found.mean == pytest.approx(0.98)
    assert found.low < 0.9
    assert found.high == 1.0
    assert estimate([0.5], most=1.0).low == 0.0


def test_between_met_and_missed_nobody_can_tell():
    shares = (0.0, 0.1, 0.11, 0.5, 0.89, 0.9, 1.0)
    missed, met, open_ = Prospect.MISSED, Prospect.MET, Prospect.OPEN
    assert [prospect(share) for share in shares] == [missed, missed, open_, open_, open_, met, met]


# -- the capacity -------------------------------------------------------------------------------


def test_capacity_is_what_the_workers_answer_without_a_rest():
    profile = hand_made_profile(cores=4).model_copy(
        update={"turnaround": (Turnaround(workers=1, ms=(2.5,)),)}
    )
    two = capacity(profile, 1, 2, credit=2, twin_error=TwinError())
    assert two.items_per_s == pytest.approx(2 / 0.0125)
    assert two.half == pytest.approx(1.645 * 0.05 * two.items_per_s)
    assert two.limit is Limit.WORKERS
    assert two.load(80.0) == pytest.approx(0.5)


def test_more_workers_than_cores_do_no_more():
    profile = hand_made_profile(cores=4)
    found = [capacity(profile, 1, count, 2, TwinError()) for count in (3, 4, 8)]
    assert [each.items_per_s for each in found] == pytest.approx([300, 400, 400])
    assert [each.limit for each in found] == [Limit.WORKERS, Limit.CORES, Limit.CORES]


def test_a_slow_camera_is_the_limit():
    slow = {
        "service": (Service(busy=1, batch=1, items_per_s=100.0, ms=(10.0,)),),
        "picture_ms": (10.0,),
        "crowding": (Crowding(workers=1, items_per_s=100.0, factor=2.0),),
    }
    profile = hand_made_profile().model_copy(update=slow)
    one, two = (capacity(profile, cameras, 9, 2, TwinError()) for cameras in (1, 2))
    assert (one.items_per_s, two.items_per_s) == pytest.approx((50, 100), rel=0.01)
    assert one.limit is Limit.CAMERA


def test_a_site_can_do_what_its_lines_can():
    line = capacity(hand_made_profile(cores=2), 1, 2, 2, TwinError())
    site = line.of_site(50)
    assert (site.items_per_s, site.half) == (50 * line.items_per_s, 50 * line.half)
    assert site.limit is line.limit


def test_an_unsteady_machine_makes_the_capacity_lower_and_less_certain():
    steady = capacity(hand_made_profile(), 1, 1, 2, TwinError())
    unsteady = hand_made_profile().model_copy(update={"slowness": (1.0, 1.4)})
    found = capacity(unsteady, 1, 1, 2, TwinError())
    assert found.items_per_s == pytest.approx(steady.items_per_s / 1.2)
    assert found.half / found.items_per_s > 2 * steady.half / steady.items_per_s


# -- the machine's slowness ---------------------------------------------------------------------


def seen(*blocks: float) -> Seen:
    """One worker, an inference of 10 ms each 0.1 s, and as many times longer in each block."""
    moments_s = [0.1 * number + 0.05 for number in range(int(len(blocks) * BLOCK_S / 0.1))]
    return seen_at((at_s, blocks[int(at_s / BLOCK_S)]) for at_s in moments_s)


def seen_at(inferences: Iterable[tuple[float, float]]) -> Seen:
    """(when one begins, how many times 10 ms it takes), on a machine half as fast as at first."""
    answers = [
        Answer("worker-0#1", "glass", at, at, at, at, at + 0.01 * times, at, "", 0.9)
        for at, times in inferences
    ]
    return Seen(load(environment={}), answers, 1.0, None, slowness=2.0)


def test_what_disturbed_a_stretch_is_told_apart_from_the_inferences():
    """The machine was half as fast as at first, and in the last stretch slower by a quarter."""
    run = seen(1.0, 1.0, 1.0, 1.25)
    assert slowness_of([run]) == ((2.0, 2.0, 2.0, 2.5), ())
    (entry,) = service([run], 1)
    assert entry.ms == pytest.approx([5.0] * len(entry.ms))


def test_a_stretch_with_few_inferences_says_nothing():
    run = seen(1.0, 1.0)
    assert slowness_of([run.only(run.answers[:5])]) == ((), ())


def in_pieces(*pieces: Sequence[float]) -> Seen:
    """Ten inferences in each piece of a quarter of a second, as many times as long as is said."""
    return seen_at(
        (PIECE_S * number + 0.025 * k, times[k % len(times)])
        for number, times in enumerate(pieces)
        for k in range(10)
    )


def test_pieces_of_a_stretch_differ_by_what_is_not_chance():
    assert slowness_of([in_pieces((1.0,), (1.2,), (1.0,), (1.2,))])[1] == pytest.approx(
        (0.9091, 1.0909, 0.9091, 1.0909)
    )
    by_chance = slowness_of([in_pieces(*[(0.8, 1.2)] * 4)])[1]
    assert by_chance == pytest.approx((1.0, 1.0, 1.0, 1.0))
    both = slowness_of([in_pieces((0.8, 1.2), (1.0, 1.4), (0.8, 1.2), (1.0, 1.4))])[1]
    # Means are 9 % from 1; of that variance 0.00826 - 0.04 / 0.0121 / 9 is left to the machine.
    assert both[0] == pytest.approx(1 - 0.0909 * (1 - 0.0404 / 9 / 0.00826), rel=0.02)
    assert both[0] < 0.98 < 1.02 < both[1]


def test_one_inference_that_was_stopped_makes_no_piece_slow():
    stopped = [1.0] * 9 + [50.0]
    _, pieces = slowness_of([in_pieces((1.0,), stopped, (1.0,), (1.0,))])
    assert max(pieces) < 1.08


def test_the_twin_goes_through_a_stretch_as_it_was_measured():
    blocks = (1.0, 1.5, 2.0, 3.0)
    courses = {
        tuple(MachineSlowness(blocks, (), seed).at(BLOCK_S * n) for n in range(5))
        for seed in range(50)
    }
    turned = [blocks[n:] + blocks[:n] for n in range(4)]
    assert courses == {(*each, each[0]) for each in turned}
    assert MachineSlowness((), (), 1).at(1e6) == 1.0


def test_within_a_stretch_it_goes_through_the_pieces_that_were_measured():
    pieces = (0.9, 1.1, 1.0)
    courses = set()
    for seed in range(50):
        machine = MachineSlowness((2.0,), pieces, seed)
        courses.add(tuple(round(machine.at(PIECE_S * n) / 2, 4) for n in range(4)))
    turned = [pieces[n:] + pieces[:n] for n in range(3)]
    assert courses == {(*each, each[0]) for each in turned}


def test_a_slower_machine_makes_inferences_of_the_twin_longer():
    settings = settings_of(infeed__process="regular", infeed__items_per_min=600, line__duration_s=9)
    profile = hand_made_profile().model_copy(update={"slowness": (1.0, 2.0, 3.0)})
    rows: list[tuple[float, float]] = []
    simulate(
        settings,
        profile,
        on_row=lambda row: rows.append((row.scheduled_s, row.inference_ms or 0.0)),
    )
    early = [ms for at_s, ms in rows if at_s < BLOCK_S - 1]
    assert early == pytest.approx([early[0]] * len(early))
    assert fmean(ms for _, ms in rows) == pytest.approx(20.0, rel=0.1)
    assert {round(ms) for _, ms in rows} == {10, 20, 30}


# -- measuring on a machine that changes --------------------------------------------------------


def measured_runs(monkeypatch: pytest.MonkeyPatch, bare_s: list[float]) -> tuple[Runs, list[str]]:
    """Of one worker; no line runs. `bare_s`: of a bare inference, each time that it is timed."""
    times, told = iter(bare_s), []
    monkeypatch.setattr("planner.measure.series.observe", lambda *_: seen(1.0))
    runs = Runs.of(
        load(environment={}),
        ModelFacts(path="m.onnx", sha256="0" * 64, classes=("glass",)),
        lambda: next(times),
        picture_s=0.001,
        workers=1,
        run_s=1.0,
        tell=lambda step, of, what: told.append(f"{step}/{of} {what}"),
        watch=lambda status: None,
    )
    return runs, told


def test_a_run_during_which_the_machine_changed_is_made_again(monkeypatch: pytest.MonkeyPatch):
    """It became slower by a half while the second run went on, and stayed so."""
    calm, _ = measured_runs(monkeypatch, [0.01] * 30)
    changed, told = measured_runs(monkeypatch, [0.01, 0.01, *[0.015] * 30])
    assert [run.slowness for run in calm.every] == [1.0] * len(calm.every)
    assert [run.slowness for run in changed.every] == pytest.approx(
        [1.0, *[1.5] * (len(calm.every) - 1)]
    )
    assert [what for what in told if what.endswith("; the machine changed")] == [
        "2/9 1 worker, more items; the machine changed"
    ]


def test_runs_are_not_made_again_for_ever(monkeypatch: pytest.MonkeyPatch):
    restless = [0.01 * 2 ** (number % 2) for number in range(40)]
    _, told = measured_runs(monkeypatch, restless)
    assert sum(what.endswith("; the machine changed") for what in told) == 3


@pytest.mark.parametrize(
    ("looks", "found", "said"),
    [
        ([0.0], 0.0, ""),
        ([1.5, 1.5, 0.1], 0.1, "waiting for them up to 20 s"),
        ([1.5] * 20, 1.5, "warning: other programs keep 1.5 of 2 cores busy"),
        ([None], None, ""),
    ],
)
def test_a_busy_machine_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    looks: list[float | None],
    found: float | None,
    said: str,
):
    left = iter(looks)
    monkeypatch.setattr(this_machine, "busy_cores", lambda look_s: next(left))
    assert _wait_until_calm(2) == found
    assert next(left, "all") == "all"
    heard = " ".join(capsys.readouterr().err.split())
    assert said in heard
    assert bool(said) == bool(heard)


# -- the machine now ----------------------------------------------------------------------------


def of_this_machine(model: Path | None = None, **changes: object) -> Profile:
    import hashlib

    machine = Machine(
        cpu=this_machine.cpu_name(),
        cores=usable_cores(),
        python="3",
        onnxruntime=this_machine.runtime_version(),
    )
    own: dict[str, object] = {"machine": machine}
    if model is not None:
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
        own |= {"model_path": str(model), "model_sha256": digest}
    return hand_made_profile().model_copy(update={**own, **changes})


def without_busy(found: list[str]) -> list[str]:
    """Whether others use the cores while a test runs is not the test's affair."""
    return [sentence for sentence in found if "other programs keep" not in sentence]


def test_a_machine_that_is_slower_now_is_named(tiny_model: Path):
    profile = of_this_machine(tiny_model, inference_ms=1e-6)
    (said,) = without_busy(machine_now.doubts([profile], load(environment={})))
    assert said.startswith("an inference of ")
    assert "and took 0.0 ms when this machine was measured: measure again" in said


def test_another_version_of_onnx_runtime_is_named():
    profile = of_this_machine()
    other = profile.machine.model_copy(update={"onnxruntime": "0.1"})
    profile = profile.model_copy(update={"machine": other})
    (said,) = without_busy(machine_now.doubts([profile], load(environment={})))
    assert "was measured with ONNX Runtime 0.1, and " in said


def test_cores_that_others_keep_busy_are_named(monkeypatch: pytest.MonkeyPatch):
    for looks, is_named in (((1.5, 1.2, 1.9), True), ((1.5, 0.0, 1.9), False)):
        left = iter(looks)
        monkeypatch.setattr(this_machine, "busy_cores", lambda look_s, left=left: next(left))
        monkeypatch.setattr(machine_now, "usable_cores", lambda: 2)
        profile = of_this_machine()
        machine = profile.machine.model_copy(update={"cores": 2})
        found = machine_now.doubts(
            [profile.model_copy(update={"machine": machine})], load(environment={})
        )
        assert [
            doubt.startswith("other programs keep 1.2 of 2 cores busy now") for doubt in found
        ] == [True] * is_named


def test_a_plan_refuses_a_profile_that_does_not_hold_unless_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    profile = of_this_machine()
    other = profile.machine.model_copy(update={"onnxruntime": "0.1"})
    file = tmp_path / "profile.json"
    profile.model_copy(update={"machine": other}).store(file)
    line = "plan --scenario steady --belt-speed 1 --workers 1 --duration 2 --draws 5 --jobs 1"
    options = [*line.split(), f"--profile={file}", f"--out={tmp_path / 'plan'}"]
    assert main(options) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith("; or plan nevertheless: --anyway")
    assert "\n" not in said
    assert main([*options, "--anyway"]) == 0
    assert "In doubt: " in capsys.readouterr().out
    assert "In doubt: " in (tmp_path / "plan" / "plan.html").read_text()


def test_a_profile_of_another_machine_is_taken_as_it_is():
    assert machine_now.doubts([hand_made_profile()], load(environment={})) == []
