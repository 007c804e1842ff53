"""What runs of the real line tell: figures from rows that stand side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from line.config import load
from line.outcome import COLUMNS
from planner.measure.latency_samples import samples_of
from planner.measure.load_run import Seen
from planner.measure.loads import busy, with_kills
from planner.measure.profile_values import POINTS, quantiles, restarts_s, service, turnarounds
from planner.measure.rows import inferences, pictures_ms, read_answers, turnarounds_ms
from planner.profile import LatencySample, LatencySamples, Service, quantile

Row = dict[str, object]


def row(seq: int, worker: str, trigger_s: float, **times_ms: float) -> Row:
    """An answered item; times since its trigger."""
    known: Row = {
        "frame_id": f"0-{seq}",
        "camera": 0,
        "seq": seq,
        "scheduled_s": trigger_s,
        "true_class": "glass",
        "top3": "glass:0.9000",
        "confidence": 0.9,
        "verdict": "sorted",
        "worker": worker,
        "published_ms": 1,
        "dispatched_ms": 2,
    }
    return {**known, **times_ms}


def written(path: Path, rows: list[Row]) -> Path:
    lines = [",".join(str(each.get(name, "")) for name in COLUMNS) for each in rows]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    return path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two workers; the second begins while the first is busy, and the first goes on at once."""
    return written(
        tmp_path / "results.csv",
        [
            row(0, "worker-0#1", 1.0, queue_ms=4, inference_ms=10, latency_ms=15),
            row(1, "worker-1#1", 1.002, queue_ms=8, inference_ms=10, latency_ms=19),
            row(2, "worker-0#1", 1.004, queue_ms=11, inference_ms=6, latency_ms=18),
            row(3, "worker-0#1", 1.004, queue_ms=11, inference_ms=6, latency_ms=18),
            {**row(4, "", 1.005), "verdict": "dropped", "top3": "", "confidence": ""},
        ],
    )


def test_rows_side_by_side_tell_who_was_at_work(results: Path):
    """A worker whose next frame is at hand does not rest: the first one works from 1004 to 1021."""
    runs = inferences(read_answers(results))
    assert [(run.worker, run.batch) for run in runs] == [
        ("worker-0#1", 1),  # 1004 to 1014 ms
        ("worker-1#1", 1),  # 1010 to 1020 ms
        ("worker-0#1", 2),  # 1015 to 1021 ms, two pictures
    ]
    assert [run.company for run in runs] == pytest.approx([1.4, 2, 11 / 6])
    assert [run.duration_ms for run in runs] == pytest.approx([10, 10, 6])


def test_a_pause_counts_where_the_next_frame_was_at_hand(results: Path):
    runs = inferences(read_answers(results))
    assert turnarounds_ms(runs, hop_s=0.001) == pytest.approx([1])  # given at 1006, over at 1014
    assert turnarounds_ms(runs, hop_s=0.009) == []


def test_pictures_that_were_begun_at_the_photo_eye(tmp_path: Path):
    answered = {"queue_ms": 30, "inference_ms": 5, "latency_ms": 40}
    rows = [
        row(0, "worker-0#1", 1.0, **{**answered, "published_ms": 5}),
        row(1, "worker-0#1", 1.001, **{**answered, "published_ms": 12}),  # at 1013, 8 ms after
        row(2, "worker-0#1", 1.01, **{**answered, "published_ms": 11}),  # also behind: 8 ms
        row(3, "worker-0#1", 1.2, **{**answered, "published_ms": 6}),  # the camera had waited
    ]
    answers = read_answers(written(tmp_path / "results.csv", rows))
    assert pictures_ms(answers, publish_ms=0.5) == pytest.approx([8, 8, 5.5])


def seen_of(path: Path, rows: list[Row], workers: int = 1, slowness: float = 1.0) -> Seen:
    settings = load(environment={}, options=[("line.workers", workers)])
    answers = read_answers(written(path / "results.csv", rows))
    return Seen(settings, answers, start_s=1.0, cycle_s=None, slowness=slowness)


def test_a_restart_lasts_until_the_successor_begins(tmp_path: Path):
    load_ = with_kills(busy(load(environment={}), 10.0, 2.0, workers=1))
    times = {"queue_ms": 50, "inference_ms": 5, "latency_ms": 60}
    rows = [row(0, "worker-0#1", 1.0, **times), row(1, "worker-0#2", 3.0, **times)]
    answers = read_answers(written(tmp_path / "results.csv", rows))
    seen = Seen(load_, answers, start_s=1.0, cycle_s=None)
    assert restarts_s(seen) == pytest.approx([1.05])  # killed at 2.0
    assert len(seen.until_first_kill.answers) == 1


