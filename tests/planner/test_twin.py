"""The twin, worked out by hand; the same again; and at large."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

import pytest

from line.outcome import CLASSIFIED, IN_TIME, Outcome, Verdict
from line.run_files.results import encode_rows
from line.settings import Settings
from planner.cells import simulate_cells
from planner.profile import Profile, Service, Turnaround
from planner.sim.twin import simulate
from tests.hand_made_profile import CLASSES, hand_made_profile
from tests.virtual_lines import Rows, log_of, rows_of, settings_of

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


def test_the_log_writes_what_has_come_at_once():
    """One frame fits: each is answered and stored 15 ms after its trigger, before the next."""
    settings = settings_of(line__items=10, infeed__items_per_min=3000.0, camera__window_frames=1)
    rows = rows_of(settings, hand_made_profile(inference_ms=15))
    assert [row.latency_ms for row in rows] == [15] * 10


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


def gaining(base_ms: float, picture_ms: float) -> Profile:
    """By batches of one and of four."""
    entries = tuple(Service(busy=1, batch=n, ms=(base_ms + n * picture_ms,)) for n in (1, 4))
    return hand_made_profile(hop_ms=1).model_copy(update={"service": entries})


def inferences(rows: Rows) -> list[tuple[float, int]]:
    """(ms that it took, frames in it) of each, in the order in which they began."""
    begun = Counter(
        (round(1000 * row.scheduled_s + row.queue_ms, 3), row.inference_ms) for row in rows
    )
    return [(ms, count) for (_, ms), count in sorted(begun.items())]


def test_batches_by_slack_take_what_a_batch_of_their_size_does():
    """2 ms apart, 8 ms + 1 ms a picture: no rest between two batches, and at first small ones.

    When a batch is given out the one before it is not done yet: sizes are proved two by two.
    """
    settings = settings_of(line__items=60, infeed__items_per_min=30_000.0, camera__window_frames=99)
    found = inferences(rows_of(settings, gaining(8, 1)))
    assert found == [(8.0 + count, count) for count in (1, 1, 2, 2, 4, 4, 8, 8, 16, 13, 1)]


@pytest.mark.parametrize("deadline_m", [0.8, 0.09])
def test_with_batches_by_slack_no_load_is_served_worse_and_nobody_expires_for_one(deadline_m):
    """A deadline 750 ms or 40 ms after the trigger; one by one 111 items a second can be done."""
    for items_per_s in (50, 100, 200, 400, 550):
        by_slack = settings_of(
            line__items=400,
            infeed__process="poisson",
            infeed__items_per_min=60.0 * items_per_s,
            belt__camera_to_ejector_m=deadline_m,
            camera__window_frames=256,
        )
        singly = by_slack.replaced({"worker": {"credit": 2}})
        before, after = (
            {row.seq for row in rows_of(each, gaining(8, 1)) if row.verdict in IN_TIME}
            for each in (singly, by_slack)
        )
        assert len(after) >= len(before)
        if deadline_m > 0.5:
            assert len(after) == 400
        elif items_per_s <= 100:
            assert before <= after
        assert len(after) > 0.75 * 400


def test_with_batches_by_slack_the_line_does_several_times_as_much():
    line = {"line__items": 2000, "line__speed": "max", "camera__window_frames": 128}
    belts = (settings_of(**line, worker__credit=2), settings_of(**line))
    singly, by_slack = (simulate(each, gaining(8, 1)) for each in belts)
    assert singly.wall_s >= 2000 * 0.009
    assert by_slack.wall_s < singly.wall_s / 3


def test_without_a_gain_or_with_a_credit_there_are_no_batches_by_slack():
    settings = settings_of(line__items=30, infeed__items_per_min=30_000.0, camera__window_frames=99)
    set_credit = settings.replaced({"worker": {"credit": 2}})
    for each, profile in ((settings, gaining(0, 9)), (set_credit, gaining(8, 1))):
        assert {count for _, count in inferences(rows_of(each, profile))} == {1}


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


def test_an_items_chance_does_not_depend_on_the_workers():
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
