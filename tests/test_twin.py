from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from line.config import load
from line.errors import BadInput
from line.outcome import CLASSIFIED, Outcome, Verdict
from line.settings import Settings
from planner.cells import simulate_cells
from planner.profile import Profile, Service, Turnaround, newest
from planner.supervisor import Failures
from planner.twin import simulate
from producers.randomness import Purpose, stream
from producers.streams import first_uniforms, streams
from run_line import main
from sinks.csv_rows import encode_rows
from tests.hand_made_profile import CLASSES, hand_made_profile
from tests.running_line import RunningLine
from tests.tiny_model import write_tiny_model

Rows = list[Outcome]


def settings_of(events: list[dict[str, Any]] | None = None, **options: Any) -> Settings:
    """One worker, regular items, a deadline 0.75 s after the trigger; `section__key=value`."""
    chosen = {
        "line.workers": 1,
        "infeed.process": "regular",
        "infeed.items_per_min": 60.0,
        "review.enabled": False,
        **{key.replace("__", "."): value for key, value in options.items()},
    }
    settings = load(environment={}, options=chosen.items())
    return Settings.model_validate({**settings.model_dump(), "events": events or []})


def rows_of(settings: Settings, profile: Profile | None = None, **further: Any) -> Rows:
    rows: Rows = []
    simulate(settings, profile or hand_made_profile(), on_row=rows.append, **further)
    return rows


def log_of(rows: Rows) -> list[tuple[int, str, float | None]]:
    return [(row.seq, row.verdict, row.latency_ms) for row in rows]


# -- worked out by hand -------------------------------------------------------------------------


def test_an_item_that_meets_nobody_takes_its_hops_and_its_inference():
    rows = rows_of(settings_of(line__items=3), hand_made_profile(inference_ms=10, hop_ms=2))
    assert [(row.latency_ms, row.queue_ms, row.inference_ms) for row in rows] == [(14, 2, 10)] * 3
    assert [row.slack_ms for row in rows] == [736] * 3
    assert [row.scheduled_s for row in rows] == [1.6, 2.6, 3.6]
    assert {row.worker for row in rows} == {"worker-0#1"}


def test_items_queue_for_the_worker_until_they_are_late_or_expire():
    """Ten items, 100 ms apart, 300 ms each: the n-th begins after 200 n ms, or never.

    Item 3 begins at 600 ms and is decided at 900, late. Item 4 would begin at 800: it expires at
    the worker's, which holds two. Item 5 takes its place 700 ms after its trigger, and so on.
    """
    settings = settings_of(line__items=10, infeed__items_per_min=600.0)
    rows = {row.seq: row for row in rows_of(settings, hand_made_profile(inference_ms=300))}
    begun = {seq: row.queue_ms for seq, row in rows.items() if row.verdict in CLASSIFIED}
    assert [rows[seq].verdict in CLASSIFIED for seq in range(4)] == [True] * 4
    assert [begun[seq] for seq in range(4)] == [0, 200, 400, 600]
    assert [rows[seq].latency_ms for seq in range(4)] == [300, 500, 700, 900]
    assert rows[3].verdict == Verdict.LATE
    assert rows[4].verdict == Verdict.EXPIRED
    assert rows[4].reason == "its deadline passed at the worker"
    assert begun[5] == 700
    assert all(delay < 750 for delay in begun.values())


def test_a_full_window_drops_the_newest():
    """Two frames fit, items come 100 ms apart: 0 leaves at 350 ms, so 4 fits; 1 leaves at 700."""
    settings = settings_of(line__items=7, infeed__items_per_min=600.0, camera__window_frames=2)
    rows = rows_of(settings, hand_made_profile(inference_ms=350))
    answered = [row for row in rows if row.verdict == Verdict.SORTED]
    assert log_of(answered) == [
        (0, Verdict.SORTED, 350.0),
        (1, Verdict.SORTED, 600.0),
        (4, Verdict.SORTED, 650.0),
    ]
    dropped = sorted((row.seq, row.verdict, row.reason) for row in rows if row not in answered)
    reason = "overrun: the camera's window was full"
    assert dropped == [(seq, Verdict.DROPPED, reason) for seq in (2, 3, 5, 6)]


def test_more_workers_than_cores_slow_one_another():
    """On one core, 10 ms apart: a tenth of each alone, the rest at half the speed."""
    settings = settings_of(line__items=2, line__workers=2, infeed__items_per_min=6000.0)
    rows = rows_of(settings, hand_made_profile(inference_ms=100, cores=1))
    assert [row.inference_ms for row in rows] == pytest.approx([190, 190])


