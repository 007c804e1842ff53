"""Pictures are read by a process of their own, which has so long for each and may be killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from line import pictures
from line.config import load
from line.errors import BadInput, PictureError
from line.settings import Settings
from producers.sources import WebcamSource, keep_pictures, open_source
from producers.sources.separate import SeparateSource
from tests.producers.test_sources import save
from tests.running_line import ROOT, UndisturbedLine, assert_accounted, is_alive, poll

PATIENT_S = 300.0


def prepared(root: Path, run_dir: Path, **options: Any) -> Settings:
    """A run folder as far as a reader needs it."""
    run_dir.mkdir(exist_ok=True)
    named = [(key.replace("__", "."), value) for key, value in options.items()]
    settings = load(environment={}, options=[("source.spec", str(root)), *named])
    (run_dir / "settings.json").write_text(settings.model_dump_json())
    keep_pictures(settings, run_dir)
    return settings


@contextmanager
def reading(root: Path, run_dir: Path, **options: Any) -> Iterator[SeparateSource]:
    settings = prepared(root, run_dir, **options)
    source = SeparateSource(open_source(settings, run_dir, opened=False), settings, run_dir)
    with closing(source):
        source.check()
        yield source


def place_of(source: SeparateSource, name: str, count: int) -> int:
    return [source.facts(0, seq).origin for seq in range(count)].index(name)


def many_scans(path: Path) -> Path:
    """A small file that takes minutes: the shortest scan of a progressive JPEG, over and over."""
    whole = io.BytesIO()
    Image.new("L", (4000, 4000)).save(whole, "JPEG", progressive=True)
    data = whole.getvalue()
    begins = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    scans = [data[begin:end] for begin, end in pairwise(begins)]
    scan = min(scans[1:], key=len)  # the first has the levels themselves, and is long
    path.write_bytes(data[: begins[1]] + scan * (1_800_000 // len(scan)) + data[begins[1] :])
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(6):
        save(tmp_path / "shown" / f"{number}.png", 40 * number)
    return tmp_path / "shown"


def test_pictures_are_those_of_the_source_itself(root: Path, tmp_path: Path) -> None:
    save(root / "large.png", size=(700, 500))
    (root / "none.png").write_bytes(b"no picture")
    with reading(root, tmp_path / "run", source__read_s=PATIENT_S) as source:
        assert (source.classes, source.length, source.is_exact) == (None, 8, True)
        for seq in range(8):
            path = root / source.facts(0, seq).origin
            if path.name == "none.png":
                with pytest.raises(PictureError, match=f"^{path}: not a picture"):
                    source.picture(0, seq)
            else:
                assert np.array_equal(source.picture(0, seq), pictures.read(path, 1e6))


def test_a_picture_of_many_scans_is_one_failed_picture(root: Path, tmp_path: Path) -> None:
    many_scans(root / "scans.jpg")
    with reading(root, tmp_path / "run", source__read_s=8.0) as source:
        place = place_of(source, "scans.jpg", 7)
        with pytest.raises(PictureError, match=r"^scans\.jpg: cannot be read: took longer than"):
            source.picture(0, place)
        reader = source._reader
        assert reader is None, "its process is gone"
        for seq in set(range(7)) - {place}:
            assert source.picture(0, seq).shape == (16, 24, 3)


def test_a_reader_that_is_killed_or_hangs_is_replaced(root: Path, tmp_path: Path) -> None:
    with reading(root, tmp_path / "run", source__read_s=8.0) as source:
        assert source._reader is not None
        first = source._reader.pid
        source._reader.send_signal(signal.SIGKILL)
        with pytest.raises(PictureError, match=r"cannot be read: its reader was killed by SIGKILL"):
            source.picture(0, 0)
        assert source.picture(0, 1).shape == (16, 24, 3)
        assert source._reader is not None
        second = source._reader
        second.send_signal(signal.SIGSTOP)
        with pytest.raises(PictureError, match=r"took longer than source\.read_s = 8$"):
            source.picture(0, 2)
        assert source.picture(0, 3).shape == (16, 24, 3)
        assert not is_alive(first)
        assert second.poll() == -signal.SIGKILL


def test_a_picture_too_large_to_be_sent_is_one_failed_picture(root: Path, tmp_path: Path) -> None:
    save(root / "wide.png", size=(1000, 700))
    small = {"message__picture_mb": 1, "camera__width_px": 64, "camera__height_px": 64}
    with reading(root, tmp_path / "run", source__read_s=PATIENT_S, **small) as source:
        place = place_of(source, "wide.png", 7)
        with pytest.raises(PictureError, match=r"1000x700 px, 2\.1 MB, more than message\."):
            source.picture(0, place)


def test_reasons_of_any_length_and_letters_come_through(tmp_path: Path) -> None:
    deep = tmp_path / "shown" / ("字" * 80) / ("字" * 80) / ("字" * 80)
    save(deep / "ok.png")
    (deep / "bad.png").write_bytes(b"no picture")
    with reading(tmp_path / "shown", tmp_path / "run", source__read_s=PATIENT_S) as source:
        seen = 0
        for seq in range(2):
            if source.facts(0, seq).origin.endswith("bad.png"):
                with pytest.raises(PictureError, match="not a picture"):
                    source.picture(0, seq)
            else:
                seen += source.picture(0, seq).size
        assert seen == 16 * 24 * 3


def test_a_reader_does_not_outlive_its_camera(root: Path, tmp_path: Path) -> None:
    settings = prepared(root, tmp_path / "run")
    assert settings.source.read_s == 5
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from line.settings import Settings\n"
        "from producers.sources import open_source\n"
        "from producers.sources.separate import SeparateSource\n"
        "run_dir = Path(sys.argv[1])\n"
        "settings = Settings.model_validate_json((run_dir / 'settings.json').read_bytes())\n"
        "inner = open_source(settings, run_dir, opened=False)\n"
        "source = SeparateSource(inner, settings, run_dir)\n"
        "source.check()\n"
        "print(source._reader.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        os.kill(pid, signal.SIGSTOP)  # it cannot look at its pipe
        parent.kill()
        parent.wait()
    poll(lambda: not is_alive(pid), "the end of the reader")


def test_a_camera_of_this_computer_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    settings = load(environment={}, options=[("source.spec", "webcam:99")])
    (run_dir / "settings.json").write_text(settings.model_dump_json())
    inner = open_source(settings, run_dir, opened=False)
    assert isinstance(inner, WebcamSource)
    with (
        closing(SeparateSource(inner, settings, run_dir)) as source,
        pytest.raises(BadInput, match="webcam:99: no such camera"),
    ):
        source.check()


CAMERA_THAT_STOPS = """
import time

