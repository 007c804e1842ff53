"""prepare: parts by any name, alike pictures and recordings in one part, bad files, odd names."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the trainer needs torch")

from small_runs import write_pictures

from training.cli import main
from training.errors import BadInput
from training.folders import set_name
from training.prepare.splitting import Shares, split
from training.split_folders import split_folders

Refused = Callable[..., str]


@pytest.fixture
def prepared(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run prepare, which must succeed; returns what it printed."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["prepare", *map(str, arguments)])
        said = capsys.readouterr()
        assert ended.value.code == 0, said.err
        return said.out

    return run


Prepared = Callable[..., str]


def names(root: Path) -> dict[str, set[str]]:
    """Part → CLASS/NAME of its pictures."""
    return {
        part.name: {p.relative_to(part).as_posix() for p in part.rglob("*.png")}
        for part in root.iterdir()
        if part.is_dir()
    }


def frames(folder: Path, items: int, per_item: int, seed: int = 0) -> Path:
    """A film's frames: each item a smooth picture, seen several times through a little noise."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for item in range(items):
        small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        scene = np.asarray(small.resize((64, 48), Image.Resampling.BICUBIC), np.float64)
        for frame in range(per_item):
            seen = (scene + rng.normal(0, 3, scene.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(seen).save(folder / f"item{item:02}-{frame}.png")
    return folder


def parts_of_items(root: Path) -> dict[str, set[str]]:
    """CLASS/item → the parts in which its frames lie."""
    parts: dict[str, set[str]] = defaultdict(set)
    for part, paths in names(root).items():
        for path in paths:
            parts[path.split("-")[0]].add(part)
    return parts


# -- alike pictures ---------------------------------------------------------------------------


def test_one_picture_under_five_names_stays_in_one_part(tmp_path: Path, prepared: Prepared) -> None:
    source = write_pictures(tmp_path / "in", 20)
    for copy in range(4):
        shutil.copy(source / "green/green0.png", source / f"green/copy{copy}.png")
    for seed in range(5):
        said = prepared(source, "--out", tmp_path / f"out{seed}", "--seed", seed)
        homes = {
            part
            for part, paths in names(tmp_path / f"out{seed}").items()
            if paths & {"green/green0.png", *(f"green/copy{copy}.png" for copy in range(4))}
        }
        assert len(homes) == 1
    assert "5 pictures are identical or nearly identical to others (4 of them copies)" in said


def test_frames_of_an_item_stay_in_one_part(tmp_path: Path, prepared: Prepared) -> None:
    for seed, name in enumerate(("glass", "metal")):
        frames(tmp_path / "in" / name, items=10, per_item=4, seed=seed)
    said = prepared(tmp_path / "in", "--out", tmp_path / "out")
    assert "20 groups, each kept in one part" in said
    items = parts_of_items(tmp_path / "out")
    assert len(items) == 20
    assert all(len(parts) == 1 for parts in items.values())
    counts = json.loads((tmp_path / "out/manifest.json").read_text())["counts"]
    assert counts["val"] == counts["test"] == {"glass": 4, "metal": 4}

    prepared(tmp_path / "in", "--out", tmp_path / "apart", "--no-keep-together")
    assert any(len(parts) > 1 for parts in parts_of_items(tmp_path / "apart").values())


def test_large_groups_still_leave_something_for_every_part(
    tmp_path: Path, prepared: Prepared
) -> None:
    for seed, name in enumerate(("glass", "metal")):
        frames(tmp_path / "in" / name, items=3, per_item=9, seed=seed)
    prepared(tmp_path / "in", "--out", tmp_path / "out")
    counts = json.loads((tmp_path / "out/manifest.json").read_text())["counts"]
    assert counts["train"] == counts["val"] == counts["test"] == {"glass": 9, "metal": 9}


def test_a_class_of_alike_pictures_is_split_and_said(tmp_path: Path, prepared: Prepared) -> None:
    frames(tmp_path / "in/empty", items=1, per_item=20)
    frames(tmp_path / "in/glass", items=20, per_item=1, seed=1)
    said = prepared(tmp_path / "in", "--out", tmp_path / "out")
    assert "empty: all 20 pictures are nearly identical, so they are split all the same" in said
    counts = json.loads((tmp_path / "out/manifest.json").read_text())["counts"]
    assert counts["val"] == {"empty": 2, "glass": 2}


def test_given_parts_keep_no_picture_that_a_more_held_out_part_has(
    tmp_path: Path, prepared: Prepared
) -> None:
    root = tmp_path / "in"
    for part, number in (("train", 8), ("val", 4), ("test", 5)):
        write_pictures(root / part, number)
    shutil.copy(root / "val/green/green1.png", root / "train/green/leak.png")
    shutil.copy(root / "test/grey/grey1.png", root / "val/grey/leak.png")
    said = prepared(root, "--out", tmp_path / "out")
    there = names(tmp_path / "out")
    assert not there["train"] & {"green/leak.png"}
    assert not there["val"] & {"grey/leak.png"}
    assert sum(map(len, there.values())) == 3 * 17
    assert "green: left out of train/" in said
    assert "grey: left out of val/" in said
    left_out = json.loads((tmp_path / "out/manifest.json").read_text())["left_out"]
    assert left_out == {
        str(root / "train/green/leak.png"): "as one in val",
        str(root / "val/grey/leak.png"): "as one in test",
    }
    prepared(root, "--out", tmp_path / "as-given", "--no-keep-together")
    assert "green/leak.png" in names(tmp_path / "as-given")["train"]


def test_one_picture_in_two_classes_is_said_and_not_split(
    tmp_path: Path, prepared: Prepared
) -> None:
    source = write_pictures(tmp_path / "in", 10)
    shutil.copy(source / "green/green3.png", source / "grey/same.png")
    said = prepared(source, "--out", tmp_path / "out")
    assert "one picture in two classes: 2 pictures" in said
    there = names(tmp_path / "out")
    assert ["green/green3.png" in paths for paths in there.values()] == [
        "grey/same.png" in paths for paths in there.values()
    ]


# -- recordings -------------------------------------------------------------------------------


def test_recordings_by_folder_stay_in_one_part(tmp_path: Path, prepared: Prepared) -> None:
    pictures = write_pictures(tmp_path / "pictures", 12)
    for name in ("brown", "green"):
        for number in range(12):
            folder = tmp_path / "in" / name / f"film{number % 4}" / "frames"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(pictures / name / f"{name}{number}.png", folder)
    said = prepared(tmp_path / "in", "--out", tmp_path / "out", "--group-by", 1)
    assert "--group-by: 4 groups, each kept in one part" in said
    homes: dict[str, set[str]] = defaultdict(set)
    for part, paths in names(tmp_path / "out").items():
        for path in paths:
            homes[path.split("/")[1]].add(part)
    assert len(homes) == 4
    assert all(len(parts) == 1 for parts in homes.values())
    assert {part for parts in homes.values() for part in parts} >= {"train", "val"}


def test_recordings_by_pattern_stay_in_one_part(
    tmp_path: Path, prepared: Prepared, refused: Refused
) -> None:
    source = write_pictures(tmp_path / "pictures", 12)
    for name in ("brown", "green", "grey"):
        for number in range(10):
            file = source / name / f"{name}{number}.png"
            file.rename(file.with_name(f"day{number % 5}_{number}.png"))
    said = prepared(source, "--out", tmp_path / "out", "--group-by", r"day(\d+)_")
    assert "--group-by: 5 groups, each kept in one part; 6 pictures belong to none" in said
    homes: dict[str, set[str]] = defaultdict(set)
    for part, paths in names(tmp_path / "out").items():
        for path in paths:
            if "/day" in path:
                homes[path.split("/")[1].split("_")[0]].add(part)
    assert [len(parts) for parts in homes.values()] == [1] * 5
    assert "--group-by nothing: fits no picture" in refused(
        "prepare", source, "--out", tmp_path / "no", "--group-by", "nothing"
    )
    assert "--group-by: no pattern: " in refused(
        "prepare", source, "--out", tmp_path / "no", "--group-by", "("
    )


def test_shares_are_met_exactly_where_pictures_are_alone() -> None:
    labels = ["a"] * 100 + ["b"] * 2 + ["c"] * 7
    parts = split(labels, list(range(109)), Shares({"val": 0.1, "test": 0.1}, seed=3))
    counts = Counter(zip(labels, parts, strict=True))
    assert counts == {
        ("a", "val"): 10,
        ("a", "test"): 10,
        ("a", "train"): 80,
        ("b", "val"): 1,
        ("b", "train"): 1,
        ("c", "val"): 1,
        ("c", "test"): 1,
        ("c", "train"): 5,
    }


def test_no_group_is_ever_divided_and_train_has_every_class() -> None:
    rng = np.random.default_rng(0)
    for trial in range(300):
        classes = int(rng.integers(2, 6))
        labels = [f"c{i % classes}" for i in range(int(rng.integers(2 * classes, 80)))]
        groups = rng.integers(0, rng.integers(2, 60), len(labels)).tolist()
        shares = Shares({"val": 0.2, "test": 0.15, "calibration": 0.1}, seed=trial)
        parts = split(labels, groups, shares)
        assert len(set(zip(groups, parts, strict=True))) == len(set(groups))
        alone = split(labels, list(range(len(labels))), shares)
        for part in ("train", "val"):
            assert {x for x, p in zip(labels, alone, strict=True) if p == part} == set(labels)


def test_a_class_with_none_in_a_part_is_said(tmp_path: Path, prepared: Prepared) -> None:
    source = write_pictures(tmp_path / "in", 20)
    for number in range(2, 20):
        (source / "grey" / f"grey{number}.png").unlink()
    said = prepared(source, "--out", tmp_path / "out")
    assert "test/ has no picture of grey (2 in all)" in said
    said = prepared(write_pictures(tmp_path / "two", 2), "--out", tmp_path / "halves")
    assert "there is no test/: every class has too few pictures for one" in said


# -- bad files and odd names ------------------------------------------------------------------


def test_all_bad_files_are_named_at_once(
    tmp_path: Path, prepared: Prepared, refused: Refused
) -> None:
    source, out = write_pictures(tmp_path / "in", 20), tmp_path / "out"
    bad = [source / "green" / f"green{number}.png" for number in (3, 7)]
    bad.append(source / "grey/grey1.png")
    for file in bad:
        file.write_bytes(file.read_bytes()[:60])
    line = refused("prepare", source, "--out", out)
    assert line.startswith("error: 3 pictures are not readable: ")
    assert all(str(file) in line for file in bad)
    assert f"--skip-bad leaves out what is bad, `python -m training audit {source}`" in line
    said = prepared(source, "--out", out, "--skip-bad")
    assert "unreadable, left out: 3 pictures" in said
    assert len(json.loads((out / "manifest.json").read_text())["left_out"]) == 3


def test_many_bad_files_are_listed_in_a_file(tmp_path: Path, refused: Refused) -> None:
    source = write_pictures(tmp_path / "in", 20)
    for file in (source / "green").iterdir():
        file.write_bytes(b"")
    line = refused("prepare", source, "--out", tmp_path / "out")
    listed = tmp_path / "out.unreadable.txt"
    assert f", and 15 more, all in {listed}; " in line
    assert len(listed.read_text().splitlines()) == 20
    assert not (tmp_path / "out").exists()
    assert f"{source / 'green'}: class folder without readable pictures" in refused(
        "prepare", source, "--out", tmp_path / "out", "--skip-bad"
    )


def test_names_that_are_no_text_become_text(tmp_path: Path, prepared: Prepared) -> None:
    source = write_pictures(tmp_path / "in/train", 8)
    write_pictures(tmp_path / "in/val", 3)
    (source / "grey/grey0.png").rename(source / "grey" / os.fsdecode(b"gr\xe9y.png"))
    (source / "grey/grey1.png").rename(source / "grey/gr%E9y.png")
    said = prepared(tmp_path / "in", "--out", tmp_path / "out")
    assert "names that are not UTF-8: 1; their bytes now stand as %XX" in said
    written = json.loads((tmp_path / "out/manifest.json").read_text(encoding="utf-8"))["sha256"]
    assert {"train/grey/gr%E9y.png", "train/grey/gr%E9y_.png"} <= written.keys()
    assert len(written) == 33
    assert all((tmp_path / "out" / name).is_file() for name in written)


def test_what_is_passed_over_is_said(tmp_path: Path, prepared: Prepared) -> None:
    source = write_pictures(tmp_path / "in", 20)
    (source / "grey/._grey0.png").write_bytes(b"mac")
    (source / "__MACOSX").mkdir()
    (source / "grey/a.HEIC").touch()
    (source / "loose.png").touch()
    said = prepared(source, "--out", tmp_path / "out")
    assert f"{source}: passed over 1 .HEIC, 1 folder of the system's own, 1 hidden, " in said
    assert "1 picture beside class folders" in said


# -- parts by their names ---------------------------------------------------------------------


@pytest.mark.parametrize("called", ["valid", "Validation", "VAL", "dev"])
def test_val_by_any_name(tmp_path: Path, prepared: Prepared, called: str) -> None:
    root = tmp_path / "set"
    for part, number in (("Train", 8), (called, 3), ("TEST", 4)):
        write_pictures(root / part, number)
    (root / "raw").mkdir()
    said = prepared(root, "--out", tmp_path / "out")
    assert "passed over raw, no part of the set" in said
    there = names(tmp_path / "out")
    assert {part: len(paths) for part, paths in there.items()} == {
        "train": 24,
        "val": 9,
        "test": 12,
    }
    assert set_name(root / called) == "set"


def test_val_is_split_off_where_there_is_none(tmp_path: Path, prepared: Prepared) -> None:
    for part, number in (("train", 20), ("test", 4)):
        write_pictures(tmp_path / "in" / part, number)
    prepared(tmp_path / "in", "--out", tmp_path / "out")
    sizes = {part: len(paths) for part, paths in names(tmp_path / "out").items()}
    assert sizes == {"train": 54, "val": 6, "test": 12}

    write_pictures(tmp_path / "alone/train", 20)
    prepared(tmp_path / "alone", "--out", tmp_path / "split")
    sizes = {part: len(paths) for part, paths in names(tmp_path / "split").items()}
    assert sizes == {"train": 48, "val": 6, "test": 6}


def test_a_part_of_train_is_held_back_to_calibrate_on(tmp_path: Path, prepared: Prepared) -> None:
    whole = write_pictures(tmp_path / "whole", 20)
    prepared(whole, "--out", tmp_path / "out", "--calibration-share", 0.2)
    there = names(tmp_path / "out")
    assert {part: len(paths) for part, paths in there.items()} == {
        "train": 36,
        "val": 6,
        "test": 6,
        "calibration": 12,
    }
    assert len(set().union(*there.values())) == 60
    again = names(tmp_path / "out")
    prepared(tmp_path / "out", "--out", tmp_path / "again", "--calibration-share", 0.2)
    assert names(tmp_path / "again") == again

    for part, number in (("train", 21), ("valid", 3)):
        write_pictures(tmp_path / "given" / part, number)
    prepared(tmp_path / "given", "--out", tmp_path / "held", "--calibration-share", 0.1)
    sizes = {part: len(paths) for part, paths in names(tmp_path / "held").items()}
    assert sizes == {"train": 57, "val": 9, "calibration": 6}


def test_what_is_no_set_in_parts(tmp_path: Path) -> None:
    vehicles = write_pictures(tmp_path / "vehicles", 3, ("train", "car", "test"))
    assert split_folders(vehicles) == {}
    write_pictures(tmp_path / "twice/train", 3)
    write_pictures(tmp_path / "twice/val", 3)
    write_pictures(tmp_path / "twice/Valid", 3)
    with pytest.raises(BadInput, match="Valid/ and val/ are both its val part"):
        split_folders(tmp_path / "twice")
    write_pictures(tmp_path / "lacking/valid", 3)
    with pytest.raises(BadInput, match="has valid/ but no train/"):
        split_folders(tmp_path / "lacking")
