"""What a comparison says of files that somebody has damaged: one line that names the file."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from commands.command_line import run_command as main
from line.errors import BadInput
from reports.comparison import compared_run as comparison_run
from reports.comparison.compared_run import read
from tests.reports.test_folder import FACTS, row, write_run
from tests.running_line import called

GOOD = row(0, "glass", "sorted", "glass")


@pytest.mark.parametrize("faults", [None, 7, "slow", {"action": "slow"}, True])
def test_faults_that_are_no_list(tmp_path: Path, faults: object) -> None:
    path = write_run(tmp_path / "run", [GOOD], {**FACTS, "faults": faults})
    with pytest.raises(BadInput) as refused:
        read(path)
    assert str(refused.value) == f"{path / 'run.json'}: faults: not a list"


@pytest.mark.parametrize("checksum", ["inf", "-inf", "nan", "1e999", "many"])
def test_a_checksum_that_is_no_number(tmp_path: Path, checksum: str) -> None:
    rows = [GOOD, row(1, "glass", "sorted", "glass", picture_crc32=checksum)]
    path = write_run(tmp_path / "run", rows)
    with pytest.raises(BadInput) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path / 'results.csv'}: line 3: ")
    assert "\n" not in str(refused.value)


def test_a_fault_at_no_second_of_the_belt(tmp_path: Path) -> None:
    """A number that no float holds says no moment; the other faults are looked at all the same."""
    late = row(0, "glass", "late", "glass", latency_ms=400.0, slack_ms=-25.0)
    slow = {"action": "slow", "process": "worker-0", "at_s": 10**400}
    write_run(tmp_path / "a", [GOOD])
    write_run(tmp_path / "b", [late], {**FACTS, "faults": [slow]})
    found = called("diff", tmp_path / "a", tmp_path / "b")
    assert (found.returncode, found.stderr) == (0, "")


def test_the_command(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [GOOD])
    path = write_run(tmp_path / "b", [GOOD], {**FACTS, "faults": None}) / "run.json"
    assert json.loads(path.read_text())["faults"] is None
    refused = called("diff", tmp_path / "a", tmp_path / "b")
    assert (refused.returncode, refused.stderr) == (2, f"error: {path}: faults: not a list\n")


@pytest.mark.parametrize("name", ["results.csv", "run.json", "settings.json"])
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, odd = write_run(tmp_path / "a", [GOOD]), write_run(tmp_path / "b", [GOOD])
    (odd / name).unlink()
    os.mkfifo(odd / name)
    status = main(["diff", str(good), str(odd)])
    said = capsys.readouterr().err
    if name == "run.json":  # as if the run had been cut off
        assert (status, said) == (0, "")
    else:
        assert status == 2
        assert said.startswith(f"error: {odd}")
        assert said.count("\n") == 1


def test_a_run_too_long_to_be_compared_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_run, "MOST_ITEMS", 2)
    path = write_run(tmp_path, [row(i, "glass", "sorted", "glass") for i in range(3)])
    with pytest.raises(BadInput, match=r"results.csv: more than 2 items are not compared"):
        read(path)


def test_secrets_of_older_runs_and_codes_and_formulas_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "=HYPERLINK(1)\x1b[2J"
    for name in ("a", "b"):
        run_dir = write_run(tmp_path / name, [row(0, "glass", "failed", reason=f"{hostile}{name}")])
        settings = json.loads((run_dir / "settings.json").read_text())
        settings["console"]["password_hash"] = f"scrypt$hash-of-{name}"
        settings["title"] = f"\x1b[31m{name}"
        settings["odd"] = {"deep": json.loads("[" * 500 + "]" * 500)}
        (run_dir / "settings.json").write_text(json.dumps(settings))
    write_run(tmp_path / "c", [row(0, "glass", "sorted", "glass")], changes={"title": "third"})
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "c")]) == 0
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    printed = capsys.readouterr().out
    assert "console.password_hash: (not shown) → (not shown)" in printed
    pages = [(tmp_path / name / "diff" / "diff.html").read_text() for name in ("b", "c")]
    for text in (printed, *pages):
        assert "hash-of" not in text
        assert "\x1b" not in text
    assert r"\x1b[31ma" in printed
    with (tmp_path / "c" / "diff" / "diff.csv").open(newline="") as file:
        (changed,) = csv.DictReader(file)
    assert changed["reason_a"] == "'" + r"=HYPERLINK(1)\x1b[2Ja"
    assert not any(cell.startswith(("=", "+", "@")) for cell in changed.values())
