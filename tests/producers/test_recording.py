"""What a lane's recording holds, whatever cuts it short, and how it is read back."""

from __future__ import annotations

import json
import os
import resource
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, time_ns
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from line import pictures
from line.belt_time import Clock
from line.config import load
from line.errors import BadInput, PictureError
from line.run_files.mcap_file import McapFile
from line.run_files.recording import (
    LaneFacts,
    RecordedItem,
    parts,
    read_lane,
    read_part,
    read_picture,
)
from line.settings import Settings
from producers import recorder as recorder_module
from producers.belt import BeltItem
from producers.photographer import photographer
from producers.recorder import Recorder
from producers.shot import Shot, without_picture
from producers.sources import keep_pictures, open_source
from producers.sources import recorded_lane as recording_module
from producers.sources.recorded_lane import index_name
from producers.sources.recording import RecordingSource
from producers.studio import OVERLOOKED_MOST, Studio

TIMEOUT_S = 300.0


def settings(**options: Any) -> Settings:
    small: dict[str, Any] = {"camera__width_px": 48, "camera__height_px": 32}
    named = [(key.replace("__", "."), value) for key, value in (small | options).items()]
    return load(environment={}, options=named)


def item(seq: int) -> BeltItem:
    return BeltItem(seq, seq / 8, seq / 8 + 0.6)


def shot(seq: int, height_px: int = 32, width_px: int = 48) -> Shot:
    noise = np.random.default_rng(seq).integers(0, 256, (height_px, width_px, 3), np.uint8)
    data = noise.tobytes()
    return Shot(data, "raw", height_px, width_px, zlib.crc32(data))


@contextmanager
def recording(run_dir: Path, **options: Any) -> Iterator[Recorder]:
    chosen = settings(**options)
    clock = Clock(monotonic(), 1.0)
    with Recorder(run_dir, chosen, 0, open_source(chosen), clock) as recorder:
        yield recorder


def record(run_dir: Path, seqs: range, **options: Any) -> None:
    with recording(run_dir, **options) as recorder:
        for seq in seqs:
            recorder.keep(item(seq), shot(seq))


def picture(run_dir: Path, seq: int) -> bytes:
    return RecordingSource(run_dir).shot(0, seq).data


# -- writing and reading --------------------------------------------------------------------------


def test_what_is_kept_comes_back_to_the_bit(tmp_path: Path) -> None:
    record(tmp_path, range(5))

    source = RecordingSource(tmp_path)
    known = open_source(settings())
    assert source.classes == known.classes
    for seq in range(5):
        assert source.shot(0, seq) == shot(seq)
        assert source.facts(0, seq) == known.facts(0, seq)
        assert np.array_equal(source.picture(0, seq).ravel(), np.frombuffer(shot(seq).data, "u1"))
    assert list(source.arrivals(0, 1.0)) == [item(seq).trigger_s for seq in range(5)]


def test_a_jpeg_comes_back_as_it_left_the_camera(tmp_path: Path) -> None:
    data = pictures.encode(np.full((32, 48, 3), 90, np.uint8), "jpeg", 80)
    taken = Shot(data, "jpeg", 32, 48, zlib.crc32(data))
    with recording(tmp_path, camera__encoding="jpeg") as recorder:
        recorder.keep(item(0), taken)

    assert RecordingSource(tmp_path).shot(0, 0) == taken


