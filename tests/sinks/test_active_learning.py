from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import Image

from line import pictures
from line.errors import StorageError
from line.messages import Encoding, Frame
from line.outcome import Outcome, encode_top3
from line.run_files.review_file import QueuedItem
from line.run_files.review_rules import proposal
from line.run_files.review_spool import SpoolReader, SpoolWriter
from line.settings import ReviewSettings
from sinks.active_learning import ActiveLearning, Counts, difference_hash
from sinks.follower import Passed
from sinks.review_queue import ReviewQueue
from tests.running_line import poll
from tests.sinks.test_csv_log import outcome

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


class Review:
    """The sink in a folder, with cameras that have spooled what the test says."""

    def __init__(self, folder: Path, *, sync: bool = False, **changes: Any) -> None:
        self.folder = folder
        self.passed = Passed()
        spool = SpoolReader(folder / "spool", 10**7)
        self.sink = ActiveLearning(folder, spool, limits(**changes), SEED, self.passed, sync=sync)
        self.sink.restore(None)
        self.cameras: dict[int, SpoolWriter] = {}

    def camera(self, number: int) -> SpoolWriter:
        if number not in self.cameras:
            self.cameras[number] = SpoolWriter(self.folder / "spool", number, 10**9)
        return self.cameras[number]

    def show(
        self,
        row: Outcome,
        picture: pictures.Picture | None = None,
        encoding: Encoding = "raw",
        data: bytes | None = None,
    ) -> None:
        """Spool the picture of a row, by default one that belongs to its number."""
        picture = noise(row.seq) if picture is None else picture
        data = pictures.encode(picture, encoding, 95) if data is None else data
        height_px, width_px = picture.shape[:2]
        frame = Frame(
            row.camera, row.seq, 0.0, 0.0, 0.0, 1.0, None, 1.0, encoding, height_px, width_px, 0
        )
        settled = Event()
        self.camera(row.camera).keep(frame, data, lambda _: settled.set())
        assert settled.wait(60)

    def take(self, *rows: Outcome, final: bool = False) -> int:
        """Hand rows over until all are done or none is, spooling pictures nobody has shown."""
        for row in rows:
            shown = (self.folder / "spool" / f"camera-{row.camera}" / f"{row.seq}.picture").exists()
            if row.predicted_class is not None and not shown:
                self.show(row)
        return self.take_bare(*rows, final=final)

    def take_bare(self, *rows: Outcome, final: bool = False) -> int:
        """Hand rows over, as their pictures are."""
        done = 0
        while done < len(rows):
            count = self.sink.take(rows[done:], final=final)
            for row in rows[done : done + count]:
                self.passed.add((row.camera, row.seq))
            done += count
            if not count:
                break
        return done

    def names(self) -> list[str]:
        with ReviewQueue(self.folder) as queue:
            return [item.frame_id for item in queue.items()]

    def items(self) -> list[QueuedItem]:
        with ReviewQueue(self.folder) as queue:
            return queue.items()

    def spooled(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("spool/camera-*/*.picture"))

    def close(self) -> None:
        self.sink.close()
        for camera in self.cameras.values():
            camera.close()


@pytest.fixture
def review(tmp_path) -> Iterator[Callable[..., Review]]:
    """Opens the sink, again and again if need be."""
    opened: list[Review] = []

    def open_review(**changes: Any) -> Review:
        if opened:
            opened[-1].close()
        opened.append(Review(tmp_path / "review", **changes))
        return opened[-1]

    yield open_review
    opened[-1].close()


# -- which items ---------------------------------------------------------------------------------


def test_a_doubtful_item_is_queued_with_what_the_model_saw(review):
    sink = review()
    assert sink.take(doubtful(3), sure(4)) == 2

    (item,) = sink.items()
    assert (item.frame_id, item.predicted_class, item.reason) == ("0-3", "glass", "margin")
    assert (item.confidence, item.scheduled_s) == (0.45, 0.375)
    assert item.margin == pytest.approx(0.1)
    assert item.picture_hash == difference_hash(noise(3))
    assert item.image == str(Path("images") / "0-3.png")
    with Image.open(sink.folder / item.image) as image:
        assert np.array_equal(np.asarray(image), noise(3))


def test_a_jpeg_is_queued_as_it_looks(review):
    sink = review()
    flat = np.full((36, 40, 3), (200, 40, 90), np.uint8)
    sink.show(doubtful(3), flat, "jpeg")
    sink.take(doubtful(3))

    with Image.open(sink.folder / sink.items()[0].image) as image:
        assert np.abs(np.asarray(image).astype(int) - flat).max() < 6


