"""Whole runs through the real runner: what a user types, and what stands in the folder after."""

from __future__ import annotations

import json
import zlib
from html.parser import HTMLParser
from pathlib import Path
from time import monotonic

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from line.outcome import COLUMNS
from tests.running_line import (
    RunningLine,
    UndisturbedLine,
    assert_accounted,
    called,
    command,
    is_alive,
    poll,
)

SUMMARY_KEYS = {
    "items",
    "verdicts",
    "throughput_fps",
    "throughput_t_per_h",
    "latency_ms",
    "deadline_ms",
    "in_time_rate",
    "accuracy",
    "low_confidence",
    "purity",
    "recovery",
    "alarms",
    "events",
    "review_queue",
    "restarts",
    "workers",
    "speed",
    "model",
    "seed",
    "wall_s",
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ImageFolder tree of 24 small pictures of two sizes, one of them corrupt."""
    root = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(3)
    for name in ("glass", "metal", "paper"):
        (root / name).mkdir()
        for number in range(8):
            size = (96, 72) if number % 2 else (64, 64)
            noise = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
            Image.fromarray(noise).save(root / name / f"{number}.png")
    whole = (root / "metal" / "3.png").read_bytes()
    (root / "metal" / "3.png").write_bytes(whole[: len(whole) // 2])
    return root


def test_a_paced_run_leaves_a_complete_folder(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    # So far to the ejector that each item is answered in time on a busy machine as well.
    options = ("--items", 40, "--interval", 0.05, "--set", "belt.camera_to_ejector_m=5")
    whole = ("--workers", 2, "--active-learning")
    ran = command("run", "--model", tiny_model, *options, *whole, "--run-dir", run_dir)
    assert ran.returncode == 0, ran.stderr
    assert "fed 40 = logged 40, lost 0, duplicates 0" in ran.stdout
    summary = json.loads((run_dir / "summary.json").read_text())
    rows = pd.read_csv(run_dir / "results.csv", keep_default_na=False, na_values=[""])
    assert summary.keys() >= SUMMARY_KEYS
    assert_accounted(summary, rows)
    assert tuple(rows.columns) == COLUMNS
    assert list(rows["seq"]) != []
    assert summary["deadline_ms"] == 4950
    assert summary["speed"] == 1
    assert (rows["latency_ms"] > 0).all()
    assert np.allclose(rows["latency_ms"] + rows["slack_ms"], 4950, atol=0.01)
    assert (rows["queue_ms"] + rows["inference_ms"] <= rows["latency_ms"] + 0.01).all()
    moments = rows[["published_ms", "dispatched_ms", "queue_ms", "latency_ms"]]
    assert (moments["published_ms"] > 0).all()
    assert (moments.diff(axis="columns").iloc[:, 1:] >= 0).all(axis=None)
    HTMLParser().feed((run_dir / "report.html").read_text())
    assert json.loads((run_dir / "processes.json").read_text())["processes"]


def test_a_folder_is_fed_once_and_unaltered(
    tmp_path: Path, tiny_model: Path, photographs: Path
) -> None:
    run_dir = tmp_path / "run"
    options = ("--source", photographs, "--speed", "max", "--workers", 2, "--cameras", 2)
    with UndisturbedLine(run_dir, "--model", tiny_model, *options) as line:
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert len(rows) == 24
    assert summary["verdicts"]["failed"] == 1
    failed = rows[rows["verdict"] == "failed"].iloc[0]
    assert "metal/3.png" in failed["reason"]
    sent = sorted(rows["picture_crc32"].dropna().astype(int))
    files = [p for p in sorted(photographs.rglob("*.png")) if p.parts[-2:] != ("metal", "3.png")]
    pixels = [zlib.crc32(np.asarray(Image.open(p).convert("RGB")).tobytes()) for p in files]
    assert sent == sorted(pixels)
    assert summary["deadline_ms"] is None
    assert rows["slack_ms"].isna().all()


def test_the_clock_multiplier_shortens_the_deadline_only(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    options = ("--items", 40, "--interval", 0.2, "--speed", 4, "--run-dir", run_dir)
    ran = called("run", "--model", tiny_model, *options)
    assert ran.returncode == 0, ran.stderr
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["deadline_ms"] == pytest.approx(750 / 4)
    assert summary["effective_belt_speed_m_per_s"] == 4
    # At clock 1 it would be no less, however busy the machine is.
    assert summary["wall_s"] < summary["belt_s"]
    assert "effective 4.0 m/s" in ran.stdout


def test_an_interrupt_drains_the_line_and_still_accounts(tmp_path: Path, tiny_model: Path) -> None:
    options = ("--model", tiny_model, "--source", "procedural", "--interval", 0.05)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(10)
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        assert summary["ended"] == "drained"
        assert_accounted(summary, line.rows())
        assert (line.run_dir / "report.html").is_file()


def test_a_second_interrupt_stops_at_once(tmp_path: Path, slow_model: Path) -> None:
    # An infeed of a metre a second onto fifty metres of belt: draining would take a minute.
    long_belt = ("--set", "belt.infeed_to_camera_m=0", "--set", "belt.ejector_to_end_m=50")
    options = ("--model", slow_model, "--source", "procedural", "--interval", 0.1, *long_belt)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(5)
        children = [e["pid"] for e in line.processes() if e["role"] != "supervisor"]
        line.interrupt()
        later = monotonic() + 0.5
        poll(lambda: monotonic() > later, "the first interrupt is handled")
        assert all(map(is_alive, children))  # what is on the belt has a minute to go
        line.interrupt()
        _, summary = line.finish()
        assert summary["ended"] == "stopped"
        assert not any(map(is_alive, children))


def test_a_stage_that_cannot_start_ends_the_run_with_status_4(
    tmp_path: Path, tiny_model: Path
) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(tiny_model.read_bytes())
    hasty = ("--set", "supervisor.failed_starts=2")
    options = ("--model", model, "--source", "procedural", "--workers", 1, *hasty)
    with RunningLine(tmp_path / "run", *options) as line:
        line.wait_for_rows(5)
        model.write_bytes(b"not the model that the run began with")
        line.kill("worker-0")
        status, summary = line.finish()
        assert status == 4
        assert summary["ended"] == "died"
        log = (line.run_dir / "logs" / "worker-0.log").read_text()
        assert "changed since the run began" in log


def test_report_is_made_anew_from_a_finished_run(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    options = ("--items", 10, "--speed", "max", "--run-dir", run_dir, "--quiet")
    ran = called("run", "--model", tiny_model, *options)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    (run_dir / "report.html").unlink()
    (run_dir / "summary.json").unlink()
    reported = called("report", run_dir)
    assert reported.returncode == 0
    assert "fed 10 = logged 10" in reported.stdout
    assert (run_dir / "report.html").is_file()
    assert (run_dir / "summary.json").is_file()


def test_doubtful_items_are_queued_and_can_be_overridden(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    eager = ("--active-learning", *("--set", "review.margin=1.0"))
    eager += ("--set", "review.near_duplicate_bits=0")
    options = ("--items", 12, "--speed", "max", "--run-dir", run_dir, "--quiet", *eager)
    assert called("run", "--model", tiny_model, *options).returncode == 0
    pictures = sorted((run_dir / "review" / "images").glob("*.png"))
    assert len(pictures) == 12
    said = command("override", run_dir, "0-3", "glass")
    assert said.returncode == 0
    assert said.stdout.strip() == "0-3 is glass"
    wrong = called("override", run_dir, "0-3", "uranium")
    assert wrong.returncode == 2
    assert "'uranium' is not a class of this run" in wrong.stderr


def test_without_active_learning_no_queue_is_made(tmp_path: Path, tiny_model: Path) -> None:
    run_dir = tmp_path / "run"
    options = ("--items", 10, "--speed", "max", "--run-dir", run_dir, "--no-active-learning")
    ran = called("run", "--model", tiny_model, *options)
    assert ran.returncode == 0, ran.stderr
    assert not (run_dir / "review").exists()


def test_classify_answers_for_files_and_folders(tiny_model: Path, photographs: Path) -> None:
    glass = photographs / "glass"
    said = command("classify", glass, "--top", 2, "--model", tiny_model, "--json")
    assert said.returncode == 0, said.stderr
    answers = json.loads(said.stdout)
    assert len(answers) == 8
    for answer in answers:
        assert len(answer["top"]) == 2
        assert answer["true_class"] == "glass"
    table = called("classify", photographs / "metal", "--model", tiny_model)
    assert table.returncode == 2
    assert "3.png: cannot be read" in table.stderr.replace("\n", " ")
    assert "of 7 as their folders say" in table.stdout
    assert "metal/0.png" in table.stdout