def test_the_file_opens_in_any_reader_of_mcap(tmp_path: Path) -> None:
    begun_ns = time_ns()
    record(tmp_path, range(3))

    with (tmp_path / "camera-0.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        images = [m for *_, m in reader.iter_decoded_messages("/camera-0/image")]
        facts = list(reader.iter_messages("/camera-0/item"))
    assert [(i.width, i.height, i.step, i.encoding) for i in images] == [(48, 32, 144, "rgb8")] * 3
    assert [i.data for i in images] == [shot(seq).data for seq in range(3)]
    schema, channel, message = facts[2]
    assert schema is not None
    assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
    told = json.loads(message.data)
    assert told.keys() == json.loads(schema.data)["properties"].keys()
    assert (told["seq"], told["trigger_s"], told["mass_g"]) == (
        2,
        item(2).trigger_s,
        settings().mass_g(told["true_class"]),
    )
    assert abs(message.log_time - begun_ns - 1e9 * item(2).trigger_s) < 5e9
    assert images[2].timestamp.ToNanoseconds() == message.log_time


def test_a_recording_is_as_private_as_the_results(tmp_path: Path) -> None:
    record(tmp_path, range(1))
    (tmp_path / "results.csv").touch()
    modes = {(tmp_path / n).stat().st_mode for n in ("camera-0.mcap", "results.csv")}
    assert len(modes) == 1


def test_an_item_without_a_picture_keeps_its_reason(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        recorder.keep(item(0), without_picture("glass/3.jpg: not a picture"))

    with pytest.raises(PictureError, match=r"^glass/3\.jpg: not a picture$"):
        RecordingSource(tmp_path).shot(0, 0)


# -- cut files ------------------------------------------------------------------------------------


def test_a_file_cut_off_anywhere_holds_what_lies_before_the_cut(tmp_path: Path) -> None:
    record(tmp_path, range(6))
    path = tmp_path / "camera-0.mcap"
    whole = path.read_bytes()
    ends = _ends_of_items(path)
    cut = tmp_path / "cut" / "camera-0.mcap"
    cut.parent.mkdir()
    offsets = {*range(0, len(whole), 97), *(e + d for e in ends for d in (-1, 0, 1)), len(whole)}
    for offset in sorted(offsets):
        cut.write_bytes(whole[:offset])
        items = [r for r in read_part(cut) if isinstance(r, RecordedItem)]
        assert [i.seq for i in items] == list(range(sum(end <= offset for end in ends))), offset
        assert all(read_picture(cut, i) == shot(i.seq).data for i in items)


def _ends_of_items(path: Path) -> list[int]:
    """The byte behind the facts of each item."""
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    (channel,) = (c.id for c in summary.channels.values() if c.topic.endswith("/item"))
    return [
        chunk.chunk_start_offset + chunk.chunk_length
        for chunk in summary.chunk_indexes
        if channel in chunk.message_index_offsets
    ]


def test_what_is_kept_is_with_the_kernel_at_once(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        recorder.keep(item(0), shot(0))

        assert picture(tmp_path, 0) == shot(0).data


def test_a_camera_that_starts_again_goes_on_in_another_part(tmp_path: Path) -> None:
    for seqs in (range(4), range(2, 6), range(6, 7)):
        record(tmp_path, seqs)

    names = [path.name for path in parts(tmp_path, 0)]
    assert names == ["camera-0.mcap", "camera-0.1.mcap", "camera-0.2.mcap"]
    source = RecordingSource(tmp_path)
    assert list(source.arrivals(0, 1.0)) == [item(seq).trigger_s for seq in range(7)]
    assert [source.shot(0, seq) for seq in range(7)] == [shot(seq) for seq in range(7)]


def test_of_an_item_told_twice_the_one_with_a_picture_counts(tmp_path: Path) -> None:
    for taken in (without_picture("unseen"), shot(0), without_picture("unseen again")):
        with recording(tmp_path) as recorder:
            recorder.keep(item(0), taken)

    assert picture(tmp_path, 0) == shot(0).data


def test_an_item_lost_between_others_passes_without_a_picture(tmp_path: Path) -> None:
    with recording(tmp_path) as recorder:
        for seq in (0, 1, 4):
            recorder.keep(item(seq), shot(seq))

    source = RecordingSource(tmp_path)
    assert list(source.arrivals(0, 1.0)) == pytest.approx([item(n).trigger_s for n in range(5)])
    assert source.facts(0, 2).true_class is None
    with pytest.raises(PictureError, match="no picture was recorded"):
        source.shot(0, 2)


def test_a_long_recording_is_written_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "PART_ITEMS", 3)
    record(tmp_path, range(7))

    assert len(parts(tmp_path, 0)) == 3
    assert [picture(tmp_path, seq) for seq in range(7)] == [shot(seq).data for seq in range(7)]


def test_parts_of_other_lanes_and_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("camera-0.mcap", "camera-0.10.mcap", "camera-0.2.mcap", "camera-01.mcap"):
        (tmp_path / name).touch()
    for name in ("camera-0.progress", "camera-0.x.mcap", "camera-0.mcap.old", "camera-1.mcap"):
        (tmp_path / name).touch()

    names = [path.name for path in parts(tmp_path, 0)]
    assert names == ["camera-0.mcap", "camera-0.2.mcap", "camera-0.10.mcap"]


# -- limits ---------------------------------------------------------------------------------------


def test_recording_ends_before_it_outgrows_its_limit(tmp_path: Path) -> None:
    large = 400
    with recording(tmp_path, record__max_mb=1) as recorder:
        for seq in range(4):
            recorder.keep(item(seq), shot(seq, large, large))
        assert recorder.ended == "record.max_mb = 1 is reached"

    assert sum(path.stat().st_size for path in parts(tmp_path, 0)) <= 1e6
    assert sorted(read_lane(tmp_path, 0).items) == [0, 1]
    with recording(tmp_path, record__max_mb=1) as recorder:
        recorder.keep(item(4), shot(4, large, large))
        assert recorder.ended, "what the camera's predecessors wrote counts"


def test_without_room_recording_ends_and_what_was_written_stands(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with recording(tmp_path) as recorder:
        recorder.keep(item(0), shot(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            for seq in range(1, 4):
                recorder.keep(item(seq), shot(seq))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "File too large" in recorder.ended

    known = read_lane(tmp_path, 0).items
    assert list(known) == list(range(len(known)))
    assert [picture(tmp_path, seq) for seq in known] == [shot(seq).data for seq in known]


# -- in the studio --------------------------------------------------------------------------------


class Journal:
    """Keeps shots in memory."""

    ended = ""

    def __init__(self) -> None:
        self.kept: list[tuple[int, str]] = []

    def keep(self, item: BeltItem, shot: Shot) -> None:
        self.kept.append((item.seq, shot.error))


def test_a_shot_is_kept_before_it_is_finished_and_only_at_the_photo_eye() -> None:
    journal = Journal()
    with Studio(lambda _: np.zeros((4, 4, 3), np.uint8), "raw", 90, archive=journal) as studio:
        for seq in (0, 1, 2):
            studio.begin(item(seq))
        studio.discard(item(1))
        for seq in (0, 2):
            assert studio.expose(item(seq)).result(TIMEOUT_S).error == ""
            assert journal.kept[-1] == (seq, "")
    assert journal.kept == [(0, ""), (2, "")]


def test_an_item_that_passes_unseen_is_kept_with_its_picture_if_that_can_still_be_taken() -> None:
    journal = Journal()
    with Studio(lambda _: np.zeros((4, 4, 3), np.uint8), "raw", 90, archive=journal) as studio:
        studio.overlook(item(0), is_reproducible=True)
        studio.overlook(item(1), is_reproducible=False)
    assert journal.kept == [(0, ""), (1, "no picture was recorded: the item passed unseen")]


def test_no_more_than_so_many_pictures_wait_to_be_taken_for_the_recording_alone() -> None:
    journal, go_on = Journal(), threading.Event()

    def take(_: BeltItem) -> pictures.Picture:
        assert go_on.wait(TIMEOUT_S)
        return np.zeros((4, 4, 3), np.uint8)

    with Studio(take, "raw", 90, archive=journal) as studio:
        for seq in range(OVERLOOKED_MOST + 10):
            studio.overlook(item(seq), is_reproducible=True)
        go_on.set()
    assert [seq for seq, _ in journal.kept] == list(range(OVERLOOKED_MOST))


def test_a_recorded_item_is_photographed_by_nobody_again(tmp_path: Path) -> None:
    record(tmp_path, range(1))
    chosen = settings(source__spec="recording", source__replays=str(tmp_path), camera__noise=50.0)
    with Studio(photographer(open_source(chosen), chosen, 0), "raw", 90) as studio:
        assert studio.expose(item(0)).result(TIMEOUT_S) == shot(0)


# -- wrong input ----------------------------------------------------------------------------------


def test_a_folder_without_a_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"{tmp_path}: lane 0 was not recorded"):
        RecordingSource(tmp_path)
    (tmp_path / "camera-0.mcap").touch()
    with pytest.raises(BadInput, match=f"{tmp_path}: lane 0 was not recorded"):
        RecordingSource(tmp_path)


def test_a_recording_needs_a_run() -> None:
    with pytest.raises(BadInput, match=r"source\.replays: names no run folder"):
        open_source(settings(source__spec="recording"))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"another file", r"camera-0\.mcap: not an MCAP file"),
        (b"\x89MCAP0\r\n" + b"\x06" * 99, r"camera-0\.mcap: damaged"),
        (b"\x89MCAP0\r\n\x06" + (9).to_bytes(8, "little") + bytes(9), r"camera-0\.mcap: damaged"),
    ],
    ids=["of another kind", "with a chunk of absurd length", "with a broken chunk"],
)
def test_a_file_that_is_no_recording_is_named(content: bytes, named: str, tmp_path: Path) -> None:
    (tmp_path / "camera-0.mcap").write_bytes(content)
    with pytest.raises(BadInput, match=named):
        RecordingSource(tmp_path)


def test_facts_of_another_kind_are_named(tmp_path: Path) -> None:
    path = tmp_path / "camera-0.mcap"
    file = McapFile(path.open("wb"))
    lane = file.json_channel("/camera-0/lane", LaneFacts)
    file.add_json(lane, 0, {"camera": 0, "cameras": 1})
    file.finish()
    with pytest.raises(BadInput, match=r"camera-0\.mcap: damaged before byte \d+: belt_speed"):
        RecordingSource(tmp_path)


def test_damage_is_either_named_or_the_loss_of_single_pictures(tmp_path: Path) -> None:
    record(tmp_path, range(2))
    path = tmp_path / "camera-0.mcap"
    whole = path.read_bytes()
    for place in range(9, len(whole), 211):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            source = RecordingSource(tmp_path)
        except BadInput:
            continue
        for seq in read_lane(tmp_path, 0).items:
            with suppress(PictureError):
                assert source.shot(0, seq) == shot(seq)


def hand_made(run_dir: Path, *items: dict[str, Any], lane: dict[str, Any] | None = None) -> Path:
    """A lane's file with these items, each a change to a whole one."""
    path = run_dir / "camera-0.mcap"
    facts = {"camera": 0, "cameras": 1, "belt_speed_m_per_s": 1.0, "classes": None}
    file = McapFile(path.open("wb"))
    lanes = file.json_channel("/camera-0/lane", LaneFacts)
    file.add_json(lanes, 0, facts | {"encoding": "raw"} | (lane or {}))
    file.end_chunk()
    channel = file.json_channel("/camera-0/item", RecordedItem)
    for number, changes in enumerate(items):
        whole = {
            "camera": 0,
            "seq": number,
            "fed_s": 0.0,
            "trigger_s": number / 8,
            "triggered_ns": number,
            "true_class": None,
            "mass_g": 1.0,
            "origin": "by hand",
            "encoding": "raw",
            "height_px": 4,
            "width_px": 4,
            "picture_crc32": 0,
            "picture_at": None,
            "without_picture": "none",
        }
        file.add_json(channel, 0, whole | changes)
        file.end_chunk()
    file.finish()
    return path


@pytest.mark.parametrize(
    "items",
    [
        [{"seq": 10**12}],
        [{"seq": 2**64}],
        [{"seq": -1}],
        [{}, {"seq": 1_500_000}],
        [{"seq": 1_500_000}],
        [{"seq": number * 900_000, "trigger_s": 1.0 * number} for number in range(14)],
        [{"trigger_s": 5.0}, {"trigger_s": 4.0}],
        [{"trigger_s": 1e300}],
        [{"trigger_s": -1.0}],
        [{"trigger_s": "NaN"}],
        [{"trigger_s": None}],
        [{"camera": 3}],
        [{"height_px": 10**9}],
        [{"mass_g": -1.0}],
        [{"origin": "x" * 50_000}],
        [{"picture_at": -1}],
        [{"picture_at": 2**70}],
    ],
    ids=lambda items: str(items)[:60],
)
def test_numbers_that_cannot_be_are_refused_in_one_line(
    items: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = hand_made(tmp_path, *items)
    for read in (lambda: RecordingSource(tmp_path), lambda: read_lane(tmp_path, 0)):
        with pytest.raises(BadInput, match=f"^{path}: damaged") as caught:
            read()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 600


def test_a_gap_that_a_lane_may_have_is_fed(tmp_path: Path) -> None:
    hand_made(tmp_path, {}, {"seq": 5000, "trigger_s": 1000.0})
    times = list(RecordingSource(tmp_path).arrivals(0, 1.0))
    assert times == pytest.approx([seq / 5 for seq in range(5001)])


@pytest.mark.parametrize("at", [10**6, 2**61])
def test_a_picture_outside_its_file_is_one_failed_picture(at: int, tmp_path: Path) -> None:
    path = hand_made(tmp_path, {"picture_at": at})
    with pytest.raises(PictureError, match=f"^{path}: the picture of 0-0 is damaged"):
        RecordingSource(tmp_path).shot(0, 0)


def test_a_chunk_is_unpacked_no_further_than_it_may_be(tmp_path: Path) -> None:
    """Sixty kilobytes of LZ4 may become fifteen megabytes, and of pictures hundreds."""
    path = tmp_path / "camera-0.mcap"
    file = McapFile(path.open("wb"))
    lanes = file.json_channel("/camera-0/lane", LaneFacts)
    file.add(lanes, 0, b" " * 12_000_000)
    file.finish()
    assert path.stat().st_size < 1 << 17
    with pytest.raises(BadInput, match=f"^{path}: damaged"):
        RecordingSource(tmp_path)


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40])
def test_a_record_of_absurd_length_ends_in_one_line(length: int, tmp_path: Path) -> None:
    path = hand_made(tmp_path, {})
    content = path.read_bytes()[:200] + b"\x06" + length.to_bytes(8, "little")
    path.write_bytes(content)
    with suppress(BadInput):
        RecordingSource(tmp_path)