def test_inferences_go_as_fast_as_those_at_work_let_them():
    """Begun at 0, 10 and 20 ms: 10 alone and 117 in company, 130 in company, 120 and 7.7 alone."""
    crowded = (
        Service(busy=1, batch=1, ms=(100.0,)),
        Service(busy=2, batch=1, ms=(130.0,)),
    )
    profile = hand_made_profile().model_copy(update={"service": crowded})
    settings = settings_of(line__items=3, line__workers=3, infeed__items_per_min=6000.0)
    rows = sorted(rows_of(settings, profile), key=lambda row: row.seq)
    assert [row.inference_ms for row in rows] == pytest.approx([127, 130, 127.692], abs=0.01)


def test_a_worker_pauses_between_two_inferences_as_long_as_in_its_pool():
    pauses = (Turnaround(workers=1, ms=(2.0,)), Turnaround(workers=2, ms=(5.0,)))
    profile = hand_made_profile().model_copy(update={"turnaround": pauses})
    settings = settings_of(line__items=3, line__workers=1, infeed__items_per_min=60_000.0)
    rows = sorted(rows_of(settings, profile), key=lambda row: row.seq)
    assert [row.latency_ms for row in rows] == pytest.approx([10, 21, 32])


def test_pictures_are_made_on_the_ride_as_long_as_the_window_may_have_room_for_them():
    """Seven items ride when the first is at the photo-eye, and four frames fit the window."""
    settings = settings_of(
        line__items=10,
        infeed__items_per_min=600.0,
        belt__infeed_to_camera_m=0.65,
        camera__window_frames=4,
    )
    profile = hand_made_profile(inference_ms=1).model_copy(update={"picture_ms": (10.0,)})
    rows = rows_of(settings, profile)
    assert [row.published_ms for row in rows] == [0, 0, 0, 0, 10, 10, 10, 0, 0, 0]


def test_half_of_the_credit_goes_into_one_inference():
    """Credit 8, so batches of four; while the first item is alone in it, seven gather."""
    settings = settings_of(line__items=8, infeed__items_per_min=6000.0, worker__credit=8)
    rows = rows_of(settings, hand_made_profile(inference_ms=100))
    batches = Counter((row.queue_ms or 0) + 10 * row.seq for row in rows)
    assert list(batches.values()) == [1, 4, 3]
    assert [row.inference_ms for row in rows] == [100, 400, 400, 400, 400, 300, 300, 300]


def test_rows_are_written_in_the_order_in_which_the_log_stores_them():
    settings = settings_of(line__items=4, line__workers=2)
    assert [row.seq for row in rows_of(settings)] == [0, 1, 2, 3]


@pytest.mark.parametrize("speed", [0.5, 4.0])
def test_at_a_multiplier_the_belt_is_faster_and_inference_is_not(speed: float):
    rows = rows_of(settings_of(line__items=2, line__speed=speed))
    assert [row.latency_ms for row in rows] == [10, 10]
    assert [row.slack_ms for row in rows] == [pytest.approx(750 / speed - 10)] * 2
    assert [row.scheduled_s for row in rows] == [1.6, 2.6]


def test_at_max_nothing_has_a_deadline_and_nothing_is_lost():
    settings = settings_of(line__items=200, line__speed="max", camera__window_frames=4)
    figures = simulate(settings, hand_made_profile(inference_ms=10))
    assert figures.in_time_rate == 1
    assert figures.utilisation == pytest.approx(1, abs=0.05)
    assert figures.throughput_fps == pytest.approx(100, rel=0.05)


# -- faults -------------------------------------------------------------------------------------


def test_a_killed_worker_is_replaced_and_its_frames_are_done_again():
    """Killed at 1.65 s in the midst of item 0, which expires at 2.35; another is ready at 2.65."""
    kill = {"at_s": 1.65, "action": "kill", "role": "worker", "index": 0}
    rows = rows_of(settings_of([kill], line__items=3), hand_made_profile(inference_ms=100))
    assert log_of(rows) == [
        (0, Verdict.EXPIRED, None),
        (1, Verdict.SORTED, 150.0),
        (2, Verdict.SORTED, 100.0),
    ]
    assert rows[0].attempts == 1
    assert [row.worker for row in rows[1:]] == ["worker-0#2"] * 2