def test_a_share_of_the_clear_items_is_drawn_at_random(review):
    sink = review(random_share=0.1)
    rows = [sure(seq) for seq in range(60)]
    drawn = [row for row in rows if proposal(row, limits(random_share=0.1), SEED)]
    sink.take(*rows)

    assert 0 < len(drawn) < 60
    assert {item.reason for item in sink.items()} == {"random"}
    assert sink.names() == [row.frame_id for row in drawn]


def test_a_row_whose_ranking_is_none_is_passed_over(review):
    sink = review()
    assert sink.take(outcome(0, top3="glass:much|paper:little"), doubtful(1)) == 2
    assert sink.names() == ["0-1"]


# -- pictures that are late, lost or not needed --------------------------------------------------


def test_an_item_whose_picture_may_still_come_is_waited_for(review):
    sink = review()
    sink.show(doubtful(0))
    sink.show(doubtful(2))
    rows = [doubtful(seq) for seq in range(3)]

    assert sink.take_bare(*rows) == 1, "what stands behind it waits as well"
    assert sink.names() == ["0-0"]
    sink.show(doubtful(1))
    assert sink.take_bare(*rows[1:]) == 2
    assert sink.names() == ["0-0", "0-1", "0-2"]
    assert sink.spooled() == []


def test_a_picture_that_is_lost_or_that_no_camera_is_left_to_bring_is_counted(review):
    sink = review()
    sink.camera(0).mark(1)
    poll(lambda: sink.take_bare(doubtful(0)) == 1, "the camera's mark")
    assert sink.take_bare(doubtful(1)) == 0
    assert sink.take_bare(doubtful(1), doubtful(2), final=True) == 2

    assert sink.sink.report() == ("review", {"queued": 0, "lost": 3})
    (news,) = sink.sink.news()
    assert news.startswith("3 pictures for review are lost: no room in the spool")
    assert sink.sink.news() == []
    state = sink.sink.state()
    again = review()
    again.sink.restore(state)
    assert again.sink.report()[1]["lost"] == 3


def test_pictures_leave_the_spool_whether_they_are_queued_or_not(review):
    sink = review(per_class_max=1)
    sink.take(doubtful(0), doubtful(1), doubtful(2, "plastic"))
    assert sink.names() == ["0-0", "0-2"]
    assert sink.spooled() == []

    sink.show(doubtful(1))  # sent once more by a camera that was killed
    sink.show(doubtful(9))
    sink.sink.turn()
    assert sink.spooled() == ["9"]


def test_a_picture_that_cannot_be_read_is_left_out(review):
    sink = review()
    sink.show(doubtful(0), encoding="jpeg", data=pictures.encode(noise(0), "jpeg", 90)[:200])

    assert sink.take(doubtful(0), doubtful(1)) == 2
    assert sink.names() == ["0-1"]


# -- how many ------------------------------------------------------------------------------------


def test_one_class_cannot_fill_the_queue(review):
    sink = review(per_class_max=2)
    sink.take(*(doubtful(seq) for seq in range(4)))
    sink.take(*(doubtful(seq, "plastic") for seq in (4, 5)))

    assert sink.names() == ["0-0", "0-1", "0-4", "0-5"]


def test_one_minute_cannot_fill_the_queue(review):
    sink = review(per_minute_max=2)
    times_s = [0.0, 59.9, 59.95, 60.0, 61.0, 119.0, 120.0]
    sink.take(*(doubtful(seq, scheduled_s=time_s) for seq, time_s in enumerate(times_s)))

    assert sink.names() == ["0-0", "0-1", "0-3", "0-4", "0-6"]


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


def test_a_picture_like_a_queued_one_is_passed_over(review):
    sink = review()
    for seq in (0, 1, 2):
        sink.show(doubtful(seq), gradient())
    sink.take(*(doubtful(seq) for seq in range(4)))

    assert sink.names() == ["0-0", "0-3"]


def turned(bits: int) -> pictures.Picture:
    """The gradient, with `bits` of its 64 cells made brighter than their right neighbours."""
    picture = gradient()
    for number in range(bits):
        # The last column of a row of cells has no right neighbour: darken that one only.
        picture[5 * number : 5 * number + 5, 40:] = 0
    return picture


