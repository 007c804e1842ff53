from __future__ import annotations

import select
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import numpy as np
import pytest

from line import pictures
from line.errors import PictureError
from producers.belt import BeltItem
from producers.shot import Shot
from producers.studio import Studio

TIMEOUT_S = 300.0


class Motif:
    """Takes pictures that show their item's number, and keeps count; may be made to wait."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Semaphore(0)

    def __call__(self, item: BeltItem) -> pictures.Picture:
        self.begun.release()
        assert self.go_on.wait(TIMEOUT_S)
        self.taken.append(item.seq)
        return np.full((4, 6, 3), item.seq, np.uint8)

    def wait_until_begun(self) -> None:
        assert self.begun.acquire(timeout=TIMEOUT_S)


def item(seq: int) -> BeltItem:
    return BeltItem(seq, seq / 8, seq / 8 + 0.5)


def shown(shot: Future[Shot]) -> int:
    """The number that the picture of a raw shot shows."""
    return shot.result(TIMEOUT_S).data[0]


def is_readable(studio: Studio, within_s: float = 0.0) -> bool:
    return bool(select.select([studio], [], [], within_s)[0])


@pytest.fixture
def motif() -> Iterator[Motif]:
    motif = Motif()
    yield motif
    motif.go_on.set()


@pytest.fixture
def studio(motif) -> Iterator[Studio]:
    with Studio(motif, "raw", 90) as studio:
        yield studio
        motif.go_on.set()


def test_a_picture_begun_ahead_is_the_one_that_is_exposed(motif, studio):
    for seq in (3, 4):
        studio.begin(item(seq))
    assert studio.ahead == 2

    assert [shown(studio.expose(item(seq))) for seq in (3, 4)] == [3, 4]

    assert studio.ahead == 0
    assert motif.taken == [3, 4], "each picture is taken once"


def test_an_item_without_a_picture_ahead_is_taken_at_the_photo_eye(studio):
    assert shown(studio.expose(item(9))) == 9
    assert studio.ahead == 0


def test_beginning_does_not_wait_for_the_picture(motif, studio):
    motif.go_on.clear()
    studio.begin(item(1))
    motif.wait_until_begun()

    shot = studio.expose(item(1))

    assert not shot.done()
    motif.go_on.set()
    assert shown(shot) == 1


def test_a_discarded_picture_that_has_not_been_begun_is_never_taken(motif, studio):
    motif.go_on.clear()
    studio.begin(item(1))
    motif.wait_until_begun()
    studio.begin(item(2))

    studio.discard(item(2))

    assert studio.ahead == 1
    motif.go_on.set()
    assert shown(studio.expose(item(3))) == 3
    assert motif.taken == [1, 3]


def test_a_picture_discarded_while_it_is_taken_is_taken_anew_when_asked_for(motif, studio):
    motif.go_on.clear()
    studio.begin(item(1))
    motif.wait_until_begun()
    studio.discard(item(1))
    assert studio.ahead == 0
    motif.go_on.set()

    assert shown(studio.expose(item(1))) == 1


def test_discarding_an_item_that_was_never_begun_changes_nothing(studio):
    studio.begin(item(1))

    studio.discard(item(2))

    assert studio.ahead == 1


def test_a_shot_holds_the_bytes_as_they_leave_the_camera(studio):
    shot = studio.expose(item(5)).result(TIMEOUT_S)

    assert shot == Shot(
        data=bytes([5]) * 72,
        encoding="raw",
        height_px=4,
        width_px=6,
        crc32=zlib.crc32(bytes([5]) * 72),
    )


def test_a_camera_may_send_jpegs(motif):
    with Studio(motif, "jpeg", 90) as studio:
        shot = studio.expose(item(200)).result(TIMEOUT_S)

    picture = pictures.decode(shot.data, shot.encoding, shot.height_px, shot.width_px)
    assert shot.encoding == "jpeg"
    assert shot.crc32 == zlib.crc32(shot.data)
    assert np.abs(picture.astype(int) - 200).max() <= 2


def test_a_view_of_a_larger_picture_leaves_whole_and_in_order():
    film = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    with Studio(lambda _: film[::2, ::-2], "raw", 90) as studio:
        shot = studio.expose(item(0)).result(TIMEOUT_S)

    assert (shot.height_px, shot.width_px) == (4, 4)
    assert shot.data == film[::2, ::-2].tobytes()


def failing(error: Exception) -> Callable[[BeltItem], pictures.Picture]:
    def take(_: BeltItem) -> pictures.Picture:
        raise error

    return take


def test_a_picture_that_cannot_be_taken_is_a_shot_that_says_why():
    with Studio(failing(PictureError("glass/3.jpg: not a picture")), "raw", 90) as studio:
        studio.begin(item(3))
        shot = studio.expose(item(3)).result(TIMEOUT_S)

    assert shot.error == "glass/3.jpg: not a picture"
    assert shot.data == b""


def test_the_studio_goes_on_after_a_picture_that_cannot_be_taken():
    def take(belt_item: BeltItem) -> pictures.Picture:
        if belt_item.seq == 0:
            raise PictureError("torn")
        return np.full((1, 1, 3), belt_item.seq, np.uint8)

    with Studio(take, "raw", 90) as studio:
        shots = [studio.expose(item(seq)).result(TIMEOUT_S) for seq in range(3)]

    assert [shot.error for shot in shots] == ["torn", "", ""]


def test_a_bug_in_the_source_is_not_taken_for_a_bad_picture():
    with Studio(failing(ZeroDivisionError("a bug")), "raw", 90) as studio:
        shot = studio.expose(item(0))
        with pytest.raises(ZeroDivisionError, match="a bug"):
            shot.result(TIMEOUT_S)


def test_a_finished_picture_wakes_whoever_polls(motif, studio):
    motif.go_on.clear()
    studio.begin(item(1))
    motif.wait_until_begun()
    assert not is_readable(studio)

    motif.go_on.set()

    assert is_readable(studio, TIMEOUT_S)


def test_settling_takes_note_of_all_finished_pictures_at_once(motif, studio):
    for seq in range(5):
        studio.expose(item(seq)).result(TIMEOUT_S)
        motif.wait_until_begun()
    motif.go_on.clear()
    studio.begin(item(5))
    motif.wait_until_begun()  # so the thread is through with all that follows the fifth picture
    assert is_readable(studio)

    studio.settle()

    assert not is_readable(studio)


def test_settling_without_news_does_not_wait(studio):
    studio.settle()

    assert not is_readable(studio)


def test_more_finished_pictures_than_the_wake_up_can_hold_do_no_harm(motif, studio):
    """Nobody settles: the sockets fill up, the pictures are finished all the same."""
    shots = [studio.expose(item(seq % 256)) for seq in range(3000)]

    assert [shown(shot) for shot in shots] == [seq % 256 for seq in range(3000)]
    assert is_readable(studio)


def test_closing_leaves_out_pictures_that_nobody_waits_for(motif):
    with Studio(motif, "raw", 90) as studio:
        motif.go_on.clear()
        for seq in range(100):
            studio.begin(item(seq))
        motif.wait_until_begun()
        last = studio.expose(item(99))
        last.add_done_callback(lambda _: motif.go_on.set())

    assert last.cancelled()
    assert motif.taken == [0]
