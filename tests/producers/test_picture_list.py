"""The list of pictures that is fixed when a run begins, and kept with it."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from line.config import load
from line.errors import BadInput
from line.settings import Settings
from producers.sources import FolderSource, VideoSource, keep_pictures, open_source
from producers.sources.picture_list import NAME, PictureList, write_folder, write_video
from tests.producers.test_sources import save
from tests.running_line import RunningLine, called, poll


def settings(root: Path, **options: Any) -> Settings:
    named = [(key.replace("__", "."), value) for key, value in options.items()]
    return load(environment={}, options=[("source.spec", str(root)), *named])


def origins(source: Any, count: int, cameras: int = 1) -> list[str]:
    return [source.facts(c, n).origin for c in range(cameras) for n in range(count)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(12):
        save(tmp_path / "shown" / ("glass" if number % 2 else "metal") / f"{number}.png", number)
    return tmp_path / "shown"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize("order", ["once", "random"])
def test_the_list_feeds_what_the_folder_fed_when_it_was_made(
    root: Path, run_dir: Path, order: str
) -> None:
    chosen = settings(root, source__order=order, line__cameras=2)
    before = open_source(chosen)
    expected = origins(before, 6, 2)
    keep_pictures(chosen, run_dir)

    for number in range(12, 20):
        save(root / "glass" / f"{number}.png")
    (root / "metal" / "0.png").unlink()

    kept = open_source(chosen, run_dir)
    assert isinstance(kept, FolderSource)
    assert origins(kept, 6, 2) == expected
    assert (kept.classes, kept.length) == (before.classes, before.length)
    assert list(islice(kept.true_classes(1), 6)) == list(islice(before.true_classes(1), 6))
    kept.close()


def test_a_folder_that_is_gone_still_has_its_items(root: Path, run_dir: Path) -> None:
    chosen = settings(root)
    keep_pictures(chosen, run_dir)
    expected = origins(open_source(chosen), 12)
    root.rename(root.with_name("elsewhere"))
    kept = open_source(chosen, run_dir)
    assert origins(kept, 12) == expected
    kept.close()


def test_names_come_back_whatever_they_are(run_dir: Path) -> None:
    names = ["a/b.png", os.fsdecode(b"a/caf\xe9.png"), "a/two\nlines.png", "ä/ö.png", "x" * 4000]
    write_folder(run_dir, names, ("a", "ä", "x"))
    kept = PictureList(run_dir / NAME)
    assert list(kept) == names
    assert kept.classes == ("a", "ä", "x")
    for place in (-1, 5):
        with pytest.raises(IndexError):
            kept[place]
    kept.close()


def test_of_a_video_the_number_of_frames_is_kept(tmp_path: Path, run_dir: Path) -> None:
    film = tmp_path / "film.avi"
    write_video(run_dir, 40)
    source = open_source(settings(film), run_dir)
    assert isinstance(source, VideoSource)
    assert source.length == 40


def test_a_run_without_its_list_is_refused(root: Path, run_dir: Path) -> None:
    with pytest.raises(BadInput, match=f"^{run_dir / NAME}: missing; it says which pictures"):
        open_source(settings(root), run_dir)


def test_a_list_that_is_damaged_anywhere_is_refused_or_tells_no_wrong_path(run_dir: Path) -> None:
    names = [f"a/{number}.png" for number in range(7)]
    write_folder(run_dir, names, ("a",))
    path = run_dir / NAME
    whole = path.read_bytes()
    changed = [whole[:cut] for cut in range(0, len(whole), 5)] + [whole + b"x"]
    changed += [
        whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :] for at in range(len(whole))
    ]
    for content in changed:
        path.write_bytes(content)
        told: list[str] = []
        with pytest.raises(BadInput, match=f"^{path}: damaged"):  # noqa: PT012
            kept = PictureList(path)
            told += kept
        assert set(told) <= set(names)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a//b.png", "a/./b.png", "a/.."])
def test_a_path_that_leads_out_of_the_folder_is_refused(run_dir: Path, name: str) -> None:
    write_folder(run_dir, [name], None)
    kept = PictureList(run_dir / NAME)
    with pytest.raises(BadInput, match="damaged"):
        kept[0]
    kept.close()


def test_a_run_feeds_its_pictures_once_whatever_becomes_of_the_folder(
    root: Path, tmp_path: Path, slow_model: Path
) -> None:
    """Files come and go while a camera is killed; the run, its resumption and its replay agree."""
    for number in range(12, 160):
        save(root / "glass" / f"{number}.png", number)
    model = ("--model", slow_model, "--set", "camera.window_frames=4")
    options = ("--source", root, "--speed", "max", "--workers", 1, *model)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(8)
        for number in range(200, 240):
            save(root / "metal" / f"{number}.png")
        (root / "glass" / "half.png").write_bytes(b"\x89PNG")
        pid = line.kill("camera-0")
        poll(lambda: line.pid("camera-0") not in (None, pid), "another camera")
        line.wait_for_rows(20)
        line.interrupt()
        line.finish()
        assert line.rows_written() < 160
        (root / "glass" / "159.png").unlink()
        assert called("run", "--resume", line.run_dir, "--quiet").returncode == 0
        rows = line.rows()
        assert len(rows) == rows["frame_id"].nunique() == 160
        classes = rows["true_class"].value_counts().to_dict()
        assert classes == {"glass": 154, "metal": 6}
    replayed = called(
        "replay", line.run_dir, "--speed", "max", "--run-dir", tmp_path / "again", "--json"
    )
    assert replayed.returncode == 0
    told = RunningLine(tmp_path / "again").rows().set_index("frame_id")["true_class"]
    assert told.to_dict() == rows.set_index("frame_id")["true_class"].to_dict()