def test_ways_keep_together_what_one_item_met_that_found_a_worker_free(tmp_path: Path):
    rows = [
        row(0, "worker-0#1", 1.0, queue_ms=4, inference_ms=10, latency_ms=15),
        row(1, "worker-0#1", 1.5, queue_ms=8, inference_ms=6, latency_ms=15),
        row(2, "worker-0#1", 1.51, queue_ms=8, inference_ms=6, latency_ms=16),  # behind the other
        row(3, "worker-0#1", 2.5, queue_ms=3, inference_ms=8, latency_ms=13),
    ]
    seen = seen_of(tmp_path, rows)
    curve = Service(busy=1, batch=1, ms=(6.0, 10.0))
    [samples] = samples_of([seen], None, [curve], picture_ms=5.0)
    assert [
        (sample.publish_ms, sample.to_worker_ms, sample.decision_ms) for sample in samples.items
    ] == [
        (1, 3, 1),
        (1, 7, 1),
        (1, 2, 2),
    ]
    assert [sample.inference for sample in samples.items] == pytest.approx([1, 0, 0.5])
    assert [(sample.headway_ms, sample.follower_ms) for sample in samples.items] == [
        (1000, 500),
        (500, 10),
        (990, 1000),
    ]
    assert [sample.busy for sample in samples.items] == [0, 0, 0]


def test_in_a_pool_a_way_may_have_busy_workers_beside_it(tmp_path: Path):
    times = {"queue_ms": 4, "inference_ms": 20, "latency_ms": 25}
    rows = [row(seq, f"worker-{seq}#1", 1.0 + seq / 100, **times) for seq in range(3)]
    [samples] = samples_of([seen_of(tmp_path, rows, workers=2)], 2, [], picture_ms=5.0)
    assert [sample.busy for sample in samples.items] == [0, 1]  # both were busy when the third came


def test_an_item_whose_picture_was_not_ready_says_nothing(tmp_path: Path):
    rows = [
        {
            **row(0, "worker-0#1", 2.0, queue_ms=10, inference_ms=7, latency_ms=18),
            "published_ms": 9,
        }
    ]
    seen = seen_of(tmp_path, rows)
    assert len(list(samples_of([seen], None, [], picture_ms=500.0))) == 1  # on a ride of 600 ms
    assert list(samples_of([seen], None, [], picture_ms=700.0)) == []


def test_figures_are_of_the_company_throughout_and_of_an_undisturbed_machine(tmp_path: Path):
    """Twelve pairs side by side; the machine took twice as long as at first."""
    times = {"queue_ms": 4, "inference_ms": 20, "latency_ms": 25}
    rows = [
        row(2 * pair + number, f"worker-{number}#1", 1.0 + pair, **times)
        for pair in range(12)
        for number in range(2)
    ]
    seen = seen_of(tmp_path, rows, workers=2, slowness=2.0)
    [found] = service([seen], 2)
    assert (found.busy, found.workers) == (2, 2)
    assert found.ms == pytest.approx([10.0] * len(found.ms))
    [samples] = samples_of([seen], 2, [], picture_ms=5.0)
    assert {sample.to_worker_ms for sample in samples.items} == {1.5}


def test_each_pool_has_its_own_pause_between_two_inferences(tmp_path: Path):
    sample = LatencySample(publish_ms=0, to_worker_ms=1, inference=0.5, decision_ms=0)
    found = [
        turnarounds(
            [
                seen_of(
                    tmp_path,
                    [
                        row(
                            n,
                            "worker-0#1",
                            1.0,
                            queue_ms=4 + 12 * n,
                            inference_ms=10,
                            latency_ms=99,
                        )
                        for n in range(12)
                    ],
                    workers,
                )
            ],
            LatencySamples(items=(sample,)),
        )
        for workers in (1, 2)
    ]
    assert [(each.workers, each.ms) for [each] in found] == [
        (1, pytest.approx((2.0,))),
        (2, pytest.approx((2.0,))),
    ]


def test_quantiles_keep_ends_and_middle():
    found = quantiles(range(1001))
    assert len(found) == POINTS
    assert (found[0], found[50], found[-1]) == (0, 500, 1000)
    assert quantile(found, 0.255) == pytest.approx(255)
    assert quantiles([3.0, 3.0]) == (3.0,)