import numpy

CAP_PROP_BUFFERSIZE = 38


class VideoCapture:
    reads = 0

    def __init__(self, index):
        pass

    def isOpened(self):
        return True

    def set(self, key, value):
        return True

    def grab(self):
        return True

    def read(self):
        self.reads += 1
        if self.reads > 2:
            time.sleep(3600)
        return True, numpy.full((48, 64, 3), self.reads, numpy.uint8)

    def release(self):
        pass
"""
"""In place of OpenCV: each time it is opened it gives two pictures, and never a third."""


def test_a_camera_of_this_computer_that_says_nothing_costs_one_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text(CAMERA_THAT_STOPS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    given = [("source.spec", "webcam:0"), ("source.read_s", 5)]
    settings = load(environment={}, options=given)
    (run_dir / "settings.json").write_text(settings.model_dump_json())
    inner = open_source(settings, run_dir, opened=False)
    with closing(SeparateSource(inner, settings, run_dir)) as source:
        source.check()
        assert [int(source.picture(0, seq)[0, 0, 0]) for seq in (0, 1)] == [1, 2]
        with pytest.raises(PictureError, match=r"webcam:0: .* took longer than source.read_s = 5"):
            source.picture(0, 2)
        assert int(source.picture(0, 3)[0, 0, 0]) == 1


def test_a_line_goes_on_beside_pictures_that_cannot_be_read(
    root: Path, tmp_path: Path, tiny_model: Path
) -> None:
    for number in range(6, 30):
        save(root / f"{number}.png", number)
    many_scans(root / "scans.jpg")
    (root / "half.png").write_bytes((root / "1.png").read_bytes()[:60])
    options = ("--source", root, "--speed", "max", "--set", "source.read_s=8")
    with UndisturbedLine(tmp_path / "run", *options, "--model", tiny_model) as line:
        status, summary = line.finish()
    rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert len(rows) == 32
    reasons = rows[rows["verdict"] == "failed"]["reason"].tolist()
    assert len(reasons) == 2
    assert any("took longer than source.read_s" in reason for reason in reasons)
    assert summary["restarts"]["camera"] == 0
