"""simulate: from folders of pictures to curves, embeddings kept, what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
from PIL import Image
from small_runs import write_pictures

from training.cli import main

Refused = Callable[..., str]

SMALL = (
    *("--weights", "none", "--backbone", "mobilenet_v3_small", "--size-px", 32, "--seeds", 2),
    *("--first", 6, "--step", 5, "--rounds", 2, "--strategies", "margin", "--strategies", "kmeans"),
)


def simulate(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *map(str, arguments)])
    assert ended.value.code == 0


def test_the_experiment_leaves_curves_and_a_table(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    simulate("--data", data, "--out", out, *SMALL)
    printed = capsys.readouterr().out
    for name in ("random", "margin", "kmeans", "labels to 95%", "all 24 labels"):
        assert name in printed
    rows = list(csv.DictReader((out / "curve.csv").read_text().splitlines()))
    assert {(row["strategy"], row["labels"]) for row in rows} == {
        (name, labels) for name in ("random", "margin", "kmeans") for labels in ("6", "11", "16")
    }
    summary = json.loads((out / "summary.json").read_text())
    assert summary["full"]["labels"] == 24
    assert summary["target_accuracy"] == pytest.approx(0.95 * summary["full"]["accuracy"])
    assert summary["end_to_end"] is None
    with Image.open(out / "curve.png") as picture:
        assert picture.width > 1000
        assert np.asarray(picture.convert("L")).std() > 10


def test_a_second_run_reuses_the_embeddings_and_says_the_same(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = write_pictures(tmp_path / "data/train", 6).parent, tmp_path / "out"
    write_pictures(source / "val", 2)
    simulate("--data", source, "--out", out, *SMALL)
    assert capsys.readouterr().out.count("computed") == 2
    curve = (out / "curve.csv").read_bytes()
    simulate("--data", source, "--out", out, *SMALL)
    assert capsys.readouterr().out.count("reused") == 2
    assert (out / "curve.csv").read_bytes() == curve
    # Another picture under an old name, and a file that is damaged: both are noticed.
    picture = source / "train/green/green0.png"
    picture.write_bytes((source / "train/grey/grey0.png").read_bytes())
    (out / "features-val.npz").write_bytes(b"torn")
    simulate("--data", source, "--out", out, *SMALL, "--no-full")
    printed = capsys.readouterr().out
    assert printed.count("computed") == 2
    assert "labels to" not in printed
    assert json.loads((out / "summary.json").read_text())["full"] is None


def test_whole_networks_are_trained_on_what_was_chosen(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ["--end-to-end", 1, "--end-to-end-labels", 10, "--end-to-end-epochs", 1]
    simulate("--data", data, "--out", tmp_path, *SMALL, *whole)
    assert "fine-tuned on 11 labels, 1 seeds" in capsys.readouterr().out
    end_to_end = json.loads((tmp_path / "summary.json").read_text())["end_to_end"]
    assert end_to_end["labels"] == 11
    assert len(end_to_end["chosen"]) == len(end_to_end["random"]) == 1
    excluded = (tmp_path / "end_to_end/random-0/exclude.txt").read_text().splitlines()
    assert len(excluded) == 24 - 11
    assert (tmp_path / "end_to_end/random-0/history.csv").is_file()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--strategies", "marign"], "--strategies: marign: not one of random"),
        (["--first", 20], "--first 20, --step 5: 24 pictures"),
        (["--weights", "no.pt"], "--weights no.pt: no such file"),
        (["--end-to-end", 3], "--end-to-end 3: only 2 seeds"),
        (["--end-to-end", 1, "--weights", "m.onnx"], "m.onnx: an ONNX file cannot"),
        (["--seeds", 1], "--seeds: "),
    ],
)
def test_bad_options(
    options: list[object], named: str, data: Path, tmp_path: Path, refused: Refused
) -> None:
    assert named in refused("simulate", "--data", data, "--out", tmp_path, *SMALL, *options)


def test_folder_that_is_not_prepared(tmp_path: Path, refused: Refused) -> None:
    line = refused("simulate", "--data", tmp_path, "--out", tmp_path / "out", *SMALL)
    assert f"{tmp_path / 'train'}: no such folder" in line
