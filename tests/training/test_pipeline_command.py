"""pipeline: a folder of pictures becomes a model that has run on the line; what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from small_runs import write_pictures

from training.cli import main
from training.options import load
from training.pipeline.options import PipelineSettings
from training.pipeline.step import Step
from training.pipeline.steps import Plan

Refused = Callable[..., str]

# Eight processes that each load torch, on a machine that may have other work.
pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120
CONFIG = """
[prepare]
val_share = 0.3
test_share = 0.2
[train]
backbone = "shufflenet_v2_x0_5"
size_px = 32
stored_px = 36
epochs = 8
batch = 4
rate = 1e-2
backbone_share = 1.0
warmup_epochs = 0.0
ema_decay = 0.0
crop_min_area = 0.9
trivial_augment = false
erase = 0.0
workers = 0
device = "cpu"
[quantize]
methods = ["minmax"]
pictures = 16
max_drop = 1.0
[calibrate]
precision = 0.8
coverage = 0.8
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of which a few are labelled wrongly: a temperature needs errors to be fitted to."""
    root = write_pictures(tmp_path_factory.mktemp("source") / "colours", 20)
    for number in range(6):
        shutil.copy(root / "green" / f"green{number}.png", root / "grey" / f"odd{number}.png")
    return root


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(CONFIG)
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "training", "pipeline", *map(str, arguments)]


def piped(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def steps(out: Path) -> dict[str, dict[str, Any]]:
    record = json.loads((out / "pipeline.json").read_text())
    return {step["step"]: step for step in record["steps"]}


@pytest.fixture(scope="module")
def done(source: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pipeline") / "out"
    ran = piped("--source", source, "--out", out, "--config", config, "--weights", "none")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return out


def test_every_step_is_recorded(done: Path) -> None:
    recorded = steps(done)
    assert list(recorded) == [
        *(
            "prepare",
            "audit",
            "train",
            "export",
            "quantize",
            "calibrate",
            "evaluate",
            "line",
            "report",
        )
    ]
    for name, step in recorded.items():
        assert step["exit_code"] == 0
        assert step["command"].startswith("python ")
        assert step["outputs"]
        assert "gone" not in step["outputs"].values()
        assert Path(step["log"]).is_file(), name


def test_the_line_ran_the_calibrated_model_on_all_of_test(done: Path) -> None:
    summary = json.loads((done / "line" / "summary.json").read_text())
    evaluated = json.loads((done / "evaluate" / "metrics.json").read_text())
    manifest = json.loads((done / "prepare/colours/manifest.json").read_text())
    fed = sum(manifest["counts"]["test"].values())
    assert summary["items"] == {"fed": fed, "logged": fed, "lost": 0, "duplicates": 0}
    assert evaluated["pictures"] == fed
    assert summary["model"]["sha256"] == evaluated["model"]["sha256"]


def test_report_and_card_hold_the_measured_figures(done: Path) -> None:
    report = (done / "report" / "performance_report.md").read_text()
    card = (done / "models" / "model.md").read_text()
    evaluated = json.loads((done / "evaluate" / "metrics.json").read_text())
    line = json.loads((done / "line" / "summary.json").read_text())
    right = f"{evaluated['accuracy']['right']} of {evaluated['accuracy']['pictures']} pictures"
    assert "Not at hand" not in report
    assert right in report
    assert right in card
    assert f"Accuracy of the classified: {line['accuracy']:.1%}" in report
    assert evaluated["model"]["sha256"] in card
    assert "Trained on colours" in card
    for name in ("prepare", "train", "export", "quantize", "calibrate"):
        assert steps(done)[name]["command"] in card
    # Val chose the epoch and the variant; threshold and figures are of pictures that chose nothing.
    assert "pictures of calibration of colours" in card
    assert "which chose nothing else" in card
    assert "Not clean" not in report + card
    assert f"Pictures: {done}/prepare/colours/test" in report
    audited = json.loads((done / "audit" / "audit.json").read_text())
    assert not any("across splits" in pair["marks"] for pair in audited["duplicates"])


def first_steps(source: Path, out: Path, **options: object) -> dict[str, Step]:
    """The steps up to training, with `prepare` done."""
    settings = load(PipelineSettings, {"source": source, "out": out, **options})
    found = {}
    for step in Plan(settings, None).steps():
        found[step.name] = step
        if step.name == "prepare":
            with pytest.raises(SystemExit) as ended:
                main(list(step.arguments[2:]))
            assert ended.value.code == 0
        if step.name == "train":
            break
    return found


def test_what_there_are_too_few_pictures_for_is_said_before_training(tmp_path: Path) -> None:
    source, out = write_pictures(tmp_path / "few", 6), tmp_path / "out"
    train = first_steps(source, out)["train"]
    part = out / "prepare/few/calibration"
    assert train.notes == (
        f"{part}: 3 pictures are too few to promise a precision of 0.99: 299 are, without an error",
        f"{part}: 3 pictures are too few for sets that hold the true class with probability 0.9: "
        "9 are enough",
        "the best threshold there is will be used; model, card and report will say so",
        "too few pictures for batches of 32: batches of 8",
    )
    assert train.arguments[-2:] == ("--batch", "8")


def test_without_a_part_held_back_it_calibrates_on_val(tmp_path: Path) -> None:
    source, out = write_pictures(tmp_path / "few", 10), tmp_path / "out"
    (source / "grey" / "torn.png").write_bytes(b"torn")
    done = first_steps(source, out, calibration_share=0.0, skip_bad=True, group_by="grey.")
    assert done["train"].notes[0].startswith(f"{out}/prepare/few/val: ")
    assert "--skip-bad" in done["prepare"].arguments
    assert done["audit"].inputs == (out / "prepare/few",)


def test_a_second_start_does_only_what_has_changed(
    done: Path, source: Path, config: Path, tmp_path: Path
) -> None:
    arguments = ("--source", source, "--out", done, "--config", config, "--weights", "none")
    again = piped(*arguments)
    assert again.returncode == 0
    assert again.stdout.count("skipped, nothing has changed") == 9

    (done / "line" / "summary.json").unlink()
    mended = piped(*arguments)
    assert mended.returncode == 0, mended.stderr
    assert "evaluate: skipped" in mended.stdout
    assert "summary.json is not what it wrote" in mended.stdout
    assert "report: " in mended.stdout
    assert mended.stdout.count("skipped") == 7


def test_a_failing_step_is_named_and_the_next_start_goes_on(
    source: Path, config: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(config.read_text().replace("shufflenet_v2_x0_5", "no_such_net"))
    ran = piped("--source", source, "--out", tmp_path / "out", "--config", broken)
    [line] = ran.stderr.splitlines()
    assert ran.returncode == 2
    assert line.startswith("error: train ended with exit code 2, see ")
    assert "logs/train.log" in line
    assert "no_such_net" in line
    again = piped("--source", source, "--out", tmp_path / "out", "--config", broken)
    assert "prepare: skipped" in again.stdout
    assert "train: it ended with exit code 2" in again.stdout


def test_ctrl_c_ends_the_step_and_training_goes_on_after_it(
    source: Path, config: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    skipped = [f"--skip={name}" for name in ("quantize", "calibrate", "evaluate", "line", "report")]
    arguments = ("--source", source, "--out", out, "--config", config, "--weights=none", *skipped)
    with subprocess.Popen(
        command("--epochs", 200, *arguments),
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        for name in ("last.pt", "history.csv"):
            wait_for(out / "train" / name, child)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 130
    assert stderr.splitlines() == [
        f"error: train ended with exit code 130, see {out}/logs/train.log: interrupted; the same "
        "command goes on from here"
    ]
    assert steps(out)["train"]["exit_code"] == 130
    epochs = len((out / "train" / "history.csv").read_text().splitlines()) - 1
    assert 1 <= epochs < 200

    with subprocess.Popen(
        command("--epochs", 200, *arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(4)]
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=DEADLINE_S)
    assert "prepare: skipped" in said[0]
    assert "audit: skipped" in said[1]
    assert "goes on where it was" in said[2]
    assert said[3].rstrip().endswith("--resume")


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not path.is_file():
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < ends, f"no {path}"
        time.sleep(0.05)


def test_bad_input(source: Path, tmp_path: Path, refused: Refused) -> None:
    out = tmp_path / "out"

    def line(*arguments: object, at: Path = source, to: Path = out) -> str:
        return refused("pipeline", "--source", at, "--out", to, *arguments)

    assert "nowhere: no such folder" in line(at=tmp_path / "nowhere")
    one = write_pictures(tmp_path / "one", 3, ("green",))
    assert f"--source {one}: at least two class folders" in line(at=one)
    assert "--weights nothing.pt: no such file" in line("--weights", "nothing.pt")
    assert "--skip: must be one of" in line("--skip", "train")
    assert "--skip prepare" in line("--skip", "prepare")
    assert "--epochs" in line("--epochs", 0)
    assert "is inside --source" in line(to=source / "out")
    assert not out.exists()

    (tmp_path / "file").write_text("")
    assert f"--out {tmp_path / 'file' / 'out'}: Not a directory" in line(to=tmp_path / "file/out")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("")
    assert "is not empty, and not of an earlier pipeline" in line(to=taken)
    (taken / "pipeline.json").write_text("[]")
    assert "pipeline.json: not a JSON object" in line(to=taken)
