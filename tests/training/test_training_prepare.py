"""prepare: what is split how, what is written, what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from small_runs import COLOURS, write_pictures

from training.cli import main

Refused = Callable[..., str]


def prepared(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["prepare", *map(str, arguments)])
    assert ended.value.code == 0


def listing(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.png"))


def test_one_folder_is_split_alike_in_every_class(tmp_path: Path) -> None:
    source, out = write_pictures(tmp_path / "all", 20), tmp_path / "out"
    prepared(source, "--out", out)
    for name in COLOURS:
        sizes = [len(list((out / split / name).iterdir())) for split in ("train", "val", "test")]
        assert sizes == [16, 2, 2]
    names = [Path(path).name for path in listing(out)]
    assert len(names) == len(set(names)) == 60


def test_the_seed_decides_the_split(tmp_path: Path) -> None:
    source = write_pictures(tmp_path / "all", 20)
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepared(source, "--out", tmp_path / out, "--seed", seed)
    assert listing(tmp_path / "a") == listing(tmp_path / "b") != listing(tmp_path / "c")


def test_given_splits_stay(data: Path, tmp_path: Path) -> None:
    prepared(data, "--out", tmp_path / "out")
    assert listing(tmp_path / "out") == listing(data)


def test_class_index_and_manifest(data: Path, tmp_path: Path) -> None:
    prepared(data, "--out", tmp_path, "--copy-files")
    index = json.loads((tmp_path / "class_index.json").read_text())
    assert index == {"0": "brown", "1": "green", "2": "grey"}
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert sorted(manifest["sha256"]) == listing(tmp_path)
    path = tmp_path / "train/green/green0.png"
    assert manifest["sha256"]["train/green/green0.png"] == (
        hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert path.stat().st_nlink == 1


def test_class_folder_without_pictures(tmp_path: Path, refused: Refused) -> None:
    source = write_pictures(tmp_path / "all", 10)
    (source / "empty").mkdir()
    assert f"{source / 'empty'}: class folder without" in refused(
        "prepare", source, "--out", tmp_path / "out"
    )


def test_val_class_that_train_lacks(tmp_path: Path, refused: Refused) -> None:
    write_pictures(tmp_path / "in/train", 3, ("brown", "green"))
    write_pictures(tmp_path / "in/val", 3, ("brown", "rust"))
    assert "val/rust: class is not one of brown, green" in refused(
        "prepare", tmp_path / "in", "--out", tmp_path / "out"
    )


def test_fewer_than_two_classes(tmp_path: Path, refused: Refused) -> None:
    source = write_pictures(tmp_path / "all", 10, ("brown",))
    assert "at least two" in refused("prepare", source, "--out", tmp_path / "out")


def test_too_few_pictures_to_split(tmp_path: Path, refused: Refused) -> None:
    source = write_pictures(tmp_path / "all", 1)
    assert "too few" in refused("prepare", source, "--out", tmp_path / "out")


def test_unreadable_picture_is_named_and_nothing_is_written(
    tmp_path: Path, refused: Refused
) -> None:
    source = write_pictures(tmp_path / "all", 10)
    torn = source / "green" / "green3.png"
    torn.write_bytes(torn.read_bytes()[:60])
    assert str(torn) in refused("prepare", source, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_out_folder_that_holds_something(data: Path, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "precious.txt").touch()
    assert "not an empty folder" in refused("prepare", data, "--out", tmp_path)


def test_source_that_does_not_exist(tmp_path: Path, refused: Refused) -> None:
    assert f"{tmp_path / 'no'}: no such folder" in refused(
        "prepare", tmp_path / "no", "--out", tmp_path / "out"
    )
