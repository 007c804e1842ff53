"""Wrong input: one line that names the field or the file, exit status 2, nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.running_line import called, command
from tests.tiny_model import write_tiny_model


def picture(path: Path, width_px: int = 16, height_px: int = 16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height_px, width_px, 3), np.uint8)).save(path)
    return path


def scenario(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


Make = Callable[[Path], list[object]]


def unknown_key(tmp: Path) -> list[object]:
    return ["--config", scenario(tmp / "mine.toml", "[belt]\nspeeed = 1\n")]


def unknown_section(tmp: Path) -> list[object]:
    return ["--set", "conveyor.speed=1"]


def value_out_of_range(tmp: Path) -> list[object]:
    return ["--belt-speed", "-3"]


def value_of_wrong_type(tmp: Path) -> list[object]:
    return ["--speed", "quick"]


def no_such_scenario(tmp: Path) -> list[object]:
    return ["--scenario", "lunch_break"]


def broken_toml(tmp: Path) -> list[object]:
    return ["--scenario", scenario(tmp / "torn.toml", "[belt\n")]


def event_for_unknown_role(tmp: Path) -> list[object]:
    text = 'events = [{ at_s = 1, action = "kill", role = "plumber" }]\n'
    return ["--scenario", scenario(tmp / "odd.toml", text)]


def event_for_missing_worker(tmp: Path) -> list[object]:
    text = 'events = [{ at_s = 1, action = "kill", role = "worker", index = 7 }]\n'
    return ["--scenario", scenario(tmp / "odd.toml", text), "--workers", "2"]


def missing_model(tmp: Path) -> list[object]:
    return ["--model", tmp / "none.onnx"]


def truncated_model(tmp: Path) -> list[object]:
    path = write_tiny_model(tmp / "cut.onnx")
    path.write_bytes(path.read_bytes()[:200])
    return ["--model", path]


def model_with_other_classes(tmp: Path) -> list[object]:
    return ["--model", write_tiny_model(tmp / "pets.onnx", ("cat", "dog"))]


def folder_with_other_classes(tmp: Path) -> list[object]:
    picture(tmp / "pets" / "cat" / "1.png")
    return ["--source", tmp / "pets"]


def empty_folder(tmp: Path) -> list[object]:
    (tmp / "nothing").mkdir()
    return ["--source", tmp / "nothing"]


def no_such_source(tmp: Path) -> list[object]:
    return ["--source", tmp / "gone.mp4"]


def used_run_folder(tmp: Path) -> list[object]:
    (tmp / "used").mkdir()
    (tmp / "used" / "results.csv").write_text("frame_id\n")
    return ["--run-dir", tmp / "used"]


def run_folder_is_a_file(tmp: Path) -> list[object]:
    return ["--run-dir", scenario(tmp / "file", "")]


def unknown_option(tmp: Path) -> list[object]:
    return ["--sped", "2"]


def model_without_the_residue_class(tmp: Path) -> list[object]:
    return ["--set", "belt.residue_class=rest"]


def home_folder_behind_an_option(tmp: Path) -> list[object]:
    return ["--config=~/none.toml"]


def actuator_slower_than_the_belt(tmp: Path) -> list[object]:
    return ["--set", "belt.actuator_ms=2000"]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (unknown_key, "mine.toml: belt.speeed: unknown key"),
        (unknown_section, "conveyor"),
        (value_out_of_range, "belt.speed_m_per_s"),
        (value_of_wrong_type, "line.speed"),
        (no_such_scenario, "lunch_break"),
        (broken_toml, "torn.toml"),
        (event_for_unknown_role, "odd.toml: events.0.role"),
        (event_for_missing_worker, "there is no worker-7 with 2 workers"),
        (missing_model, "none.onnx"),
        (truncated_model, "cut.onnx"),
        (model_with_other_classes, "pets.onnx"),
        (folder_with_other_classes, "'cat'"),
        (empty_folder, "nothing"),
        (no_such_source, "gone.mp4"),
        (used_run_folder, "used"),
        (run_folder_is_a_file, "file"),
        (unknown_option, "--sped"),
        (model_without_the_residue_class, "or to none: --set belt.residue_class="),
        (home_folder_behind_an_option, f"{Path.home()}/none.toml"),
        (actuator_slower_than_the_belt, "belt.actuator_ms"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    make: Make, named: str, tmp_path: Path, tiny_model: Path
) -> None:
    arguments = make(tmp_path)
    if "--model" not in arguments:
        arguments += ["--model", tiny_model]
    if "--run-dir" not in arguments:
        arguments += ["--run-dir", tmp_path / "run"]
    ran = called("run", "--items", 3, *arguments)
    assert ran.returncode == 2, ran.stdout
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("error: ")
    assert named in ran.stderr
    assert not (tmp_path / "run").exists()


def test_check_says_what_is_right(tiny_model: Path) -> None:
    ran = command("check", "--scenario", "rush_hour", "--model", tiny_model)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(" ok ") == 5


def test_check_says_what_is_wrong(tmp_path: Path, tiny_model: Path) -> None:
    wrong = scenario(tmp_path / "wrong.toml", "[infeed]\nitems_per_min = 0\n")
    ran = command("check", "--scenario", wrong, "--model", tiny_model)
    assert ran.returncode == 2
    assert "wrong.toml: infeed.items_per_min" in ran.stderr


def test_report_of_no_run_names_the_folder(tmp_path: Path) -> None:
    ran = called("report", tmp_path)
    assert ran.returncode == 2
    assert str(tmp_path) in ran.stderr


def test_an_environment_variable_that_means_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    monkeypatch.setenv("SCRAPLINE_BELT__COLOUR", "green")
    ran = called("check", "--model", tiny_model)
    assert ran.returncode == 2
    assert "SCRAPLINE_BELT__COLOUR" in ran.stderr


def test_a_model_folder_with_two_models_is_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "a.onnx")
    write_tiny_model(tmp_path / "b.onnx")
    ran = called("check", "--model", tmp_path)
    assert ran.returncode == 2
    assert "a.onnx, b.onnx" in ran.stderr


def test_settings_of_a_run_are_kept_with_it(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    options = ("--items", 3, "--speed", "max", "--set", "belt.actuator_ms=7", "--quiet")
    ran = command("run", "--model", tiny_model, "--run-dir", run_dir, *options)
    assert ran.returncode == 0, ran.stderr
    kept = json.loads((run_dir / "settings.json").read_text())
    assert kept["belt"]["actuator_ms"] == 7
    assert kept["line"]["items"] == 3
