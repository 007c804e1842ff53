"""The trace of the machine: what is written, over several sessions, and damaged files."""

from __future__ import annotations

from pathlib import Path

import pytest

from line.errors import BadInput
from line.run_files.machine_trace import (
    MACHINE,
    PROCESSES,
    MachineMoment,
    MachineTrace,
    ProcessMoment,
    read_machine,
    read_processes,
)


def written(run_dir: Path, *lines_s: float) -> None:
    """A session of as many moments."""
    trace = MachineTrace(run_dir)
    for number, line_s in enumerate(lines_s):
        trace.add(MachineMoment(float(number), 2 * line_s, 0.01, line_s, line_s / 2, 0.1))
    trace.flush(float(len(lines_s)), {"worker-0": lines_s[-1] / 2})


def test_totals_go_on_from_one_session_to_the_next(tmp_path: Path):
    written(tmp_path, 0.0, 1.0)
    written(tmp_path, 0.0, 4.0)

    assert [moment.line_s for moment in read_machine(tmp_path)] == [0.0, 1.0, 1.0, 5.0]
    assert read_machine(tmp_path)[-1] == MachineMoment(1.0, 10.0, 0.02, 5.0, 2.5, 0.2)


def test_a_process_that_used_less_than_before_is_of_another_session(tmp_path: Path):
    written(tmp_path, 0.0, 4.0)
    written(tmp_path, 0.0, 1.0)

    assert read_processes(tmp_path) == {
        "worker-0": [ProcessMoment(2.0, 2.0), ProcessMoment(2.0, 2.5)]
    }


def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path: Path):
    written(tmp_path, 0.0, 1.0)
    with (tmp_path / MACHINE).open("ab") as file:
        file.write(b"2.0,3")
    assert len(read_machine(tmp_path)) == 2

    written(tmp_path, 0.0)
    assert len(read_machine(tmp_path)) == 3


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (MACHINE, "1,2,nan,4,5,6", "steal_s: nan is no number of seconds"),
        (MACHINE, "1,2,3,-4,5,6", "line_s: -4 is no number"),
        (MACHINE, "1,2,3", "3 cells instead of 6"),
        (PROCESSES, "1,worker-0,much", "could not convert"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, file: str, line: str, said: str):
    written(tmp_path, 0.0, 1.0)
    with (tmp_path / file).open("a") as opened:
        opened.write(f"{line}\n")

    with pytest.raises(BadInput, match=f"{file}: line [0-9]: .*{said}"):
        read_machine(tmp_path) if file == MACHINE else read_processes(tmp_path)


def test_another_file_is_refused(tmp_path: Path):
    (tmp_path / MACHINE).write_text("a,b\n1,2\n")

    with pytest.raises(BadInput, match="no column at_s"):
        read_machine(tmp_path)
