"""What a run leaves in its folder, and that nothing beside it can spoil the run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
from PIL import Image
from rich.console import Console
from small_runs import COLOURS, SILENT, small_run, write_pictures

from training.charts import history_chart, png
from training.checkpoint import load_checkpoint
from training.confusion_chart import confusion_chart, confusion_pixels
from training.errors import TrainingError
from training.metrics import Confusion
from training.presets import train_settings
from training.run_logs import RunLogs
from training.train.fit import Run, fit
from training.train.progress import RunBar, epoch_line

Refused = Callable[..., str]

SMALL = ("--weights", "none", "--size-px", "32", "--batch", "8", "--backbone", "mobilenet_v3_small")


def small_confusion() -> Confusion:
    return Confusion.of(tuple(COLOURS), np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]))


def test_everything_is_there(finished_run: Path) -> None:
    left = {path.name for path in finished_run.iterdir()}
    assert left == {
        *("last.pt", "best.pt", "config.toml", "history.csv", "history.png", "metrics.json"),
        *("confusion", "confusion.csv", "confusion.png", "errors.html", "train.lock"),
    }


def test_the_settings_make_the_run_anew(data: Path, finished_run: Path, tmp_path: Path) -> None:
    config = finished_run / "config.toml"
    settings = train_settings({"out": tmp_path}, config)
    assert settings == small_run(data, tmp_path)
    fit(settings, SILENT)
    again, first = load_checkpoint(tmp_path), load_checkpoint(finished_run)
    assert again.metrics == first.metrics


def test_settings_of_awkward_text_are_toml(data: Path, tmp_path: Path) -> None:
    extra = write_pictures(tmp_path / 'a "b" \\ c\n#é', 1)
    Run(small_run(data, tmp_path / "run", extra=(extra,), rate=1e-7), SILENT)
    written = tomllib.loads((tmp_path / "run/config.toml").read_text())["train"]
    assert written["extra"] == [str(extra)]
    assert written["rate"] == 1e-7


def test_figures_are_the_best_epochs(data: Path, tmp_path: Path) -> None:
    run = Run(small_run(data, tmp_path, epochs=3, ema_decay=0), SILENT)
    confusions = [run.one_epoch() for _ in range(3)]
    best = max(range(3), key=lambda epoch: (confusions[epoch].accuracy, epoch))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["epoch"] == best + 1
    assert metrics["val"] == json.loads(json.dumps(confusions[best].summary()))
    for means in ("macro", "weighted"):
        assert set(metrics["val"][means]) == {"precision", "recall", "f1"}
    assert set(metrics["val"]["per_class"]) == set(COLOURS)
    page = (tmp_path / "errors.html").read_text()
    wrong = int(confusions[best].counts.sum() - confusions[best].counts.trace())
    assert f"errors of epoch {best + 1} on val" in page
    assert f"{wrong} of 9 pictures" in page
    for pair in confusions[best].most_confused():
        assert f"{pair['true']} taken for {pair['predicted']}: {pair['count']}" in page
    assert len(re.findall('src="data:image/jpeg;base64,', page)) >= min(wrong, 1)
    assert not re.search('(src|href)="(?!data:)', page)


def test_pictures_are_pictures(finished_run: Path) -> None:
    for name in ("history.png", "confusion.png"):
        with Image.open(finished_run / name) as picture:
            assert min(picture.size) > 300
            assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20


def test_history_with_gaps_is_drawn() -> None:
    """A set that was added when the run went on; a checkpoint from before the rate was kept."""
    row = {"epoch": 1, "train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, "val_macro_f1": 0.5}
    later = {**row, "epoch": 2, "rate": 1e-3, "drawn_loss": 1.0, "drawn_accuracy": 0.1}
    assert len(png(history_chart([row, later], best_epoch=2))) > 10_000


@pytest.mark.parametrize("classes", [2, 20, 40])
def test_any_number_of_classes_is_drawn(classes: int) -> None:
    counts = np.diag(np.arange(classes))
    names = tuple(f"class {number}" for number in range(classes))
    pixels = confusion_pixels(Confusion(names, counts), "epoch 1")
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3


def test_three_hundred_classes_are_their_worst_pairs() -> None:
    names = tuple(f"class {number} $x$" for number in range(300))
    counts = np.diag(np.full(300, 20))
    counts[7, 250], counts[3, 4] = 9, 2
    chart = confusion_chart(Confusion(names, counts), "epoch 1")
    [axes] = chart.axes
    labels = [label.get_text().replace("\\", "") for label in axes.get_yticklabels()]
    assert labels == [
        "class 7 $x$ taken for class 250 $x$",
        "class 3 $x$ taken for class 4 $x$",
    ]
    assert "9 of 29, 31%" in [text.get_text() for text in axes.texts]
    assert max(chart.get_size_inches()) < 12
    confusion_pixels(Confusion(names, np.diag(np.ones(300, int))), "nothing wrong")


def test_the_log_has_the_time_left(data: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        fit(small_run(data, tmp_path / "run"), Console(file=log, soft_wrap=True, width=80))
    first, second, third = (tmp_path / "log").read_text().splitlines()
    assert first.startswith("mobilenet_v3_small 32 px, 3 classes")
    assert re.fullmatch(r"epoch 1/2  rate \S+  train_loss .* s, \d:\d\d:\d\d left", second)
    assert re.fullmatch(r"epoch 2/2  .*val_macro_f1 \S+  \S+ s", third)
    assert epoch_line({"epoch": 2, "seconds": 70.0}, 5).endswith("70.0 s, 0:03:30 left")


def test_the_bar_has_the_time_left(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as screen:
        console = Console(file=screen, force_terminal=True, width=100)
        with RunBar(console, epochs=4, steps=10) as bar:
            bar.start_epoch(1)
            bar.advance()
    shown = (tmp_path / "screen").read_text()
    assert "epoch 2/4" in shown
    assert "left" in shown


@pytest.mark.parametrize("kind", ["file", "under a file", "no permission"])
def test_an_out_that_cannot_be_written(
    kind: str, data: Path, tmp_path: Path, refused: Refused
) -> None:
    """Found before the pictures are looked at: there are none here."""
    (tmp_path / "file").write_text("")
    out = {"file": tmp_path / "file", "under a file": tmp_path / "file/a/b"}.get(kind)
    if out is None:
        if os.geteuid() == 0:
            pytest.skip("root may write anywhere")
        (tmp_path / "locked").mkdir(mode=0o500)
        out = tmp_path / "locked/run"
    line = refused("train", "--data", tmp_path / "nowhere", "--out", out, *SMALL)
    assert line.startswith(f"error: --out {out}: ")
    assert "is not" in line


def test_bad_data_leaves_no_folder(tmp_path: Path, refused: Refused) -> None:
    refused("train", "--data", tmp_path / "nowhere", "--out", tmp_path / "run", *SMALL)
    assert not (tmp_path / "run").exists()


def test_an_epoch_that_cannot_be_written_is_one_line(data: Path, tmp_path: Path) -> None:
    run = Run(small_run(data, tmp_path), SILENT)
    (tmp_path / ".best.pt.partial").mkdir()
    with pytest.raises(TrainingError, match="--resume does epoch 1 again"):
        run.one_epoch()


def test_pictures_that_go_away_cost_a_page(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", 4)
    write_pictures(tmp_path / "val", 2)
    run = Run(small_run(tmp_path, tmp_path / "run"), SILENT)
    for picture in (tmp_path / "val").rglob("*.png"):
        picture.unlink()
    run.one_epoch()
    assert (tmp_path / "run/best.pt").exists()
    assert not (tmp_path / "run/errors.html").exists()


def test_tensorboard(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the log needs tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    start = small_run(data, tmp_path, tensorboard=True)
    Run(start, SILENT).one_epoch()
    stopped = load_checkpoint(tmp_path / "last.pt")
    with RunLogs(start, SILENT, done=0) as logs:
        logs.write(stopped.history[0], small_confusion())
        logs.write({**stopped.history[0], "epoch": 2, "val_accuracy": 99.0}, small_confusion())
    fit(start, SILENT, stopped)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    history = load_checkpoint(tmp_path / "last.pt").history
    for tag, column in (("accuracy/val", "val_accuracy"), ("loss/train", "train_loss")):
        logged = {event.step: event.value for event in events.Scalars(tag)}
        assert logged == pytest.approx({row["epoch"]: row[column] for row in history})
    assert "rate" in events.Tags()["scalars"]
    assert [picture.step for picture in events.Images("confusion")] == [1, 2]


def test_wandb_offline(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="SKIPPED: --wandb is not tested, wandb is not installed")
    fit(small_run(data, tmp_path, wandb=True, epochs=1), SILENT)
    [log] = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert log.stat().st_size > 0


@pytest.mark.skipif(importlib.util.find_spec("wandb") is not None, reason="wandb is installed")
def test_a_log_without_its_package_says_what_to_install(
    data: Path, tmp_path: Path, refused: Refused
) -> None:
    line = refused("train", "--data", data, "--out", tmp_path / "run", *SMALL, "--wandb")
    assert line == "error: --wandb: pip install wandb==0.31.0 brings what it needs"
    assert not (tmp_path / "run").exists()


def test_a_log_that_fails_does_not_stop_the_run(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the log needs tensorboard")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/tensorboard").write_text("a file where a folder is expected")
    with (tmp_path / "log").open("w") as log:
        settings = small_run(data, tmp_path / "run", tensorboard=True)
        fit(settings, Console(file=log, soft_wrap=True))
    assert "--tensorboard is switched off: " in (tmp_path / "log").read_text()
    assert len(load_checkpoint(tmp_path / "run/last.pt").history) == 2
