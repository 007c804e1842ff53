"""`run_line.py learn` on a recorded run of a tiny model, which takes two colours wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commands.command_line import run_command
from line.run_files.review_file import ReviewFile
from tests.running_line import RunningLine, called, poll
from tests.tiny_model import write_tiny_model
from workers.model_file import sha256_of

pytest.importorskip("scipy", reason="the trainer needs it")

COLOURS = {"glass": (40, 160, 60), "paper": (220, 215, 200)}
EACH = 18


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded, with every item in the review queue and none labelled."""
    root = tmp_path_factory.mktemp("learn")
    rng = np.random.default_rng(3)
    for name, colour in COLOURS.items():
        (root / "pictures" / name).mkdir(parents=True)
        for number in range(EACH):
            pixels = rng.normal(0, 20, (24, 32, 3)) + np.array(colour)  # no two look the same
            picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            picture.save(root / "pictures" / name / f"{number}.png")
    model = write_tiny_model(root / "tiny.onnx")
    queue = ("margin=1", "near_duplicate_bits=0", "per_minute_max=9999", "per_class_max=999")
    done = called(
        *("run", "--quiet", "--record", "--speed", "max", "--workers", 1, "--model", model),
        *("--source", root / "pictures", "--run-dir", root / "run", "--threshold", 0),
        "--active-learning",
        *(word for each in queue for word in ("--set", f"review.{each}")),
    )
    assert done.returncode == 0, done.stderr
    return root / "run"


@pytest.fixture(scope="module")
def truth(run: Path) -> pd.Series:
    return pd.read_csv(run / "results.csv").set_index("frame_id")["true_class"]


def label(run: Path, truth: pd.Series, count: int) -> None:
    with ReviewFile(run / "review") as queue:
        for item in queue.items()[:count]:
            queue.label(item.frame_id, truth[item.frame_id], "test")


def complaint(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert run_command([str(word) for word in ("learn", *words)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_from_no_label_to_a_model_that_serves_a_running_line(
    run: Path, truth: pd.Series, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run.parent / "out"
    assert f"{2 * EACH} wait" in complaint(capsys, run, "--out", out)
    label(run, truth, 2 * EACH)
    assert f"{run}: is there already" in complaint(capsys, run, "--out", run)
    for option in ("--base", "--old-data"):
        assert f"{option} nowhere: no such" in complaint(capsys, run, option, "nowhere")

    feed = ("--items", 100_000, "--interval", 0.5, "--workers", 1)
    with RunningLine(run.parent / "live", "--model", run.parent / "tiny.onnx", *feed) as line:
        line.wait_for_rows(1)
        asked = ["learn", run, "--out", out, "--swap", line.run_dir]
        assert run_command([str(word) for word in asked]) == 0
        serves = sha256_of(out / "model.onnx")[:12]
        poll(lambda: serves in set(line.rows()["model"]), "a row of the model that has learnt")
    learnt = json.loads((out / "learn.json").read_text())
    before, after = learnt["labelled"]["before"], learnt["labelled"]["after"]
    assert before["pictures"] == after["pictures"] == 2 * EACH
    assert before["right"] < EACH + 1, "the tiny model knows nothing"
    assert after["right"] == 2 * EACH
    again = pd.read_csv(out / "replay-1" / "results.csv").set_index("frame_id")
    assert (again["predicted_class"] == truth.reindex(again.index)).all()
    assert (out / "diff-1" / "diff.html").stat().st_size > 0


def test_what_cannot_be_learnt_from_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "not a run folder" in complaint(capsys, tmp_path)
    assert "two of the runs have the same name" in complaint(capsys, run, run)
    assert "no line is running there" in complaint(capsys, run, "--swap", run)
    unrecorded = tmp_path / "webcam"
    unrecorded.mkdir()
    for file in run.iterdir():
        if file.is_file() and not file.name.startswith("camera-0."):
            (unrecorded / file.name).write_bytes(file.read_bytes())
    settings = json.loads((run / "settings.json").read_text())
    settings["source"]["spec"] = "webcam:0"
    (unrecorded / "settings.json").write_text(json.dumps(settings))
    (unrecorded / "camera-0.progress").write_bytes((run / "camera-0.progress").read_bytes())
    assert "record a run with: run_line.py run --record" in complaint(capsys, unrecorded)
    with (run.parent / "tiny.onnx").open("ab") as file:
        file.write(b" ")
    assert "name a model with --base" in complaint(capsys, run)
