from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from line import pictures
from line.messages import (
    Encoding,
)
from line.outcome import Outcome, Verdict, encode_top3
from line.settings import ReviewSettings
from sinks.active_learning import ActiveLearning, difference_hash, margin
from sinks.loop import Delivery, Receipt
from sinks.review_queue import ReviewQueue
from tests.test_csv_log import delivery, outcome

SEED = 7


def limits(**changes: Any) -> ReviewSettings:
    """Only doubtful items, no caps in the way, only equal pictures are duplicates."""
    values = {
        "enabled": True,
        "margin": 0.25,
        "random_share": 0.0,
        "per_class_max": 1000,
        "per_minute_max": 1000,
        "max_pictures": 1000,
        "max_mb": 1000,
        "spool_mb": 100,
        "near_duplicate_bits": 0,
    }
    return ReviewSettings.model_validate(values | changes)


def doubtful(seq: int, predicted: str = "glass", **facts: Any) -> Outcome:
    top3 = encode_top3([(predicted, 0.45), ("paper", 0.35), ("metal", 0.2)])
    return outcome(seq, predicted_class=predicted, confidence=0.45, top3=top3, **facts)


def sure(seq: int) -> Outcome:
    return outcome(seq, top3=encode_top3([("glass", 0.9), ("paper", 0.07), ("metal", 0.03)]))


