"""The peers: what is read from a contender's rows, what one that fails leaves, the table."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks.peers import __main__ as command
from benchmarks.peers.contest import (
    CONTENDERS,
    LINE,
    MODULES,
    Contest,
    Outcomes,
    in_words,
    picture_files,
    reported,
)
from benchmarks.peers.figures import figures
from benchmarks.peers.job import SIDE_PX, Task, make_frames
from benchmarks.peers.table import tables
from line.errors import BadInput
from tests.running_line import ROOT

TASK = Task("m.onnx", frames=4, rate=10.0)


def test_figures_come_from_the_rows(tmp_path: Path) -> None:
    log = tmp_path / "rows.csv"
    log.write_text("0,1,0.5,100.010\n1,0,0.5,100.130\n1,0,0.5,100.900\n3,1,0.5,100.500\n2,1,0.5")
    found = figures(log, TASK, start=100.0, spent_s=0.06)
    assert (found["lost"], found["duplicates"]) == (1, 1)
    assert found["fps"] == pytest.approx(3 / 0.5)
    assert found["processor_ms"] == pytest.approx(20)
    assert found["p50_ms"] == pytest.approx(30)
    assert found["p99_ms"] == pytest.approx(200)


def test_without_rows_all_is_lost(tmp_path: Path) -> None:
    none = {"lost": 4, "duplicates": 0}
    assert figures(tmp_path / "rows.csv", TASK, 100.0, 1.0) == none


def test_a_contender_that_says_nothing_is_an_error() -> None:
    assert reported('noise\n{"fps": 3.5}\n', "") == {"fps": 3.5}
    assert reported("", "Traceback\nImportError: no ray\n") == {"error": "ImportError: no ray"}
    assert reported("half a li", "") == {"error": "said nothing"}


def test_frames_are_the_same_everywhere_and_lie_in_order(tmp_path: Path) -> None:
    from line import pictures

    assert (make_frames(3) == make_frames(3)).all()
    with picture_files(3) as folder:
        read = [pictures.read(path, max_pixels=1e6) for path in sorted(folder.iterdir())]
    assert all((a == b[0]).all() for a, b in zip(read, make_frames(3), strict=True))
    assert read[0].shape == (SIDE_PX, SIDE_PX, 3)


def test_the_raw_loop_runs_and_one_that_fails_is_a_row(tiny_model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    contest = Contest(Path(sys.executable), tmp_path, say=said.append)
    task = Task(str(tiny_model), frames=6)
    outcomes = contest.run(task, ["raw1", "imagezmq", LINE], rounds=1, rate=50.0, kill_after=0)
    assert outcomes.rounds["raw"][0]["lost"] == 0
    assert outcomes.rounds["raw1"][0]["ratio"] > 0
    assert outcomes.paced["raw1"]["p50_ms"] > 0
    assert "error" in outcomes.rounds[LINE][0]  # its folder holds no pictures
    assert any(text.startswith("line: ") for text in said)
    fast, steady = tables(outcomes, task.frames, 50.0)
    assert [row[0] for row in fast.rows] == ["raw", "raw1", "imagezmq", LINE]
    assert f"{LINE} failed: " in steady.note


def test_the_table_shows_medians_and_what_failed() -> None:
    runs = [{"fps": 90.0, "ratio": ratio, "processor_ms": 7.0} for ratio in (0.8, 0.9, 1.0)]
    line = [run | {"by_process": {"dispatcher": 0.5}} for run in runs]
    outcomes = Outcomes(
        {"raw": [{"fps": 100.0, "processor_ms": 6.0}], "ray": [{"error": "gone"}], LINE: line},
        paced={LINE: {"p50_ms": 9.0, "p99_ms": 12.5, "by_process": {"dispatcher": 0.7}}},
        killed={LINE: {"lost": 0, "duplicates": 0}},
    )
    fast, steady, bill = tables(outcomes, 1500, 30.0)
    assert fast.rows[2] == [LINE, "90.0", "0.900", "0.80 to 1.00", "7.00", "–"]
    assert fast.rows[1][1:] == ["–"] * 5
    assert steady.rows[1] == [LINE, "–", "9.00", "12.50", "0", "0"]
    assert steady.note.endswith("ray failed: gone.")
    assert bill.rows == [["dispatcher", "0.50", "0.70"]]


def test_progress_in_words() -> None:
    assert in_words({"fps": 12.3456, "lost": 0}) == "fps 12.35, lost 0"
    assert in_words({"error": "gone"}) == "gone"


@pytest.mark.parametrize("module", MODULES.values())
def test_every_contender_has_its_file_and_its_place_in_the_page(module: str) -> None:
    assert (ROOT / "benchmarks" / "peers" / f"{module}.py").exists()
    page = (ROOT / "docs" / "speed.md").read_text()
    names = {name for row in re.findall(r"^\| ([^|]+) \| ", page, re.M) for name in row.split(", ")}
    assert set(CONTENDERS) <= names


def test_bad_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--only: 'rai' is not one of raw1"):
        command._chosen(["rai"])
    assert command._chosen(["line"]) == ["raw1", "line"]
    with pytest.raises(BadInput, match=r"--python: .* make bench-peers makes it"):
        command.main(python=tmp_path / "python", only=None, markdown=None)
    with pytest.raises(BadInput, match="--kill: 40"):
        command.main(python=Path(sys.executable), frames=40, kill=40, only=None, markdown=None)