@pytest.mark.parametrize("bits", [2, 3])
def test_how_alike_pictures_may_be_is_counted_in_bits(review, bits):
    assert (difference_hash(gradient()) ^ difference_hash(turned(3))).bit_count() == 3
    sink = review(near_duplicate_bits=bits)
    sink.show(doubtful(0), gradient())
    sink.show(doubtful(1), turned(3))
    sink.take(doubtful(0), doubtful(1))

    assert sink.names() == (["0-0", "0-1"] if bits < 3 else ["0-0"])


def test_more_pictures_than_are_kept_room_for_at_first_are_still_compared():
    counts = Counts()
    for seq in range(3000):
        item = QueuedItem(f"0-{seq}", "", "glass", 0.4, 0.1, "", "margin", 0.0, -(seq << 20))
        counts.add(item)
    assert counts.looks_like_one(-(2999 << 20), 0)
    assert not counts.looks_like_one(-(3000 << 20), 0)


# -- again ---------------------------------------------------------------------------------------


def test_an_item_in_the_queue_is_not_queued_again(review):
    sink = review()
    sink.take(doubtful(0))
    sink.show(doubtful(0), noise(99))
    sink.take(doubtful(0), doubtful(0))

    assert sink.names() == ["0-0"]
    assert sink.items()[0].picture_hash == difference_hash(noise(0))


def test_after_a_restart_items_caps_and_pictures_are_remembered(review):
    review(per_class_max=2, per_minute_max=3).take(doubtful(0), doubtful(1), doubtful(2, "plastic"))

    again = review(per_class_max=2, per_minute_max=3)

    again.take(doubtful(0), doubtful(3), doubtful(4, "metal"))
    lookalike = doubtful(5, "metal", scheduled_s=70.0)
    again.show(lookalike, noise(0))
    again.take(lookalike)
    assert again.names() == ["0-0", "0-1", "0-2"]


def test_a_picture_cut_off_by_a_kill_is_written_anew(review):
    """The picture is written before its entry: without an entry the item comes once more."""
    sink = review()
    torn = sink.folder / "images" / "0-3.png"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"\x89PNG")
    sink.take(doubtful(3))

    with Image.open(torn) as image:
        assert np.array_equal(np.asarray(image), noise(3))


# -- a queue that cannot be written ----------------------------------------------------------------


def test_a_locked_queue_is_waited_for_a_moment_at_a_time_and_nothing_is_forgotten(review):
    sink = review()
    sink.take(doubtful(0))
    with closing(sqlite3.connect(sink.folder / "queue.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        for seq in range(1, 4):
            sink.show(doubtful(seq))
        for _ in range(3):
            with pytest.raises(StorageError, match=r"queue\.sqlite: database is locked"):
                sink.take_bare(*(doubtful(seq) for seq in range(1, 4)))
        assert sink.spooled() == ["1", "2", "3"]
    assert sink.take_bare(*(doubtful(seq) for seq in range(1, 4))) == 3
    assert sink.names() == ["0-0", "0-1", "0-2", "0-3"]
    assert sink.spooled() == []


@pytest.mark.parametrize("how", ["deleted", "replaced", "all of it"])
def test_a_queue_that_goes_away_is_told_and_a_new_one_filled(review, how):
    sink = review(max_pictures=2)
    sink.take(doubtful(0), doubtful(1), doubtful(2))
    assert sink.names() == ["0-0", "0-1"]
    if how == "all of it":
        shutil.rmtree(sink.folder)
    elif how == "deleted":
        (sink.folder / "queue.sqlite").unlink()
    else:
        with ReviewQueue(sink.folder.with_name("other")) as other:
            other.add([QueuedItem("0-9", "", "glass", 0.4, 0.1, "", "margin", 0.0, 1)])
        (sink.folder.with_name("other") / "queue.sqlite").rename(sink.folder / "queue.sqlite")
    sink.take(doubtful(3), doubtful(4))

    assert sink.names() == (["0-9", "0-3"] if how == "replaced" else ["0-3", "0-4"])
    (news,) = sink.sink.news()
    assert "queue.sqlite was deleted or replaced" in news


def test_a_damaged_queue_is_one_line_until_somebody_mends_it(review):
    sink = review()
    sink.folder.mkdir()
    damaged = sink.folder / "queue.sqlite"
    damaged.write_bytes(b"no database at all" * 100)
    for _ in range(3):
        with pytest.raises(StorageError, match=r"queue\.sqlite: file is not a database"):
            sink.take(doubtful(0))
    damaged.unlink()
    assert sink.take(doubtful(0)) == 1
    assert sink.names() == ["0-0"]
