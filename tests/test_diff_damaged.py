"""What a comparison says of files that somebody has damaged: one line that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comparison.run import read
from line.errors import BadInput
from tests.running_line import command
from tests.test_accounts_folder import FACTS, row, write_run

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
    found = command("diff", tmp_path / "a", tmp_path / "b")
    assert (found.returncode, found.stderr) == (0, "")


def test_the_command(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [GOOD])
    path = write_run(tmp_path / "b", [GOOD], {**FACTS, "faults": None}) / "run.json"
    assert json.loads(path.read_text())["faults"] is None
    refused = command("diff", tmp_path / "a", tmp_path / "b")
    assert (refused.returncode, refused.stderr) == (2, f"error: {path}: faults: not a list\n")