def noise(number: int) -> pictures.Picture:
    """A picture unlike that of any other number."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (36, 40, 3), dtype=np.uint8)


def shown(
    row: Outcome, picture: pictures.Picture | None = None, encoding: Encoding = "raw"
) -> Delivery:
    """A row with its picture, by default one that belongs to its number."""
    picture = noise(row.seq) if picture is None else picture
    data = pictures.encode(picture, encoding, 95)
    return delivery(row, data, encoding, picture.shape[0], picture.shape[1])


@pytest.fixture
def queue(tmp_path) -> Iterator[ReviewQueue]:
    with ReviewQueue(tmp_path / "review") as queue:
        yield queue


def names(queue: ReviewQueue) -> list[str]:
    return [item.frame_id for item in queue.items()]


# -- which items ---------------------------------------------------------------------------------


def test_only_the_pictures_of_doubtful_items_are_wanted(queue):
    sink = ActiveLearning(queue, limits(), SEED)

    receipt = sink.store([delivery(doubtful(0)), delivery(sure(1))])

    assert receipt == Receipt(stored=[(0, 1)], wanted=[(0, 0)])
    assert names(queue) == []


def test_a_doubtful_item_with_its_picture_is_queued(queue):
    sink = ActiveLearning(queue, limits(), SEED)

    receipt = sink.store([shown(doubtful(3))])

    assert receipt == Receipt(stored=[(0, 3)])
    (item,) = queue.items()
    assert (item.frame_id, item.predicted_class, item.reason) == ("0-3", "glass", "margin")
    assert (item.confidence, item.scheduled_s) == (0.45, 0.375)
    assert item.margin == pytest.approx(0.1)
    assert item.picture_hash == difference_hash(noise(3))


def test_the_queued_picture_is_what_the_model_saw(queue):
    ActiveLearning(queue, limits(), SEED).store([shown(doubtful(3))])

    with Image.open(queue.folder / queue.items()[0].image) as image:
        assert np.array_equal(np.asarray(image), noise(3))


def test_a_jpeg_is_queued_as_it_looks(queue):
    flat = np.full((36, 40, 3), (200, 40, 90), np.uint8)
    ActiveLearning(queue, limits(), SEED).store([shown(doubtful(3), flat, "jpeg")])

    with Image.open(queue.folder / queue.items()[0].image) as image:
        assert np.abs(np.asarray(image).astype(int) - flat).max() < 6


def test_an_item_just_at_the_margin_is_clear_enough(queue):
    at_the_margin = outcome(0, top3="glass:0.5000|paper:0.2500|metal:0.2500")
    sink = ActiveLearning(queue, limits(margin=0.25), SEED)

    assert sink.store([delivery(at_the_margin)]).wanted == []


@pytest.mark.parametrize("verdict", [Verdict.DROPPED, Verdict.EXPIRED, Verdict.FAILED])
def test_an_item_that_no_model_answered_for_is_never_wanted(queue, verdict):
    unanswered = outcome(0, predicted_class=None, confidence=None, top3="", verdict=verdict)
    sink = ActiveLearning(queue, limits(random_share=1.0), SEED)

    assert sink.store([delivery(unanswered)]) == Receipt(stored=[(0, 0)])


@pytest.mark.parametrize(
    ("top3", "gap"),
    [("a:0.5|b:0.3|c:0.2", 0.2), ("a:0.6|b:0.4", 0.2), ("a:1.0", 1.0), ("", 1.0)],
)
def test_the_margin_is_the_gap_between_the_two_best(top3, gap):
    assert margin(outcome(0, top3=top3)) == pytest.approx(gap)


def test_a_share_of_the_clear_items_is_drawn_at_random(queue):
    sink = ActiveLearning(queue, limits(random_share=0.1), SEED)

    receipt = sink.store([delivery(sure(seq)) for seq in range(2000)])

    assert 100 < len(receipt.wanted) < 300
    drawn = receipt.wanted[0][1]
    sink.store([shown(sure(drawn))])
    assert [item.reason for item in queue.items()] == ["random"]


def test_the_draw_depends_on_seed_and_item_alone(queue):
    def drawn(seed: int, *rows: Outcome) -> set[tuple[int, int]]:
        sink = ActiveLearning(queue, limits(random_share=0.1), seed)
        return set(sink.store([delivery(row) for row in rows]).wanted)

    rows = [sure(seq) for seq in range(500)]

    assert drawn(SEED, *rows) == drawn(SEED, *reversed(rows))
    assert drawn(SEED, *rows[250:]) == drawn(SEED, *rows) - drawn(SEED, *rows[:250])
    assert drawn(SEED, *rows) != drawn(SEED + 1, *rows)


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (1.0, 50)])
def test_none_or_all_may_be_drawn(queue, share, wanted):
    sink = ActiveLearning(queue, limits(random_share=share), SEED)

    assert len(sink.store([delivery(sure(seq)) for seq in range(50)]).wanted) == wanted


# -- how many ------------------------------------------------------------------------------------


def test_one_class_cannot_fill_the_queue(queue):
    sink = ActiveLearning(queue, limits(per_class_max=2), SEED)
    sink.store([shown(doubtful(seq)) for seq in range(4)])
    sink.store([shown(doubtful(seq, "plastic")) for seq in (4, 5)])

    assert names(queue) == ["0-0", "0-1", "0-4", "0-5"]


def test_one_minute_cannot_fill_the_queue(queue):
    sink = ActiveLearning(queue, limits(per_minute_max=2), SEED)
    times_s = [0.0, 59.9, 59.95, 60.0, 61.0, 119.0, 120.0]
    sink.store([shown(doubtful(seq, scheduled_s=time_s)) for seq, time_s in enumerate(times_s)])

    assert [item.scheduled_s for item in queue.items()] == [0.0, 59.9, 60.0, 61.0, 120.0]


@pytest.mark.parametrize("cap", ["per_class_max", "per_minute_max"])
def test_beyond_a_cap_no_picture_is_wanted(queue, cap):
    sink = ActiveLearning(queue, limits(**{cap: 1}), SEED)
    sink.store([shown(doubtful(0))])

    assert sink.store([delivery(doubtful(1))]) == Receipt(stored=[(0, 1)])


def test_pictures_wanted_before_a_cap_was_reached_do_not_break_it(queue):
    sink = ActiveLearning(queue, limits(per_class_max=1), SEED)
    rows = [doubtful(seq) for seq in range(3)]
    assert len(sink.store([delivery(row) for row in rows]).wanted) == 3

    receipt = sink.store([shown(row) for row in rows])

    assert receipt == Receipt(stored=[(0, 0), (0, 1), (0, 2)])
    assert names(queue) == ["0-0"]
    assert len(list((queue.folder / "images").iterdir())) == 1


# -- near duplicates -----------------------------------------------------------------------------


def gradient() -> pictures.Picture:
    ramp = np.linspace(0, 240, 45, dtype=np.uint8)
    return np.repeat(np.tile(ramp, (40, 1))[..., None], 3, axis=-1)


def test_the_difference_hash_tells_where_the_picture_gets_brighter():
    assert difference_hash(gradient()) == -1, "everywhere: all bits set, as a signed number"
    assert difference_hash(gradient()[:, ::-1]) == 0


def test_the_difference_hash_does_not_change_with_the_light():
    cells = np.random.default_rng(1).permutation(72).reshape(8, 9).astype(np.uint8) * 3
    picture = np.repeat(np.kron(cells, np.ones((5, 5), np.uint8))[..., None], 3, axis=-1)

    assert difference_hash(picture // 3) == difference_hash(picture) == difference_hash(picture + 9)


def test_a_picture_like_a_queued_one_is_passed_over(queue):
    sink = ActiveLearning(queue, limits(), SEED)
    receipt = sink.store([shown(doubtful(seq), gradient()) for seq in (0, 1)])

    assert receipt == Receipt(stored=[(0, 0), (0, 1)])
    assert names(queue) == ["0-0"]
    assert sink.store([shown(doubtful(2), gradient()), shown(doubtful(3))]).wanted == []
    assert names(queue) == ["0-0", "0-3"]


def turned(bits: int) -> pictures.Picture:
    """The gradient, with `bits` of its 64 cells made brighter than their right neighbours."""
    picture = gradient()
    for number in range(bits):
        # The last column of a row of cells has no right neighbour: darken that one only.
        picture[5 * number : 5 * number + 5, 40:] = 0
    return picture


@pytest.mark.parametrize("bits", [2, 3])
def test_how_alike_pictures_may_be_is_counted_in_bits(queue, bits):
    assert (difference_hash(gradient()) ^ difference_hash(turned(3))).bit_count() == 3
    sink = ActiveLearning(queue, limits(near_duplicate_bits=bits), SEED)

    sink.store([shown(doubtful(0), gradient()), shown(doubtful(1), turned(3))])

    assert names(queue) == (["0-0", "0-1"] if bits < 3 else ["0-0"])


# -- again ---------------------------------------------------------------------------------------


def test_an_item_in_the_queue_is_not_wanted_again(queue):
    sink = ActiveLearning(queue, limits(), SEED)
    sink.store([shown(doubtful(0))])

    assert sink.store([delivery(doubtful(0))]) == Receipt(stored=[(0, 0)])
    assert sink.store([shown(doubtful(0), noise(99))]) == Receipt(stored=[(0, 0)])
    assert len(queue.items()) == 1


def test_the_same_item_twice_in_a_batch_is_queued_once(queue):
    sink = ActiveLearning(queue, limits(), SEED)
    sink.store([shown(doubtful(0)), shown(doubtful(0), noise(99))])

    assert names(queue) == ["0-0"]


def test_after_a_restart_items_caps_and_pictures_are_remembered(queue):
    settings = limits(per_class_max=2, per_minute_max=3)
    ActiveLearning(queue, settings, SEED).store(
        [shown(doubtful(0)), shown(doubtful(1)), shown(doubtful(2, "plastic"))]
    )

    restarted = ActiveLearning(queue, settings, SEED)

    known, full_class, full_minute = doubtful(0), doubtful(3), doubtful(4, "metal")
    assert restarted.store([delivery(known), delivery(full_class), delivery(full_minute)]) == (
        Receipt(stored=[(0, 0), (0, 3), (0, 4)])
    )
    lookalike = doubtful(5, "metal", scheduled_s=70.0)
    restarted.store([shown(lookalike, noise(0))])
    assert names(queue) == ["0-0", "0-1", "0-2"]


def test_a_picture_cut_off_by_a_kill_is_written_anew(queue):
    """The picture is written before its entry: without an entry the item comes once more."""
    torn = queue.folder / "images" / "0-3.png"
    torn.write_bytes(b"\x89PNG")

    ActiveLearning(queue, limits(), SEED).store([shown(doubtful(3))])

    with Image.open(torn) as image:
        assert np.array_equal(np.asarray(image), noise(3))


def test_a_picture_that_cannot_be_read_is_acknowledged_and_left_out(queue):
    sink = ActiveLearning(queue, limits(), SEED)
    cut = pictures.encode(noise(0), "jpeg", 90)[:200]

    receipt = sink.store([delivery(doubtful(0), cut, "jpeg", 36, 40), shown(doubtful(1))])

    assert receipt == Receipt(stored=[(0, 0), (0, 1)])
    assert names(queue) == ["0-1"]


def test_pictures_lie_in_the_queues_folder_under_the_name_of_their_frame(queue):
    ActiveLearning(queue, limits(), SEED).store([shown(doubtful(3, camera=2))])

    assert queue.items()[0].image == str(Path("images") / "2-3.png")
    assert [path.name for path in (queue.folder / "images").iterdir()] == ["2-3.png"]
