"""Small generated pictures, and settings of a run of seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from training.options import load
from training.train.options import TrainSettings

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
