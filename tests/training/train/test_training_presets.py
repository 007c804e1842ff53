"""Presets: where they stand among the sources, and that each of them trains."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training.errors import BadInput
from training.presets import FOLDER, NAMES, read_preset, train_settings
from training.train.options import TrainSettings

Refused = Callable[..., str]

GIVEN = {"data": Path("data"), "out": Path("out")}
WANTED: dict[str, dict[str, Any]] = {
    "compact": {"optimizer": "adamw", "schedule": "cosine", "freeze_epochs": 1},
    "classic": {"optimizer": "adam", "schedule": "plateau", "rotation_deg": 15, "translate": 0.1},
    "two-phase": {"head": "dense", "freeze_epochs": 5, "patience_epochs": 6, "zoom": 0.2},
    "best": {"backbone": "efficientnet_lite1", "crop_min_area": 0.35, "ema_decay": 0.995},
}


def test_the_names_are_the_files() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(NAMES) == set(WANTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_table_of_train_options(name: str) -> None:
    preset = read_preset(name)
    assert set(preset) <= set(TrainSettings.model_fields) - {"preset", "data", "out", "resume"}
    settings = train_settings({**GIVEN, "preset": name}).model_dump()
    assert {key: settings[key] for key in WANTED[name]} == WANTED[name]
    assert {key: settings[key] for key in preset} == preset


def test_flag_beats_config_beats_checkpoint_beats_preset(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('[train]\npreset = "two-phase"\nepochs = 3\nrate = 3.0\n')
    resumed = {"preset": "two-phase", "epochs": 7, "rate": 7.0, "seed": 7}
    settings = train_settings({**GIVEN, "rate": 5.0}, mine, resumed)
    assert (settings.rate, settings.epochs, settings.seed) == (5.0, 3, 7)
    assert (settings.head, settings.zoom) == ("dense", 0.2)
    assert settings.batch == 32


def test_a_resumed_run_keeps_its_preset() -> None:
    resumed = {"preset": "compact", "epochs": 7}
    assert train_settings({**GIVEN, "preset": "compact"}, None, resumed).epochs == 7
    with pytest.raises(BadInput, match="--preset best: the run began with compact"):
        train_settings({**GIVEN, "preset": "best"}, None, resumed)
    with pytest.raises(BadInput, match="--preset best: the run began with none"):
        train_settings({**GIVEN, "preset": "best"}, None, {"epochs": 7})


def test_unknown_preset(refused: Refused) -> None:
    line = refused("train", "--data", "d", "--out", "o", "--preset", "bset")
    assert line == "error: --preset bset: not one of compact, classic, two-phase, best"


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_trains(name: str, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the trainer needs torch")
    from small_runs import SILENT

    from training.checkpoint import load_checkpoint
    from training.train.fit import fit

    small = {"size_px": 32, "stored_px": 36, "batch": 24, "epochs": 1, "workers": 0}
    chosen = {"preset": name, "weights": "none", "device": "cpu", "freeze_epochs": 0}
    fit(train_settings({"data": data, "out": tmp_path, **small, **chosen}), SILENT)
    trained = load_checkpoint(tmp_path / "last.pt")
    assert trained.steps == 1
    assert trained.train_settings().preset == name
    written = tomllib.loads((tmp_path / "config.toml").read_text())["train"]
    assert written["backbone"] == read_preset(name)["backbone"]
