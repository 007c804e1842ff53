"""Settings: which source wins, and how a wrong one is named."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from training.errors import BadInput
from training.options import load
from training.settings import DEFAULTS, Settings
from training.train.options import TrainSettings

Refused = Callable[..., str]

GIVEN = {"data": Path("data"), "out": Path("out")}


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_flag_beats_config_beats_checkpoint_beats_default(tmp_path: Path) -> None:
    mine = config(tmp_path, "[train]\nbatch = 12\nepochs = 3\n")
    resumed = {"epochs": 7, "batch": 7, "seed": 7}
    settings = load(TrainSettings, {**GIVEN, "batch": 5}, mine, resumed)
    assert (settings.batch, settings.epochs, settings.seed) == (5, 3, 7)
    assert settings.backbone == "mobilenet_v2"


def test_every_default_belongs_to_a_setting() -> None:
    defaults = tomllib.loads(DEFAULTS.read_text())
    for section in Settings.__subclasses__():
        optional = {n for n, f in section.model_fields.items() if not f.is_required()}
        assert set(defaults[section.table]) <= set(section.model_fields) - optional


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[train]\nbach = 12\n", "mine.toml: [train] bach: no such setting"),
        ("[export]\nlimit = 1\n", "mine.toml: [export] limit: no such setting"),
        ("[tarin]\nbatch = 12\n", "mine.toml: [tarin]: no such table"),
        ("[train]\nbatch = 'many'\n", "mine.toml: [train] batch: "),
        ("[train]\nhead = 'wide'\n", "mine.toml: [train] head: "),
        ("[train\n", "mine.toml: not TOML"),
    ],
)
def test_config_file_is_named_with_the_key(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadInput) as error:
        load(TrainSettings, GIVEN, config(tmp_path, text))
    assert named in str(error.value)


def test_an_unknown_setting_is_told_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\[train\] bach: no such setting; did you mean batch\?"):
        load(TrainSettings, GIVEN, config(tmp_path, "\ufeff[train]\nbach = 12\n"))


def test_paths_may_begin_with_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    settings = load(TrainSettings, {"data": "~/d", "out": Path("~/o"), "extra": [Path("~/e")]})
    assert (settings.data, settings.out) == (Path("/home/anna/d"), Path("/home/anna/o"))
    assert settings.extra == (Path("/home/anna/e"),)


def test_flags_are_named(tmp_path: Path, refused: Refused) -> None:
    assert "--batch: " in refused("train", "--data", "d", "--out", "o", "--batch", 0)
    assert "--data: is required" in refused("train", "--out", "o")
    assert "no.toml" in refused("train", "--config", tmp_path / "no.toml")