@pytest.mark.parametrize("role", ["csv_log", "alerts", "dispatcher", "camera-0"])
@pytest.mark.parametrize("action", ["kill", "freeze"])
def test_whoever_is_hit_every_item_has_one_row(role: str, action: str):
    target: dict[str, Any] = {"role": role.partition("-")[0], "index": 0}
    if role in ("csv_log", "alerts"):
        target = {"role": "sink", "index": role}
    event = {"at_s": 2.0, "action": action, **target}
    if action == "freeze":
        event["duration_s"] = 1.0
    settings = settings_of([event], line__items=60, infeed__items_per_min=1200.0)
    rows = rows_of(settings)
    assert sorted(row.seq for row in rows) == list(range(60))
    if role == "camera-0" and action == "kill":
        assert "the camera was down" in {row.reason for row in rows}


def test_a_dispatcher_that_dies_frozen_takes_with_it_what_it_had_not_heard():
    """It hangs from 2 s on, and is killed before it hears what has come meanwhile."""
    freeze = {"at_s": 2.0, "action": "freeze", "role": "dispatcher", "duration_s": 8.0}
    settings = settings_of([freeze], line__items=60, infeed__items_per_min=300.0)
    assert settings.supervisor.hang_s < 8
    rows = rows_of(settings)
    assert sorted(row.seq for row in rows) == list(range(60))
    assert Verdict.SORTED in {row.verdict for row in rows if row.scheduled_s > 11}


def test_pictures_that_are_damaged_or_kill_fail():
    corrupt = {"at_s": 0.0, "action": "corrupt", "share": 1.0, "duration_s": 2.0}
    poison = {"at_s": 2.0, "action": "poison", "share": 1.0, "duration_s": 1.0}
    settings = settings_of([corrupt, poison], line__items=3, line__workers=4)
    reasons = [row.reason for row in rows_of(settings)]
    assert reasons[0] == "its picture was damaged on the way: the checksum differs"
    assert reasons[1] == "3 workers died or hung on it"
    assert reasons[2] == ""


def test_a_slow_worker_and_a_stalled_camera_cost_time():
    slow = {"at_s": 1.0, "action": "slow", "index": 0, "factor": 5.0, "duration_s": 1.0}
    stall = {"at_s": 2.5, "action": "stall", "duration_s": 0.5}
    rows = rows_of(settings_of([slow, stall], line__items=3))
    assert [row.latency_ms for row in rows] == [50, 410, 10]


def test_workers_that_fail_by_themselves_are_repaired():
    settings = settings_of(line__duration_s=600.0, line__workers=2)
    failures = Failures(between_s=60.0, repair_s=30.0)
    figures = simulate(settings, hand_made_profile(), failures=failures)
    assert figures.restarts["worker"] > 5
    assert figures.fed == 600
    assert 0.5 < (figures.in_time_rate or 0) < 1


EVENTS = st.one_of(
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.just("kill"),
            "role": st.sampled_from(["worker", "camera", "dispatcher"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.just("freeze"),
            "role": st.just("sink"),
            "index": st.sampled_from(["csv_log", "alerts"]),
            "duration_s": st.floats(0.1, 3),
        }
    ),
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.sampled_from(["surge", "slow"]),
            "factor": st.floats(1.1, 5),
            "duration_s": st.floats(0.1, 3),
        }
    ),
    st.fixed_dictionaries(
        {
            "at_s": st.floats(0, 4),
            "action": st.sampled_from(["corrupt", "poison"]),
            "share": st.floats(0.1, 1),
            "duration_s": st.floats(0.1, 3),
        }
    ),
    st.fixed_dictionaries(
        {"at_s": st.floats(0, 4), "action": st.just("drift"), "factor": st.floats(0.3, 3)}
    ),
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    events=st.lists(EVENTS, max_size=5),
    speed=st.sampled_from([1.0, 5.0, "max"]),
    credit=st.integers(1, 6),
    seed=st.integers(0, 2**40),
)
def test_whatever_happens_every_item_has_one_row(
    events: list[dict[str, Any]], speed: float | str, credit: int, seed: int
):
    settings = settings_of(
        events,
        line__items=80,
        line__seed=seed,
        line__cameras=2,
        line__workers=2,
        line__speed=speed,
        infeed__items_per_min=1200.0,
        infeed__process="poisson",
        worker__credit=credit,
        camera__window_frames=8,
        review__enabled=True,
    )
    profile = hand_made_profile(inference_ms=30, hop_ms=1, store_ms=4)
    keys = [(row.camera, row.seq) for row in rows_of(settings, profile)]
    assert sorted(keys) == [(camera, seq) for camera in (0, 1) for seq in range(40)]


