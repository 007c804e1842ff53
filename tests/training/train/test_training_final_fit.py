"""A final fit: weights of several runs averaged, and every picture trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import torch
from small_runs import SILENT, small_run, write_pictures

from training.checkpoint import load_checkpoint
from training.cli import main
from training.train.fit import Run
from training.train.splits import open_splits

Refused = Callable[..., str]


def averaged(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["average", *(str(argument) for argument in arguments)])
    assert ended.value.code == 0


def test_average_is_the_mean_of_the_weights(finished_run: Path, tmp_path: Path) -> None:
    files = [finished_run / "best.pt", tmp_path / "moved.pt"]
    moved = load_checkpoint(files[0])
    for value in moved.weights.values():
        if value.is_floating_point():
            value += 2
    moved.save(files[1])
    averaged(*files, "--out", tmp_path / "mean.pt")
    first, mean = load_checkpoint(files[0]).weights, load_checkpoint(tmp_path / "mean.pt").weights
    for key, value in first.items():
        wanted = value + 1 if value.is_floating_point() else value
        torch.testing.assert_close(mean[key], wanted)


def test_average_refuses_strangers(
    finished_run: Path, data: Path, tmp_path: Path, refused: Refused
) -> None:
    out = ("--out", tmp_path / "mean.pt")
    assert "at least two" in refused("average", finished_run, *out)
    other = tmp_path / "other"
    Run(small_run(data, other, backbone="shufflenet_v2_x0_5"), SILENT).one_epoch()
    assert f"{other}: is of another network" in refused("average", finished_run, other, *out)
    two = tmp_path / "two"
    for part in ("train", "val"):
        write_pictures(two / "data" / part, 4, ("brown", "grey"))
    Run(small_run(two / "data", two / "run"), SILENT).one_epoch()
    assert "trained on other classes" in refused("average", finished_run, two / "run", *out)
    assert not (tmp_path / "mean.pt").exists()


def test_val_too_trains_on_every_picture(data: Path, tmp_path: Path) -> None:
    extra = write_pictures(tmp_path / "drawn", 2)
    options = {"extra": [extra], "val_too": True}
    splits = open_splits(small_run(data, tmp_path, **options))
    assert splits.train.own == 3 * (8 + 3)
    assert len(splits.train) == 3 * (8 + 3 + 2)
    assert len(splits.judged_by["val"]) == 3 * 3
    assert sorted(splits.train.labels) == sorted([0, 1, 2] * 13)
