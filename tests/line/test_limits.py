"""Every limit is a setting, and beyond it something bounded and well-told happens."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from line import pictures
from line.codec import decode, encode
from line.config import load
from line.errors import BadInput, DecodeError, PictureError
from line.messages import Frame, Unseen, UnseenItems, Welcome
from line.outcome import Verdict
from line.process.control_channel import MAX_NOTE_BYTES, ControlChannel
from line.settings import MessageSettings
from line.supervise import child_log
from line.verdicts import unseen
from producers.belt import BeltItem
from producers.studio import Studio
from sinks.alert_rates import Flood
from sinks.running_stats import RunningStats
from tests.producers.test_sources import folder
from tests.running_line import UndisturbedLine, assert_accounted, called
from tests.sinks.test_active_learning import Review, doubtful, noise
from tests.sinks.test_alerts import LIMITS, opened, raised, store, unsure
from tests.sinks.test_csv_log import outcome

SMALL = MessageSettings(header_kb=512, picture_mb=1)


def save(path: Path, width_px: int = 16, height_px: int = 16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height_px, width_px, 3), np.uint8)).save(path)
    return path


# -- messages -------------------------------------------------------------------------------------


def jpeg_frame(height_px: int, width_px: int, size: int) -> list[bytes]:
    frame = Frame(0, 1, 1.0, 1.0, 1.0, 2.0, None, 1.0, "jpeg", height_px, width_px, 0)
    return [bytes(part) for part in encode(frame, bytes(size))]


def test_a_header_over_message_header_kb_is_refused() -> None:
    within, beyond = (encode(Welcome("x" * (512_000 + more))) for more in (-6, 0))
    with pytest.raises(DecodeError, match=r"Welcome\.epoch: longer than"):
        decode(within, SMALL)  # it is looked at
    with pytest.raises(DecodeError, match="header of 512006 bytes"):
        decode(beyond, SMALL)


@pytest.mark.parametrize(
    ("height_px", "width_px", "size"),
    [
        (10, 10, 1_000_001),  # too many bytes
        (600, 600, 50),  # too many once it is unpacked
        (65_535, 65_535, 50),
    ],
)
def test_a_picture_over_message_picture_mb_is_refused_packed_or_unpacked(
    height_px: int, width_px: int, size: int
) -> None:
    assert decode(jpeg_frame(500, 600, 50), SMALL)
    with pytest.raises(DecodeError, match="picture of"):
        decode(jpeg_frame(height_px, width_px, size), SMALL)


def test_the_camera_must_be_able_to_send_its_pictures() -> None:
    large = ["camera.width_px=4096", "camera.height_px=4096", "message.picture_mb=10"]
    with pytest.raises(BadInput, match=r"message\.picture_mb: less than .*50\.3 MB"):
        load(assignments=large, environment={})


def test_a_picture_that_cannot_be_sent_is_an_error_of_that_item() -> None:
    with Studio(lambda _: noise(1), "raw", 90, picture_bytes=36 * 40 * 3 - 1) as studio:
        shot = studio.expose(BeltItem(0, 0.0, 0.0)).result(20)
    assert shot.error.startswith("a picture of 40x36 px")
    assert "message.picture_mb" in shot.error


def test_a_source_with_pictures_too_large_to_send_ends_in_failed_rows(
    tmp_path: Path, tiny_model: Path
) -> None:
    for number, side_px in enumerate((64, 700, 64)):
        save(tmp_path / "in" / "glass" / f"{number}.png", side_px, side_px)
    small = ("--set", "message.picture_mb=1", "--speed", "max", "--model", tiny_model)
    with UndisturbedLine(tmp_path / "run", "--source", tmp_path / "in", *small) as line:
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        assert summary["verdicts"]["failed"] == 1


def test_the_longest_reasons_of_a_whole_range_fit_a_header(tmp_path: Path) -> None:
    """A path may have 4096 bytes and a range 256 items; neither may make an unreadable message."""
    deep = tmp_path.joinpath(*["Ü" * 120] * 12, "1.png")
    with pytest.raises(PictureError) as error:
        pictures.read(deep, 1e6)
    assert len(str(error.value)) < 600
    item = {"camera": 0, "seq": 1, "scheduled_s": 1.0, "true_class": "Ü" * 120, "mass_g": 1.0}
    one = Unseen(**item, verdict=Verdict.FAILED, reason=str(error.value))
    assert decode(encode(UnseenItems((one,) * 256)), SMALL)
    assert unseen(one).reason == str(error.value)


# -- pictures and folders -------------------------------------------------------------------------


def test_a_file_over_source_max_file_mb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "vast.png"
    with path.open("wb") as file:
        file.truncate(3_000_000)  # no picture at all, which nobody gets to see
    with pytest.raises(PictureError, match=r"3\.0 MB, more than source\.max_file_mb = 2"):
        pictures.read(path, max_pixels=1e6, max_bytes=2e6)


def test_a_decompression_bomb_is_refused_by_the_pixels_it_announces(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png", 20_000, 2_000)
    assert path.stat().st_size < 200_000
    with pytest.raises(PictureError, match=r"40 megapixels, more than source\.max_megapixels"):
        pictures.read(path, max_pixels=1e6, max_bytes=2e6)


def test_a_folder_over_source_max_items_is_refused(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.png")
    assert folder(tmp_path, max_items=4).length == 4
    with pytest.raises(BadInput, match=r"more pictures than source\.max_items = 3"):
        folder(tmp_path, max_items=3)


def test_the_runner_refuses_a_folder_of_more_than_the_settings_allow(
    tmp_path: Path, tiny_model: Path
) -> None:
    for number in range(2):
        save(tmp_path / "in" / f"{number}.png", 200, 200)
    few = ("--set", "source.max_items=1")
    ran = called("check", "--model", tiny_model, "--source", tmp_path / "in", *few)
    assert ran.returncode == 2
    assert "source.max_items" in ran.stderr


# -- the review queue -----------------------------------------------------------------------------


def test_the_review_queue_stops_at_its_number_of_pictures(tmp_path: Path) -> None:
    with closing(Review(tmp_path, max_pictures=3)) as review:
        review.take(*(doubtful(seq) for seq in range(5)))
        assert review.names() == ["0-0", "0-1", "0-2"]
    with closing(Review(tmp_path, max_pictures=4)) as review:
        review.take(*(doubtful(seq) for seq in range(10, 15)))
        assert len(review.names()) == 4, "a restarted sink counts what is there"


def test_the_review_queue_stops_at_its_size(tmp_path: Path) -> None:
    vast = np.random.default_rng(1).integers(0, 256, (500, 500, 3), np.uint8)
    with closing(Review(tmp_path, max_mb=1)) as review:
        for seq in range(3):
            review.show(doubtful(seq), np.roll(vast, 100 * seq, axis=1))
        review.take(*(doubtful(seq) for seq in range(3)))
        stored = sum(path.stat().st_size for path in (tmp_path / "images").iterdir())
        assert len(review.names()) == 1
        assert stored < 1_000_000
    with closing(Review(tmp_path, max_mb=1)) as review:
        review.show(doubtful(8), np.roll(vast, 50, axis=0))
        review.take(doubtful(8))
        assert len(review.names()) == 1, "a restarted sink knows how much is there"


# -- alerts ---------------------------------------------------------------------------------------


def test_a_flood_of_alerts_becomes_one_that_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    few = LIMITS.model_copy(update={"per_s_max": 5})
    with closing(opened(path, settings=few)) as alerts:
        store(alerts, *(unsure(seq) for seq in range(400)))
        store(alerts, *(unsure(seq) for seq in range(400)))  # again, as after a kill
    singles = [alert for alert in raised(path) if alert["kind"] == "low_confidence"]
    floods = [alert for alert in raised(path) if alert["kind"] == "flood"]
    told = sum(int(alert["text"].split()[0]) for alert in floods)
    assert len(singles) + told == 400
    assert len(raised(path)) < 40
    assert floods[0]["level"] == "event"
    assert "alerts.per_s_max = 5" in floods[0]["text"]


def test_a_flood_holds_no_alarm_back(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    few = LIMITS.model_copy(update={"per_s_max": 1, "on_delay_s": 0})
    late = [outcome(seq, low_confidence=True, confidence=0.3, verdict="late") for seq in range(20)]
    with closing(opened(path, settings=few)) as alerts:
        store(alerts, *late)
    assert "not_in_time" in [alert["kind"] for alert in raised(path)]


def test_a_flood_is_told_once_it_is_over_or_lasts_too_long() -> None:
    flood = Flood(per_s=2)
    assert [flood.admits(10.0 + n / 10) for n in range(5)] == [True, True, False, False, False]
    assert not flood.is_due(10.5)
    assert flood.is_due(11.1)
    assert flood.settle() == 3
    assert not flood.is_due(12.0)
    for tenth in range(120):  # ten a second for twelve seconds
        flood.admits(20.0 + tenth / 10)
    assert flood.is_due(32.0)


def test_reasons_that_are_told_apart_are_few() -> None:
    stats = RunningStats(())
    for seq in range(50):
        stats.count(outcome(seq, verdict="dropped", reason=f"reason {seq}", latency_ms=None))
    reasons = json.loads(json.dumps(stats.facts()))["reasons"]["dropped"]
    assert len(reasons) == 11
    assert reasons["other"] == 40


# -- files and notes of processes -----------------------------------------------------------------


def test_a_log_that_grows_is_moved_aside_while_its_process_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "worker-0.log"
    chatter = "import sys\nfor line in sys.stdin: print(line * 200, flush=True, end='')"
    with (
        log.open("ab") as file,
        subprocess.Popen(
            [sys.executable, "-c", chatter],
            stdin=subprocess.PIPE,
            stdout=file,
            text=True,
            bufsize=1,
        ) as child,
    ):
        assert child.stdin is not None
        turns = 0
        for number in range(200):
            child.stdin.write(f"{number:09}\n")
            turns += child_log.turn(log, 10_000)
    turns += child_log.turn(log, 10_000)
    parts = sorted(path.name for path in tmp_path.iterdir())
    assert turns >= 1
    assert parts == ["worker-0.log", "worker-0.log.1"]
    assert log.stat().st_size <= 10_000
    assert (tmp_path / "worker-0.log.1").stat().st_size > 10_000


def test_a_log_within_its_limit_stays(tmp_path: Path) -> None:
    log = tmp_path / "worker-0.log"
    log.write_text("a line\n")
    assert not child_log.turn(log, 7)
    assert not child_log.turn(tmp_path / "gone.log", 7)
    assert log.read_text() == "a line\n"


def test_notes_that_are_none_are_counted_and_one_without_end_is_given_up() -> None:
    ours, theirs = ControlChannel.pair()
    with theirs:
        theirs.setblocking(False)
        theirs.send(b'[1]\n{"kind": 1}\n\xff\n{"kind": "beat"}\n')
        assert list(ours.receive()) == [{"kind": "beat"}]
        assert ours.malformed == 3
        sent = 0
        while sent <= 2 * MAX_NOTE_BYTES:
            sent += theirs.send(b"x" * 65536)
            assert list(ours.receive()) == []
        assert ours.malformed > 3
        theirs.send(b'\n{"kind": "beat"}\n')
        assert list(ours.receive())[-1:] == [{"kind": "beat"}]
    ours.close()
