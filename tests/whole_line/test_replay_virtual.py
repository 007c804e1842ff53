"""A run in virtual time fed again from its seed, by the real line; and no console for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from commands.run_setup.replaying import replay_of
from line.errors import BadInput
from line.model.facts import FILE, ModelFacts
from run_line import main
from tests.hand_made_profile import hand_made_profile
from tests.reports.test_folder import FACTS, mixed_rows, write_run
from tests.running_line import called

BELT = ["scheduled_s", "true_class", "mass_g"]


@pytest.fixture(scope="module")
def virtual(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Two lanes that were simulated, with the facts of a model that is there."""
    folder = tmp_path_factory.mktemp("virtual")
    real = called(
        *("run", "--items=1", "--speed=max", "--quiet"),
        *(f"--model={tiny_model}", f"--run-dir={folder / 'real'}"),
    )
    assert real.returncode == 0, real.stderr
    model = ModelFacts.load(folder / "real")
    known = {"model_path": model.path, "model_sha256": model.sha256, "source": "procedural"}
    hand_made_profile().model_copy(update=known).store(folder / "profile.json")
    arguments = ("--clock=virtual", f"--profile={folder / 'profile.json'}", "--items=12")
    belt = ("--cameras=2", "--seed=11", "--workers=1", "--set=camera.width_px=32")
    run_dir = folder / "run"
    assert main(["run", *arguments, *belt, "--quiet", f"--run-dir={run_dir}"]) == 0
    assert not list(run_dir.glob("*.progress"))
    return run_dir


def test_it_is_fed_again_from_its_seed(virtual: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    ran = called("replay", virtual, "--speed", "max", "--run-dir", again)
    assert ran.returncode == 0, ran.stderr
    assert "the same 12 frames are made again from its seed" in ran.stdout
    told, seen = (
        pd.read_csv(path / "results.csv", index_col="frame_id").sort_index()
        for path in (virtual, again)
    )
    assert list(seen.index) == list(told.index)
    assert (seen[BELT] == told[BELT]).all(axis=None)
    assert json.loads((again / "run.json").read_text())["replays"] == str(virtual)


def test_without_its_figures_nobody_knows_how_much_it_fed(virtual: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(virtual, tmp_path / "copy")
    (copy / "run.json").unlink()
    with pytest.raises(BadInput, match="nothing says how many items it fed") as refused:
        replay_of(copy, {}, with_faults=False)
    assert str(refused.value).startswith(f"{copy}: ")


def test_a_console_of_then_is_not_started_again(tmp_path: Path) -> None:
    console = {"on": "on", "host": "127.0.0.1", "port": 8765, "password_hash": ""}
    console |= {"silence_s": 2.0, "look_in": []}
    run_dir = write_run(tmp_path, mixed_rows(), FACTS, {"console": console})
    facts = ModelFacts(path="m.onnx", sha256="ab" * 32, classes=("glass",))
    (run_dir / FILE).write_text(facts.model_dump_json())
    then = json.loads((run_dir / "settings.json").read_text())
    assert then["console"]["on"] == "on"
    assert replay_of(run_dir, {}, with_faults=False).settings.console.on == "off"
