"""train: what a run leaves behind, going on after an interruption, what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import torch
from rich.console import Console
from small_runs import COLOURS, SILENT, small_run, write_pictures

from training import backbone
from training.checkpoint import load_checkpoint
from training.cli import main
from training.train.fit import Run, fit

Refused = Callable[..., str]

SMALL = ("--weights", "none", "--size-px", "32", "--batch", "8", "--backbone", "mobilenet_v3_small")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_history_metrics_confusion(finished_run: Path) -> None:
    history = rows(finished_run / "history.csv")
    assert [row["epoch"] for row in history] == ["1", "2"]
    metrics = json.loads((finished_run / "metrics.json").read_text())
    best = max(float(row["val_accuracy"]) for row in history)
    assert metrics["val"]["accuracy"] == pytest.approx(best)
    confusion = rows(finished_run / "confusion.csv")
    assert sum(int(row[name]) for row in confusion for name in COLOURS) == 9
    assert len(list((finished_run / "confusion").iterdir())) == 2


def test_an_interrupted_run_ends_as_if_it_had_not_been(
    data: Path, finished_run: Path, tmp_path: Path
) -> None:
    settings = small_run(data, tmp_path)
    Run(settings, SILENT).one_epoch()
    with pytest.raises(SystemExit) as ended:
        main(["train", "--resume", "--out", str(tmp_path)])
    assert ended.value.code == 0
    whole, resumed = (
        load_checkpoint(finished_run / "last.pt"),
        load_checkpoint(tmp_path / "last.pt"),
    )
    assert resumed.steps == whole.steps
    assert all(torch.equal(resumed.weights[key], value) for key, value in whole.weights.items())


def test_extras_join_and_are_judged_under_their_own_name(data: Path, tmp_path: Path) -> None:
    extra = write_pictures(tmp_path / "drawn/train", 4, ("brown", "grey"))
    extra_val = write_pictures(tmp_path / "drawn/val", 2)
    settings = small_run(
        data, tmp_path / "run", extra=(extra,), extra_val=(extra_val,), epochs=1, balance="loss"
    )
    fit(settings, SILENT)
    [row] = rows(tmp_path / "run/history.csv")
    assert 0 <= float(row["drawn_accuracy"]) <= 1
    assert load_checkpoint(tmp_path / "run").steps == (24 + 8) // 8


def test_resuming_keeps_the_options_of_the_run(data: Path, tmp_path: Path) -> None:
    extra = write_pictures(tmp_path / "drawn", 4)
    fit(small_run(data, tmp_path / "run", extra=(extra,), epochs=1), SILENT)
    with pytest.raises(SystemExit):
        main(["train", "--resume", "--out", str(tmp_path / "run"), "--epochs", "2"])
    resumed = load_checkpoint(tmp_path / "run/last.pt")
    assert resumed.train_settings().extra == (extra,)
    assert resumed.steps == 2 * ((24 + 12) // 8)


def test_excluded_pictures_are_not_trained_on(data: Path, tmp_path: Path) -> None:
    listed = tmp_path / "out.txt"
    names = [f"train/green/green{i}.png" for i in range(8)]
    listed.write_text("# twice in the set\n" + "\n".join(names))
    settings = small_run(data, tmp_path / "run", exclude=listed, epochs=1)
    fit(settings, SILENT)
    assert load_checkpoint(tmp_path / "run").steps == 16 // 8


def test_patience_ends_a_run(data: Path, tmp_path: Path) -> None:
    settings = small_run(data, tmp_path, epochs=20, patience_epochs=1, rate=1e-9)
    fit(settings, SILENT)
    assert len(rows(tmp_path / "history.csv")) < 20


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--backbone", "resnet19"], "--backbone resnet19"),
        (["--weights", "missing.pt"], "missing.pt: no such file"),
        (["--freeze-stages", "99"], "--freeze-stages 99"),
        (["--batch", "64"], "--batch 64: only 24 pictures"),
        (["--device", "tpu9"], "--device tpu9"),
        (["--extra", "nowhere"], "nowhere: no such folder"),
        (["--exclude", "nowhere.txt"], "--exclude nowhere.txt"),
    ],
)
def test_bad_options(
    options: list[str], named: str, data: Path, tmp_path: Path, refused: Refused
) -> None:
    small = ["--weights", "none", "--size-px", "32", "--batch", "8", "--backbone", "resnet18"]
    line = refused("train", "--data", data, "--out", tmp_path, *small, *options)
    assert named in line


def test_exclusion_that_names_no_picture(data: Path, tmp_path: Path, refused: Refused) -> None:
    listed = tmp_path / "out.txt"
    listed.write_text("train/green/green0.png\ntrain/green/gren1.png\n")
    line = refused("train", "--data", data, "--out", tmp_path, "--exclude", listed)
    assert "out.txt, line 2: no picture" in line


def test_extra_folder_with_another_class(data: Path, tmp_path: Path, refused: Refused) -> None:
    extra = write_pictures(tmp_path / "extra", 2, ("rust", "brown"))
    line = refused("train", "--data", data, "--out", tmp_path / "run", "--extra", extra)
    assert f"{extra / 'rust'}: class is not one of" in line


@pytest.mark.parametrize("memory_gb", [0, 4])
@pytest.mark.parametrize("part", ["train", "val"])
def test_truncated_picture(part: str, memory_gb: int, tmp_path: Path, refused: Refused) -> None:
    """Found before the first epoch, whether the pictures are kept in memory or not."""
    for split in ("train", "val"):
        write_pictures(tmp_path / split, 4)
    cut = tmp_path / part / "green/green1.png"
    cut.write_bytes(cut.read_bytes()[:500])
    out = tmp_path / "run"
    line = refused("train", "--data", tmp_path, "--out", out, *SMALL, "--memory-gb", memory_gb)
    assert line.startswith(f"error: {cut}: cannot be read")
    assert not out.exists()


def test_folders_that_do_not_fit(tmp_path: Path, refused: Refused) -> None:
    start = ("train", "--data", tmp_path, "--out", tmp_path / "run", *SMALL)
    (tmp_path / "train").mkdir()
    (tmp_path / "val").mkdir()
    two = "train: at least two class folders are needed"
    assert two in refused(*start)
    write_pictures(tmp_path / "train", 4, ("brown",))
    assert two in refused(*start)
    (tmp_path / "train/green").mkdir()
    assert "train/green: class folder without pictures" in refused(*start)
    write_pictures(tmp_path / "train", 4, ("grey",))
    (tmp_path / "train/green").rmdir()
    assert "val: no class folders" in refused(*start)
    write_pictures(tmp_path / "val", 4, ("brown", "rust"))
    assert "val/rust: class is not one of brown, grey" in refused(*start)


def test_weights_of_another_network(
    data: Path, finished_run: Path, tmp_path: Path, refused: Refused
) -> None:
    start = ("train", "--data", data, "--out", tmp_path, *SMALL)
    line = refused(*start, "--weights", finished_run / "best.pt", "--backbone", "resnet18")
    assert line.endswith("best.pt: of --backbone mobilenet_v3_small, not resnet18")


def test_weights_of_other_classes_give_all_but_the_head(
    data: Path, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "val"):
        write_pictures(tmp_path / part, 4, ("brown", "rust"))
    settings = small_run(tmp_path, tmp_path / "run", weights=str(finished_run))
    run = Run(settings, Console(soft_wrap=True))
    run.announce()
    run.one_epoch()
    said = capsys.readouterr().out
    assert "all but the head, which begins at random, as it was trained on other classes" in said
    assert "it lacks rust, it also has green, grey" in said
    begun = load_checkpoint(tmp_path / "run/last.pt")
    assert begun.classes == ("brown", "rust")
    assert begun.weights["classifier.3.bias"].shape == (2,)


def test_a_run_folder_gives_its_best_weights_with_the_head_where_the_classes_are_the_same(
    data: Path, finished_run: Path, tmp_path: Path, refused: Refused
) -> None:
    settings = small_run(data, tmp_path / "run", weights=str(finished_run))
    network = backbone.build(settings, 3)
    said = backbone.load_weights(network, settings, tuple(COLOURS))
    assert said.endswith(": all of them, the head too, as the classes are the same")
    best = load_checkpoint(finished_run).weights
    assert all(torch.equal(value, best[key]) for key, value in network.model.state_dict().items())
    start = ("train", "--data", data, "--out", tmp_path / "other", *SMALL)
    line = refused(*start, "--weights", tmp_path)
    assert line == f"error: {tmp_path}: no best.pt in it: not a run folder, or no epoch is done"
