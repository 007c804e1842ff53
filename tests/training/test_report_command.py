"""report: figures from files alone, what is missing is said, figures of another model refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from colour_models import blue, colour_model, green, red, write_colours

from training.cli import main
from training.report.model_text import ReportedModel

Refused = Callable[..., str]


def ran(*arguments: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return colour_model(tmp_path / "colours.onnx")


@pytest.fixture
def evaluated(model: Path, tmp_path: Path) -> Path:
    pictures = {"blue": [blue(200)], "green": [green(150), red(180)], "red": [red(120)]}
    folder = write_colours(tmp_path / "pictures", pictures)
    ran("evaluate", model, "--data", folder, "--out", tmp_path / "evaluated")
    return tmp_path / "evaluated"


@pytest.fixture
def line_run(model: Path, tmp_path: Path) -> Path:
    """What the report reads of a run of the line."""
    folder = tmp_path / "line"
    folder.mkdir()
    share = {"blue": 1.0, "green": 0.5, "red": None}
    summary: dict[str, Any] = {
        "scenario": "colours",
        "items": {"fed": 30, "logged": 30, "lost": 0, "duplicates": 0},
        "verdicts": {"sorted": 25, "late": 5, "failed": 0},
        "in_time_rate": 0.8333,
        "accuracy": 0.9,
        "low_confidence": 2,
        **dict.fromkeys(("purity", "purity_by_mass", "recovery", "recovery_by_mass"), share),
        "latency_ms": {"p50": 12.3, "p95": 45.6},
        "deadline_ms": 750.0,
        "throughput_fps": 8.0,
        "workers": 2,
        "speed": 1.0,
        "model": {"path": str(model), "sha256": ReportedModel.open(model).sha256},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    settings = {"source": {"spec": "pictures"}, "decision": {"threshold": 0.7}}
    (folder / "settings.json").write_text(json.dumps(settings))
    return folder


def test_a_figure_that_is_not_a_number_is_refused(
    evaluated: Path, tmp_path: Path, refused: Refused
) -> None:
    file = evaluated / "metrics.json"
    file.write_text(file.read_text().replace('"nll": ', '"nll": NaN, "was": ', 1))
    line = refused("report", evaluated, "--out", tmp_path / "report")
    assert line == f"error: {file}: not JSON: NaN is no figure"


def test_a_section_says_from_which_file_and_command(
    evaluated: Path, line_run: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    ran("report", evaluated, line_run, "--out", out)
    report = (out / "performance_report.md").read_text()
    assert "75.0% (30.1% to 95.4%), 3 of 4 pictures" in report
    assert f"*From `{evaluated / 'metrics.json'}`, made with* `python -m training eval" in report
    assert "Answered in time: 83.3%, deadline 750.0 ms" in report
    assert "threshold 0.7000" in report
    assert "| red | – | – | – | – |" in report
    assert f"--model {model} --speed 1.0" in report
    page = (out / "performance_report.html").read_text()
    assert "<td" in page
    assert "83.3%" in page
    assert "http" not in page


def test_what_is_missing_is_said(
    evaluated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran("report", evaluated, "--out", tmp_path / "report")
    report = (tmp_path / "report" / "performance_report.md").read_text()
    for title in ("Data", "Training", "Quantisation", "On the line"):
        assert f"## {title}\n\nNot at hand: " in report
    lacking = "not at hand: Data, Training, Quantisation, On the line"
    assert lacking in capsys.readouterr().out


def test_the_card_lies_beside_the_model(evaluated: Path, model: Path, tmp_path: Path) -> None:
    ran("report", evaluated, "--out", tmp_path / "report", "--name", "Colours")
    card = model.with_suffix(".md").read_text()
    assert card.startswith("# Colours\n")
    assert ReportedModel.open(model).sha256 in card
    for title in (
        *("What it is", "Intended use and limits", "Classes", "Inputs and outputs", "Latency"),
        *("Calibration and threshold", "Data", "Provenance and licence", "How to make it anew"),
    ):
        assert f"## {title}\n" in card


def test_figures_of_another_model_are_refused(
    evaluated: Path, line_run: Path, model: Path, tmp_path: Path, refused: Refused
) -> None:
    summary = json.loads((line_run / "summary.json").read_text())
    summary["model"] = {"path": "models/other.onnx", "sha256": 64 * "a"}
    (line_run / "summary.json").write_text(json.dumps(summary))
    line = refused("report", evaluated, line_run, "--out", tmp_path / "report")
    assert f"{line_run / 'summary.json'}: its figures are of the model models/other.onnx" in line
    assert f"not of {model}" in line
    assert not (tmp_path / "report").exists()

    model.unlink()  # the figures alone tell as much
    line = refused("report", evaluated, line_run, "--out", tmp_path / "report")
    assert "models/other.onnx" in line
    assert "not of" in line


def test_a_run_of_another_network_is_refused(
    finished_run: Path, evaluated: Path, tmp_path: Path, refused: Refused
) -> None:
    line = refused("report", evaluated, finished_run, "--out", tmp_path / "report")
    assert f"{finished_run / 'metrics.json'}: is of another model" in line
    assert "brown, green, grey, not blue, green, red" in line


def test_the_training_section_can_be_typed_again(finished_run: Path, tmp_path: Path) -> None:
    ran("report", finished_run, "--out", tmp_path / "report")
    report = (tmp_path / "report" / "performance_report.md").read_text()
    assert "mobilenet_v3_small from weights `none`, at most 2 epochs at 32 px" in report
    assert "python -m training train --data " in report
    assert "--backbone mobilenet_v3_small" in report
    assert "--flips" not in report  # as the defaults have it


def test_bad_input(evaluated: Path, model: Path, tmp_path: Path, refused: Refused) -> None:
    out = tmp_path / "report"
    assert "nowhere: no such folder" in refused("report", tmp_path / "nowhere", "--out", out)
    (tmp_path / "empty").mkdir()
    assert "empty: has none of the figures" in refused("report", tmp_path / "empty", "--out", out)
    (tmp_path / "text.onnx").write_text("text")
    line = refused("report", evaluated, "--out", out, "--model", tmp_path / "text.onnx")
    assert "text.onnx: not an ONNX file" in line
    assert f"{model / 'x'}" in refused("report", evaluated, "--out", model / "x")
    (evaluated / "metrics.json").write_text("{")
    assert "metrics.json: not JSON" in refused("report", evaluated, "--out", out)
