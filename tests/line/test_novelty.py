"""Energies of a real line's answers, and what a limit of them leaves on the belt."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from line.outcome import UNLIKE
from line.settings import DecisionSettings
from run_line import main
from tests.running_line import called
from tests.tiny_model import write_tiny_model

ITEMS = 30
FEED = ("--speed", "max", "--items", ITEMS, "--workers", 1, "--quiet", "--threshold", 0.4)
SMALL = ("--set", "camera.width_px=64", "--set", "camera.height_px=48")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "strange.onnx", limit=-1.5)


def rows(run_dir: Path) -> pd.DataFrame:
    read = pd.read_csv(run_dir / "results.csv", keep_default_na=False, na_values={"energy": [""]})
    return read.set_index("frame_id").sort_index()


def test_a_limit_leaves_the_stranger_half_on_the_belt_and_all_accounts_say_why(
    tmp_path: Path, model: Path
) -> None:
    free, held = tmp_path / "free", tmp_path / "held"
    run = ("run", *FEED, *SMALL, "--model", model)
    ran = called(*run, "--run-dir", free)
    assert ran.returncode == 0, ran.stderr
    usual = rows(free)
    assert usual["energy"].notna().all()
    assert (usual["reason"] == "").all(), "there is no limit unless one is set"
    limit = float(usual["energy"].median())
    ran = called(*run, "--run-dir", held, "--set", f"decision.novelty_energy={limit}")
    assert ran.returncode == 0, ran.stderr

    found = rows(held)
    assert found["energy"].tolist() == usual["energy"].tolist()
    strange = found["energy"] > limit
    assert 0 < strange.sum() < ITEMS
    assert (found["reason"] == UNLIKE).tolist() == strange.tolist()
    assert (found.loc[strange, "verdict"] == "low_confidence").all()
    assert found.loc[~strange, "verdict"].tolist() == usual.loc[~strange, "verdict"].tolist()

    summary = json.loads((held / "summary.json").read_text())
    entry = {"verdict": "low_confidence", "reason": UNLIKE, "items": int(strange.sum())}
    assert summary["reasons"] == [entry]
    assert UNLIKE in (held / "report.html").read_text()
    alerts = [json.loads(line) for line in (held / "alerts.jsonl").read_text().splitlines()]
    assert any(UNLIKE in each["text"] for each in alerts)
    name = str(found.index[strange.argmax()])
    explained = called("explain", held, name).stdout
    assert UNLIKE in explained
    assert f"energy {found.loc[name, 'energy']:g}" in explained
    assert "novelty limit" in called("diff", free, held).stdout

    ran = called(
        "replay", free, "--run-dir", tmp_path / "again", "--novelty-energy", limit, "--quiet"
    )
    assert ran.returncode == 0, ran.stderr
    assert rows(tmp_path / "again")["verdict"].tolist() == found["verdict"].tolist()


def test_classify_takes_a_limit(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "one.png")
    command = ("classify", str(tmp_path / "one.png"), "--json", f"--model={model}", "--threshold=0")
    for given, unlike in (("-100", True), ("100", False), ("off", False)):
        assert main([*command, "--novelty-energy", given]) == 0
        (answer,) = json.loads(capsys.readouterr().out)
        assert (answer["unlike"], answer["low_confidence"]) == (unlike, unlike)
    assert main([*command, "--novelty-energy", "strange"]) == 2
    assert "option: decision.novelty_energy: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("strange", "decision.novelty_energy: "),
        ("nan", "decision.novelty_energy: "),
        ("1e7", "decision.novelty_energy: "),
    ],
)
def test_a_limit_that_is_no_number_is_one_line(
    setting: str, said: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["check", f"--model={model}", f"--set=decision.novelty_energy={setting}"]
    assert main(options) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1


def test_a_limit_needs_a_model_with_energies(
    tmp_path: Path, model: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def complaint(path: Path, *settings: str) -> str:
        status = main(["check", f"--model={path}", *(f"--set={each}" for each in settings)])
        said = capsys.readouterr()
        if status == 0:
            return said.out
        assert status == 2
        assert said.err.count("\n") == 1
        return said.err

    assert "energy up to -1.5" in complaint(model, "decision.novelty_energy=model")
    assert "energy up to" not in complaint(model)
    for limit in ("model", "-2.5"):
        said = complaint(tiny_model, f"decision.novelty_energy={limit}")
        assert 'tiny.onnx gives no energy; set it to "off"' in said
    promising = ("decision.promise={ metal = 0.9 }", "decision.novelty_energy=model")
    assert 'novelty_energy must be "off"' in complaint(model, *promising)
    virtual = ["run", "--clock=virtual", f"--model={model}", f"--run-dir={tmp_path / 'run'}"]
    assert main([*virtual, "--set=decision.novelty_energy=-2.5"]) == 2


def test_a_run_of_an_earlier_version_has_no_limit() -> None:
    assert DecisionSettings.model_validate({"threshold": 0.5}).novelty_energy == "off"