# -- the same, again and at large ---------------------------------------------------------------


def busy(**options: Any) -> Settings:
    return settings_of(
        infeed__items_per_min=6000.0, infeed__process="poisson", line__workers=2, **options
    )


def uneven() -> Profile:
    """Times that differ from item to item."""
    profile = hand_made_profile(hop_ms=1, store_ms=5)
    return profile.model_copy(update={"service": (Service(busy=1, batch=1, ms=(5.0, 9.0, 40.0)),)})


def test_the_same_seed_gives_the_same_file_and_another_seed_another():
    files = [
        encode_rows(rows_of(busy(line__items=500, line__seed=seed), uneven())) for seed in (7, 7, 8)
    ]
    assert files[0] == files[1] != files[2]


def test_an_items_luck_does_not_depend_on_the_workers():
    few, many = (
        {row.seq: row.inference_ms for row in rows_of(settings, uneven()) if row.inference_ms}
        for settings in (
            settings_of(line__items=50),
            settings_of(line__items=50, line__workers=9),
        )
    )
    assert few == many


def test_memory_does_not_grow_with_the_run():
    """Nothing that a garbage collector knows of is kept for an item that is done with."""
    counts: dict[int, int] = {}

    def look(row: Outcome) -> None:
        if row.seq in (2_000, 8_000):
            gc.collect()
            counts[row.seq] = len(gc.get_objects())

    simulate(busy(line__items=8_100), uneven(), on_row=look)
    assert counts[8_000] < counts[2_000] + 1_000


def test_cells_are_lines_side_by_side():
    settings = busy(line__items=300)
    alone, three = (simulate_cells(settings, uneven(), cells) for cells in (1, 3))
    assert alone.fates == simulate(settings, uneven()).fates
    assert (three.fed, three.workers) == (900, 6)
    assert three.verdicts != {name: 3 * items for name, items in alone.verdicts.items()}
    with pytest.raises(ValueError, match="at least 1"):
        simulate_cells(settings, uneven(), 0)


