"""A line whose model fails: rows with the model's own reason, nobody dies, the run ends as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.odd_models import batches_of, changed, only_of, wrong_answer
from tests.running_line import RunningLine, UndisturbedLine, assert_accounted, called, command, poll
from tests.tiny_model import write_tiny_model


def pictures(folder: Path, levels: list[int], side_px: int = 48) -> Path:
    folder.mkdir()
    for number, level in enumerate(levels):
        flat = np.full((side_px, side_px, 3), level, np.uint8)
        Image.fromarray(flat).save(folder / f"{number:03}.png")
    return folder


def ran(tmp_path: Path, model: Path, *options: object) -> tuple[dict, pd.DataFrame]:
    """Summary and rows of a run to its end."""
    arguments = ("--model", model, "--speed", "max", "--workers", 2, *options)
    with UndisturbedLine(tmp_path / "run", *arguments) as line:
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert summary["restarts"] == dict.fromkeys(summary["restarts"], 0)
    return summary, rows


def test_pictures_that_the_model_fails_on_are_failed_rows_and_the_others_answered(
    tmp_path: Path,
) -> None:
    levels = [255 if number % 3 == 0 else 60 + number for number in range(40)]
    model = changed(tmp_path / "odd.onnx", wrong_answer(np.nan))
    source = pictures(tmp_path / "pictures", levels)
    options = ("--source", source, "--set", "worker.credit=8", "--set", "worker.attempts=1")
    summary, rows = ran(tmp_path, model, *options)

    failed = rows[rows["verdict"] == "failed"]
    assert summary["verdicts"]["failed"] == len(failed) == levels.count(255)
    assert set(failed["reason"]) == {"the model gives nan for 'cardboard'"}
    assert rows["confidence"].count() == len(levels) - levels.count(255)


def test_a_model_that_answers_nothing_ends_normally_and_the_summary_says_what_it_said(
    tmp_path: Path,
) -> None:
    """It was fine with the noise that it was tried on."""
    model = changed(tmp_path / "odd.onnx", wrong_answer(np.inf))
    source = pictures(tmp_path / "pictures", [240] * 12)
    summary, rows = ran(tmp_path, model, "--source", source)

    assert set(rows["verdict"]) == {"failed"}
    reason = "the model gives inf for 'cardboard'"
    assert set(rows["reason"]) == {reason}
    assert summary["reasons"] == [{"verdict": "failed", "reason": reason, "items": 12}]
    shown = called("report", tmp_path / "run")
    assert shown.returncode == 0, shown.stderr
    assert f"12 × {reason}" in shown.stdout


def test_a_model_of_one_size_and_of_single_pictures_runs_where_the_camera_fits(
    tmp_path: Path,
) -> None:
    model = changed(tmp_path / "odd.onnx", only_of(64, 96), batches_of(1))
    camera = ("--set", "camera.width_px=96", "--set", "camera.height_px=64")
    options = (*camera, "--set", "worker.credit=8", "--items", 30)
    summary, rows = ran(tmp_path, model, "--source", "procedural", *options)

    assert summary["verdicts"].get("failed", 0) == 0
    assert rows["confidence"].count() == 30


@pytest.mark.parametrize("what", ["check", "run", "profile"])
def test_a_camera_of_another_size_is_refused_before_anything_starts(
    tmp_path: Path, what: str
) -> None:
    model = changed(tmp_path / "odd.onnx", only_of(64, 64))
    refused = called(what, "--model", model)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {model}: takes pictures of 64x64 only, not ")
    wanted = ": set camera.width_px to 64 and camera.height_px to 64\n"
    assert refused.stderr.endswith(wanted)


def test_a_folder_of_other_sizes_is_refused_by_the_name_of_a_picture(tmp_path: Path) -> None:
    model = changed(tmp_path / "odd.onnx", only_of(48, 48))
    source = pictures(tmp_path / "pictures", [10, 20, 30])
    assert called("check", "--model", model, "--source", source).returncode == 0
    Image.new("RGB", (50, 40)).save(source / "other.png")
    Image.new("RGB", (50, 40)).save(source / "other2.png")
    refused = called("check", "--model", model, "--source", source)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "takes pictures of 48x48 only" in refused.stderr
    assert "50x40" in refused.stderr
    assert "camera." not in refused.stderr, "its pictures come as they are"


def test_check_tells_of_pictures_that_a_model_is_doubted_on(tmp_path: Path) -> None:
    model = changed(tmp_path / "odd.onnx", wrong_answer(np.nan))
    done = called("check", "--model", model)
    assert done.returncode == 0
    assert "warning: the model gives nan for 'cardboard', on a white picture of" in done.stderr


def test_a_model_that_does_not_fit_the_camera_is_neither_swapped_in_nor_a_shadow(
    tmp_path: Path, tiny_model: Path
) -> None:
    """One that fails on some pictures is; as a shadow model it is told of, and goes on."""
    misfit = changed(tmp_path / "misfit.onnx", only_of(64, 64))
    failing = changed(tmp_path / "failing.onnx", wrong_answer(np.nan, 30))
    options = ("--interval", 0.05, "--source", "procedural", "--workers", 1)
    with RunningLine(tmp_path / "run", "--model", tiny_model, *options) as line:
        line.wait_for_rows(3)
        for extra in ((), ("--shadow", 1)):
            refused = called("swap", tmp_path / "run", "--model", misfit, *extra)
            assert refused.returncode == 2
            assert "takes pictures of 64x64 only, not 320x240: set camera." in refused.stderr
        done = command("swap", tmp_path / "run", "--model", failing, "--shadow", 1)
        assert done.returncode == 0, done.stderr
        events = tmp_path / "run" / "events.jsonl"
        told = "the model gives nan for 'cardboard'"
        poll(lambda: events.exists() and told in events.read_text(), "it is told of")
        assert events.read_text().count(told) == 1
        done = called("swap", tmp_path / "run", "--model", failing)
        assert done.returncode == 0, done.stderr
        poll(lambda: told in (tmp_path / "run" / "results.csv").read_text(), "failed rows")
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        assert summary["restarts"]["worker"] == 0


def test_a_model_that_was_replaced_by_another_is_one_line(tmp_path: Path) -> None:
    """Whatever is wrong with a file, `run` says it as `check` does."""
    page = tmp_path / "model.onnx"
    page.write_bytes(b"<html>moved</html>")
    for what in ("check", "run", "classify"):
        asked = (what, tmp_path) if what == "classify" else (what,)
        refused = called(*asked, "--model", page)
        assert refused.returncode == 2
        assert refused.stderr == (
            f"error: {page}: not a model but a web page: the download went wrong\n"
        )
    write_tiny_model(page)
    assert called("check", "--model", page).returncode == 0