def test_a_pipe_in_the_place_of_a_recording_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "camera-0.mcap")
    with pytest.raises(BadInput, match=r"camera-0\.mcap: .*is not a regular file"):
        RecordingSource(tmp_path)


# -- the index of a replay ------------------------------------------------------------------------


def indexed(recorded: Path, run_dir: Path) -> RecordingSource:
    run_dir.mkdir(exist_ok=True)
    chosen = settings(source__spec="recording", source__replays=str(recorded))
    if not (run_dir / index_name(0)).exists():
        keep_pictures(chosen, run_dir)
    source = open_source(chosen, run_dir)
    assert isinstance(source, RecordingSource)
    return source


def test_a_replay_finds_items_by_its_index_without_reading_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seqs in (range(3), range(5, 9)):
        record(tmp_path, seqs)
    scanned = RecordingSource(tmp_path)
    with monkeypatch.context() as patched:
        indexed(tmp_path, tmp_path / "run")
        patched.setattr(recording_module, "read_records", None)
        source = indexed(tmp_path, tmp_path / "run")
        for since in (0, 4, 8, 9):
            assert list(source.arrivals(0, 2.0, since)) == list(scanned.arrivals(0, 2.0))[since:]
        for seq in (0, 2, 5, 8):
            assert source.shot(0, seq) == shot(seq)
            assert source.facts(0, seq) == scanned.facts(0, seq)
        assert source.facts(0, 3).origin == scanned.facts(0, 3).origin == "lost"
        source.close()


def test_an_index_that_is_gone_or_damaged_is_refused_or_tells_nothing_wrong(tmp_path: Path) -> None:
    record(tmp_path, range(2))
    index = tmp_path / "run" / index_name(0)
    source = indexed(tmp_path, tmp_path / "run")
    times = list(source.arrivals(0, 1.0))
    source.close()
    whole = index.read_bytes()
    for at in range(0, len(whole), 3):
        index.write_bytes(whole[:at] + bytes([whole[at] ^ 0x33]) + whole[at + 1 :])
        with pytest.raises(BadInput, match=f"^{index}: damaged"):
            assert list(indexed(tmp_path, tmp_path / "run").arrivals(0, 1.0)) != times
    index.write_bytes(whole[:-5])
    with pytest.raises(BadInput, match=f"^{index}: damaged"):
        indexed(tmp_path, tmp_path / "run")
    index.unlink()
    chosen = settings(source__spec="recording", source__replays=str(tmp_path))
    with pytest.raises(BadInput, match=f"^{index}: No such file"):
        open_source(chosen, tmp_path / "run")