def test_figures_are_those_of_the_rows():
    rows: Rows = []
    settings = busy(line__items=400, decision__threshold=0.95)
    figures = simulate(settings, uneven(), on_row=rows.append)
    assert figures.verdicts[Verdict.LOW_CONFIDENCE] > 0
    assert figures.fed == len(rows) == 400
    latencies = sorted(row.latency_ms for row in rows if row.latency_ms is not None)
    assert figures.latency_ms.count == len(latencies)
    median = latencies[(len(latencies) + 1) // 2 - 1]
    assert figures.latency_ms.quantile_ms(0.5) == pytest.approx(median, rel=0.002)
    sure = simulate(busy(line__items=400), hand_made_profile(inference_ms=1))
    assert {sure.purity(name) for name in CLASSES[:-1]} == {1.0}
    assert sure.purity("trash") is None
    assert sure.recovery() == sure.recovery("glass", by_mass=True) == 1.0


# -- beside the real line -----------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(7, 0), (2**40 + 5, 63), (2**63 - 1, 70_000)])
@pytest.mark.parametrize("purpose", [Purpose.ARRIVAL, Purpose.ITEM])
def test_streams_are_the_streams_one_by_one(numbers: tuple[int, int], purpose: Purpose):
    for seq, rng in enumerate(islice(streams(*numbers, purpose), 1100)):
        if seq % 50 == 0 or seq > 1020:
            alone = stream(*numbers, seq, purpose)
            assert rng.exponential(0.3) == alone.exponential(0.3)
            assert rng.integers(1000) == alone.integers(1000)
            assert rng.random() == alone.random()


def test_first_uniforms_are_those_of_the_streams():
    for seq, share in enumerate(islice(first_uniforms(2**40 + 5, 3, Purpose.ITEM), 1100)):
        if seq % 50 == 0:
            assert share == stream(2**40 + 5, 3, seq, Purpose.ITEM).random()


def test_items_and_triggers_are_those_of_the_real_line(tmp_path: Path):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    options = ("--source=procedural", "--cameras=2", "--items=40", "--seed=11", f"--model={model}")
    belt = ("--set=infeed.process='poisson'", "--set=infeed.items_per_min=1200")
    small = ("--set=camera.width_px=32", "--set=camera.height_px=32")
    quick = ("--speed=max", "--workers=1", "--no-active-learning")
    with RunningLine(tmp_path / "real", *options, *belt, *small, *quick) as line:
        assert line.finish()[0] == 0
    profile = hand_made_profile()
    profile.store(tmp_path / "profile.json")
    virtual = ("--clock=virtual", f"--profile={tmp_path / 'profile.json'}", "--quiet")
    assert main(["run", *virtual, f"--run-dir={tmp_path / 'virtual'}", *options[:-1], *belt]) == 0
    real, simulated = (
        RunningLine(tmp_path / name)
        .rows()[["frame_id", "scheduled_s", "true_class", "mass_g"]]
        .sort_values("frame_id", ignore_index=True)
        for name in ("real", "virtual")
    )
    assert real.equals(simulated)


def test_a_virtual_run_leaves_what_a_run_leaves(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    profile = tmp_path / "profile.json"
    hand_made_profile().store(profile)
    arguments = ("--clock=virtual", f"--profile={profile}", "--items=30", "--workers=1")
    assert main(["run", *arguments, f"--run-dir={tmp_path / 'run'}"]) == 0
    printed = capsys.readouterr().out
    assert "fed 30 = logged 30, lost 0, duplicates 0" in printed
    assert "virtual time" in printed
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"results.csv", "run.json", "settings.json", "summary.json", "report.html"} <= names
    assert '"clock": "virtual"' in (tmp_path / "run" / "run.json").read_text()


# -- wrong input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (lambda: settings_of(line__items=0), "line.duration_s, line.items"),
        (lambda: settings_of(line__items=1, source__spec="webcam:0"), "webcam:0"),
        (lambda: settings_of(line__items=1, source__spec=__file__), "nobody knows its items"),
        (lambda: settings_of(line__items=1, source__spec="/nowhere"), "no such file"),
    ],
)
def test_what_cannot_be_simulated_is_refused(settings: Callable[[], Settings], named: str):
    with pytest.raises(BadInput, match=named):
        simulate(settings(), hand_made_profile())


def test_a_flat_folder_has_no_classes(tmp_path: Path):
    Image.new("RGB", (32, 32)).save(tmp_path / "one.png")
    with pytest.raises(BadInput, match="no sub-folder for each class"):
        simulate(settings_of(source__spec=str(tmp_path)), hand_made_profile())


def test_a_folder_of_classes_is_fed_as_the_real_line_feeds_it(tmp_path: Path):
    for name, count in (("glass", 3), ("metal", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            Image.new("RGB", (32, 32)).save(tmp_path / name / f"{number}.png")
    rows = rows_of(settings_of(source__spec=str(tmp_path)))
    assert Counter(row.true_class for row in rows) == {"glass": 3, "metal": 2}


def test_a_class_without_answers_is_named():
    profile = hand_made_profile()
    answers = {name: known for name, known in profile.answers.items() if name != "paper"}
    with pytest.raises(BadInput, match="no answers to items of class 'paper'"):
        simulate(settings_of(line__items=1), profile.model_copy(update={"answers": answers}))


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('"picture_ms": [', '"picture_ms": [5, ', "picture_ms: must not fall"),
        ('"cores": 64', '"cores": 0', "machine.cores"),
        ('"busy": 1', '"busy": 2', "service: must hold busy = 1"),
        ('"source"', '"sauce"', "source: Field required"),
        ('"machine"', '"sauce": 1, "machine"', "sauce: Extra inputs"),
        ("{", "", "Invalid JSON"),
    ],
)
def test_a_damaged_profile_is_one_line(tmp_path: Path, before: str, after: str, named: str):
    path = tmp_path / "profile.json"
    hand_made_profile().store(path)
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(BadInput, match=named) as caught:
        Profile.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_profile_it_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(BadInput, match=r"run_line\.py profile"):
        newest(settings_of(results__dir=str(tmp_path)))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--clock=virtual", "--profile=/nowhere.json"), "/nowhere.json: No such file"),
        (("--profile=x.json",), "--profile: the real line needs none"),
        (("--clock=virtual", "--record"), "record.enabled: not in virtual time"),
        (("--clock=virtual", "--console=on"), "--console"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    arguments: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["run", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert named in complaint
    assert complaint.count("\n") == 1
