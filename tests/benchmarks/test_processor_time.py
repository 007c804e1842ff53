"""Processor time of a family of processes, by name."""

from __future__ import annotations

import os
import subprocess
import sys
from time import monotonic, process_time

from benchmarks.speed.measured_line import by_role
from benchmarks.speed.processor_time import by_name, family, total_s

PATIENCE_S = 120.0
BUSY_S = 0.3
WORKS_THEN_WAITS = f"""
import sys, time
while time.process_time() < {BUSY_S}:
    pass
print(flush=True)
sys.stdin.read()
"""


def working_child() -> subprocess.Popen[str]:
    """It has used its processor time when it has said a line."""
    child = subprocess.Popen(
        [sys.executable, "-c", WORKS_THEN_WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child


def test_a_child_counts_under_its_name_or_its_parents() -> None:
    before = total_s(os.getpid())
    with working_child() as child:
        assert child.pid in family(os.getpid())
        named = by_name(os.getpid(), {child.pid: "worker-0"}, "runner")
        nameless = by_name(os.getpid(), {}, "runner")
        assert named["worker-0"] >= BUSY_S - 0.05
        assert nameless["runner"] >= named["runner"] + named["worker-0"]
        assert total_s(os.getpid()) - before >= BUSY_S - 0.05
        child.communicate("")
    assert total_s(os.getpid()) - before >= BUSY_S - 0.05  # waited for, it is not forgotten


def test_own_time_is_seen() -> None:
    before, deadline = total_s(os.getpid()), monotonic() + PATIENCE_S
    until = process_time() + BUSY_S
    while process_time() < until and monotonic() < deadline:
        pass
    assert total_s(os.getpid()) - before >= BUSY_S - 0.05


def test_no_process_has_no_family() -> None:
    assert family(2**22 + 1) == {}


def test_processes_of_a_role_count_together() -> None:
    spent = {"worker-0": 3.0, "worker-11": 4.0, "csv_log": 0.5, "runner": 0.25, "camera-0": 1.5}
    assert list(by_role(spent).items()) == [
        ("worker", 7.0),
        ("camera", 1.5),
        ("csv_log", 0.5),
        ("runner", 0.25),
    ]
