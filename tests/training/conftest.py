"""Folders of small generated pictures, and one small network trained and exported from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="the trainer needs torch: requirements of training/")
pytest.importorskip("torchvision", reason="the trainer needs torchvision")

from rich.console import Console

from training.cli import main
from training.fit import fit
from training.settings import TrainSettings, load

COLOURS = {"brown": (140, 90, 40), "green": (30, 150, 60), "grey": (128, 128, 135)}
SILENT = Console(quiet=True)


def write_pictures(root: Path, per_class: int, classes: tuple[str, ...] = tuple(COLOURS)) -> Path:
    """One folder per class, each with noisy pictures of that class's colour, 40×32 pixels."""
    rng = np.random.default_rng(per_class)
    for name in classes:
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            noise = rng.normal(0, 20, (32, 40, 3)) + np.array(COLOURS.get(name, (9, 9, 9)))
            picture = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
            picture.save(root / name / f"{name}{number}.png")
    return root


def small_run(data: Path, out: Path, **options: object) -> TrainSettings:
    """Settings of a run of seconds: a small network from scratch, 32 pixels, two epochs."""
    small = {
        "data": data,
        "out": out,
        "weights": "none",
        "backbone": "mobilenet_v3_small",
        "size_px": 32,
        "stored_px": 36,
        "epochs": 2,
        "batch": 8,
        "workers": 0,
        "freeze_epochs": 0,
        "freeze_stages": 0,
        "device": "cpu",
    }
    return load(TrainSettings, {**small, **options})


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train/ and val/ of three classes."""
    root = tmp_path_factory.mktemp("data")
    write_pictures(root / "train", 8)
    write_pictures(root / "val", 3)
    return root


@pytest.fixture(scope="session")
def finished_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of two epochs, never interrupted."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    fit(small_run(data, out), SILENT)
    return out


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must end with exit code 2 and one line on stderr; returns that line."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert ended.value.code == 2
        [line] = capsys.readouterr().err.splitlines()
        return line

    return run
