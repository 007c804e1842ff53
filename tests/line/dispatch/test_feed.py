"""The feed: what is seen and what is decided, for whoever listens, at nobody's cost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import msgpack
import numpy as np
import pytest

from line.dispatch.feed import (
    THUMBNAIL_PX,
    THUMBNAILS_PER_S,
    Decided,
    Seen,
    Thumbnail,
    Thumbnails,
    decode,
    encode,
    thumbnail,
)
from line.errors import DecodeError
from line.layout import pack
from line.messages import Frame, Key
from line.observe.control_client import Control
from line.observe.observer import Observer
from line.outcome import Outcome, Verdict
from tests.running_line import RunningLine, assert_accounted, poll

SEEN = Seen(0, 7, 3.5, 100.0, math.inf, None, 12.0, Thumbnail(1, 2, b"rgbRGB"))
DECIDED = Decided(
    Outcome(camera=1, seq=8, scheduled_s=4.0, true_class="glass", verdict=Verdict.LATE, mass_g=1.0)
)


def _frame(picture: np.ndarray) -> tuple[Frame, bytes]:
    height, width, _ = picture.shape
    data = picture.tobytes()
    frame = Frame(
        camera=0,
        seq=1,
        scheduled_s=1.0,
        triggered=2.0,
        published=2.0,
        deadline=3.0,
        true_class="glass",
        mass_g=5.0,
        encoding="raw",
        height_px=height,
        width_px=width,
        picture_crc32=0,
    )
    return frame, data


# -- messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [SEEN, replace(SEEN, thumbnail=None), DECIDED])
def test_an_event_travels_whole(event: Seen | Decided) -> None:
    assert decode(encode(event)) == event


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"V1"],
        [b"F3", pack(SEEN)],
        [b"Y2", pack(SEEN)],
        [b"V1", b"\xc1"],
        [b"V1", pack(SEEN), b"more"],
        [b"V1", msgpack.packb(["0", 7, 3.5, 100.0, 1.0, None, 12.0, None])],
        [b"V1", pack(replace(SEEN, thumbnail=Thumbnail(1, 2, b"rgb")))],
        [b"V1", pack(replace(SEEN, thumbnail=Thumbnail(0, 2, b"")))],
        [b"V1", pack(replace(SEEN, thumbnail=Thumbnail(1, 81, bytes(243))))],
        [b"V1", pack(replace(SEEN, true_class="x" * 70_000))],
    ],
)
def test_anything_else_is_a_decode_error(parts: list[bytes]) -> None:
    with pytest.raises(DecodeError):
        decode(parts)


# -- thumbnails -------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(240, 320), (32, 32), (77, 333), (500, 81), (1, 1)])
def test_a_thumbnail_is_every_nth_pixel(height: int, width: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    small = thumbnail(*_frame(picture))
    assert small is not None
    step = math.ceil(max(height, width) / THUMBNAIL_PX)
    expected = picture[::step, ::step]
    assert (small.height_px, small.width_px, 3) == expected.shape
    assert max(expected.shape) <= THUMBNAIL_PX
    assert small.rgb == expected.tobytes()


def test_there_is_none_of_a_packed_or_damaged_picture() -> None:
    frame, data = _frame(np.zeros((10, 10, 3), np.uint8))
    assert thumbnail(replace(frame, encoding="jpeg"), data) is None
    assert thumbnail(frame, data[:-1]) is None


def test_so_many_are_made_a_second_and_no_more() -> None:
    frame, data = _frame(np.zeros((10, 10, 3), np.uint8))
    thumbnails = Thumbnails()
    seen = [thumbnails.seen(frame, data, now=10 + number / 1000) for number in range(4000)]
    made = [each.thumbnail is not None for each in seen]
    assert 4 * THUMBNAILS_PER_S - 1 <= sum(made) <= 5 * THUMBNAILS_PER_S
    assert sum(made[2000:]) <= 2 * THUMBNAILS_PER_S
    assert {each.key for each in seen} == {(0, 1)}


# -- a running line ---------------------------------------------------------------------------


def test_an_observer_hears_of_every_item_also_of_another_dispatcher(
    tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--model", tiny_model, "--interval", 0.05, "--cameras", 2, "--source", "procedural")
    seen: dict[Key, Seen] = {}
    decided: dict[Key, Outcome] = {}

    def hear(observer: Observer) -> int:
        for event in observer.receive(timeout_s=0.1):
            if isinstance(event, Seen):
                seen[event.key] = event
            else:
                decided[event.key] = event.outcome
        return len(decided)

    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(2)
        with Control.of(line.run_dir) as control, Observer(control.runtime_dir) as observer:
            with Observer(control.runtime_dir) as deaf:
                poll(lambda: hear(observer) >= 20, "20 items")
                control.order("kill", "somebody", process="dispatcher")
                before = len(decided)
                poll(lambda: hear(observer) >= before + 20, "20 more, by another dispatcher")
                control.order("kill", "somebody", process="camera-1")
                poll(lambda: hear(observer) and _dropped(decided), "items that never were frames")
                assert deaf.receive(), "it has not listened until now, and nobody has waited"
            control.order("drain", "somebody")
            poll(lambda: hear(observer) and control.receive(0.1) == [] and control.ended, "the end")
        assert observer.malformed == 0
        status, summary = line.finish()
        rows = line.rows().set_index("frame_id")
    assert status == 0
    assert_accounted(summary, rows.reset_index())
    assert any(event.thumbnail is not None for event in seen.values())
    assert _dropped(decided) - seen.keys()
    assert len(seen.keys() & decided.keys()) >= 40
    for (camera, seq), outcome in decided.items():
        row = rows.loc[f"{camera}-{seq}"]
        assert (outcome.scheduled_s, outcome.true_class) == (row["scheduled_s"], row["true_class"])
    for event in seen.values():
        assert event.deadline > event.triggered > 0


def _dropped(decided: dict[Key, Outcome]) -> set[Key]:
    return {key for key, outcome in decided.items() if outcome.verdict == Verdict.DROPPED}
