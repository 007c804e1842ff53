"""Accounts in little memory: block by block the same figures, and a file that means ill refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.command_line import run_command as main
from line.errors import BadInput
from line.outcome import COLUMNS
from line.run_files import csv_blocks
from reports import distribution
from reports.distribution import Distribution, quantiles
from reports.folder import read_run
from reports.report import write_report
from reports.results import ResultsFile
from reports.seen_items import SeenItems
from reports.summary import write_summary
from reports.timeline import Timeline
from tests.reports.test_folder import FACTS, Row, mixed_rows, row, write_run
from tests.running_line import ROOT

HEADER = ",".join(COLUMNS) + "\n"


def many_rows(count: int) -> list[Row]:
    """Of two cameras, in an order that is nearly theirs, with repeats and every kind of cell."""
    lots = np.random.default_rng(3)
    kinds = mixed_rows()
    rows = []
    for number in range(count):
        one = dict(kinds[int(lots.integers(len(kinds)))])
        camera, seq = number % 2, max(0, number // 2 - int(lots.integers(3)))
        one |= {"frame_id": f"{camera}-{seq}", "camera": camera, "seq": seq}
        one |= {"scheduled_s": seq / 8, "worker": f"worker-{number % 3}#{1 + number // 200}"}
        if "latency_ms" in one:
            one["latency_ms"] = round(float(lots.lognormal(3, 1)), 3)
            one["confidence"] = round(float(lots.uniform(0.3, 1)), 5)
        if one.get("reason"):
            one["reason"] = f'said "{number % 5}",\nand died'
        rows.append(one)
    return rows


@pytest.mark.parametrize("block_bytes", [700, 5000])
def test_small_blocks_make_the_same_accounts(
    block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = write_run(tmp_path, many_rows(600), {**FACTS, "fed": 300})
    whole = write_summary(run_dir), write_report(run_dir).read_text()
    monkeypatch.setattr(csv_blocks, "_BLOCK_BYTES", block_bytes)
    assert len(list(ResultsFile(run_dir / "results.csv"))) > 10
    assert (write_summary(run_dir), write_report(run_dir).read_text()) == whole
    assert whole[0]["items"]["duplicates"] > 0
    row_of = ResultsFile(run_dir / "results.csv").row("1-200")
    assert row_of["frame_id"].tolist() == ["1-200"]
    assert ResultsFile(run_dir / "results.csv").row("1-9999").empty


_MEASURE = (
    "import resource, subprocess, sys\n"
    "subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, check=True)\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
)


def test_a_long_run_is_accounted_for_in_little_memory(tmp_path: Path) -> None:
    """Ten times the rows, and hardly more memory."""
    peaks_mb = []
    for rows in (20_000, 200_000):
        run_dir = write_run(tmp_path / f"{rows}", [], {**FACTS, "fed": rows})
        with (run_dir / "results.csv").open("a") as file:
            file.writelines(
                f"0-{i},0,{i},{i / 8},glass,glass,0.9,glass:0.9,false,sorted,,"
                f"{20 + i % 977 / 7:.3f},300,worker-{i % 4}#1,1,m,210,4,"
                f"{20 + i % 13}.5,{i},1.5,2.25\n"
                for i in range(rows)
            )
        # By way of a small process: a child begins with the peak of whoever starts it.
        command = [sys.executable, "-c", _MEASURE, ROOT / "run_line.py", "report", run_dir]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks_mb.append(int(ran.stdout) / 1024)
        logged = json.loads((run_dir / "summary.json").read_text())["items"]
        assert logged == {"fed": rows, "logged": rows, "lost": 0, "duplicates": 0}
    assert peaks_mb[1] < peaks_mb[0] + 110
    assert peaks_mb[1] < 400


# -- parts --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(0, 200_000), max_size=30), max_size=6))
def test_the_first_of_each_number_is_known(batches: list[list[int]]) -> None:
    seen, known = SeenItems(), set[int]()
    for batch in batches:
        wanted = []
        for number in batch:
            wanted.append(number not in known)
            known.add(number)
        assert seen.add(0, np.array(batch, np.int64)).tolist() == wanted


def test_numbers_far_apart_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(ValueError, match="too far apart"):
        SeenItems().add(0, np.arange(5000, dtype=np.int64) << 30)


def test_quantiles_are_exact_while_they_may_be_and_near_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(1).lognormal(3, 1, 30_000)
    shares = [0.0, 0.5, 0.9, 0.99, 1.0]
    exact = pd.Series(values).quantile(shares).tolist()

    def found() -> list[float]:
        parts = Distribution(), Distribution()
        for place, piece in enumerate(np.array_split(values, 7)):
            parts[place % 2].add(piece)
        assert sum(part.count for part in parts) == len(values)
        assert sum(int(part.values()[1].sum()) for part in parts) == len(values)
        return quantiles(parts, shares)

    assert found() == exact
    monkeypatch.setattr(distribution, "EXACT_VALUES", 1000)
    assert found() == pytest.approx(exact, rel=0.001)
    assert found()[-1] == exact[-1]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.integers(1, 7))
def test_a_timeline_counts_as_if_it_had_known_the_end(moments_s: list[float], parts: int) -> None:
    timeline = Timeline()
    frame = pd.DataFrame({"scheduled_s": moments_s, "verdict": "sorted"})
    for place in range(parts):
        timeline.add(frame.iloc[place::parts])
    bars, step_s = timeline.bars(), timeline.step_s
    assert bars.sum() == len(moments_s)
    assert bars.shape[1] <= 41
    places = np.floor(np.array(moments_s) / step_s + 1e-9).astype(int)
    exact = np.bincount(places, minlength=bars.shape[1])
    assert bars.sum(axis=0).tolist() == exact.tolist()


# -- files that mean ill --------------------------------------------------------------------------

GOOD_ROW = "0-0,0,0,0.5,glass,glass,0.9,,false,sorted,,9,9,w#1,1,m,1,,,,,,"
GOOD = dict(zip(COLUMNS, GOOD_ROW.split(","), strict=True))


def line_of(**cells: str) -> str:
    return ",".join((GOOD | cells).values()) + "\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (line_of() + line_of(seq="zero"), "line 3: seq: 'zero'"),
        (line_of(seq="-1"), "line 2: seq: -1 is out of range"),
        (line_of(seq="9" * 400), "line 2: seq: "),
        (line_of(camera="70000"), "line 2: camera: 70000 is out of range"),
        (line_of(scheduled_s="nan"), "line 2: scheduled_s: nan is out of range"),
        (line_of(scheduled_s=""), "line 2: scheduled_s: '' is no number"),
        (line_of(scheduled_s="1e400"), "line 2: scheduled_s: 1e400 is out of range"),
        (line_of(latency_ms="inf"), "line 2: latency_ms: inf is out of range"),
        (line_of(mass_g="-5"), "line 2: mass_g: -5 is out of range"),
        (line_of(confidence="1.5"), "line 2: confidence: 1.5 is out of range"),
        (line_of(verdict="\x1b[2Jx"), r"line 2: verdict: unknown verdict '\\x1b[2Jx'"),
        (line_of()[:-1] + ",1,2\n", "line 2: 25 cells instead of 23"),
        (line_of(), None),
        (line_of(reason="x\0y"), None),
        (line_of(reason="x" * 20_000_000), "line 2: longer than 4 MB"),
        (line_of(reason='"open') + line_of() * 3000, "line 2: a quotation that does not end"),
        (line_of(reason='"open') + line_of() * 3, "line 2: a quotation that does not end"),
        (line_of(true_class="caf\udce9"), "line 2: is not UTF-8"),
    ],
)
def test_rows_that_no_line_has_written_are_one_line(
    content: str, complaint: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = write_run(tmp_path / "run", [], {**FACTS, "fed": 1})
    path = run_dir / "results.csv"
    path.write_text(HEADER + content, errors="surrogateescape")
    status = main(["report", str(run_dir)])
    said = capsys.readouterr().err
    if complaint is None:
        assert (status, said) == (0, "")
    else:
        assert status == 2
        assert said.startswith(f"error: {path}: {complaint}")
        assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["results.csv", "run.json", "settings.json", "alerts.jsonl"])
@pytest.mark.parametrize("command", ["report", "explain"])
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(
    name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = write_run(tmp_path / "run", mixed_rows())
    (run_dir / name).unlink(missing_ok=True)
    os.mkfifo(run_dir / name)
    assert main([command, str(run_dir)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "facts",
    [
        '{"fed": 1e400}',
        '{"fed": ' + "9" * 400 + "}",
        '{"wall_s": NaN}',
        '{"restarts": {"worker": "many"}}',
        "[" * 100_000,
        '{"faults": 7}',
        '{"model": {"classes": [1, 2]}}',
        "\0" * 50,
    ],
)
def test_facts_that_no_runner_has_written_are_one_line(
    facts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = write_run(tmp_path / "run", mixed_rows())
    (run_dir / "run.json").write_text(facts)
    assert main(["report", str(run_dir)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {run_dir / 'run.json'}: ")
    assert said.count("\n") == 1


def test_a_hundred_thousand_reasons_and_workers_take_little_room(tmp_path: Path) -> None:
    rows = [
        row(i, "glass", "failed", reason=f"reason {i}", worker=f"w{i}#1") for i in range(30_000)
    ]
    run = read_run(write_run(tmp_path, rows))
    assert len(run.tally.loads.of_run(1.0)) <= 1001
    reasons = run.tally.reasons.most_frequent()
    assert len(reasons) == 12
    assert sum(reason.items for reason in reasons) == 30_000
    many = write_run(tmp_path / "many", [row(i, f"c{i}", "failed") for i in range(2000)])
    with pytest.raises(BadInput, match="more classes than any model"):
        read_run(many)
