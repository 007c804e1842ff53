"""What the kernel says of the processors, and a system that says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from line.config import load
from line.observe.status import Status
from line.process.processor_time import descendants
from line.run_files.machine_trace import MACHINE, MachineMoment, read_machine, read_processes
from line.supervise import machine_readings
from line.supervise.machine_readings import ProcessorClocks, granted_cores
from line.supervise.machine_watch import MachineWatch

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


SPIN = "import time\nwhile time.process_time() < 0.3: pass\nprint('spun', flush=True)\ninput()"


@contextmanager
def spinning() -> Iterator[subprocess.Popen[bytes]]:
    """A child that has used 0.3 s and waits."""
    with subprocess.Popen([sys.executable, "-c", SPIN], stdin=-1, stdout=-1) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


@pytest.fixture
def clocks() -> Iterator[ProcessorClocks]:
    with closing(ProcessorClocks()) as clocks:
        yield clocks


@linux
def test_a_reading_holds_the_line_and_all_others(clocks: ProcessorClocks):
    before = clocks.read({})
    with spinning() as child:
        after = clocks.read({"worker-0": child.pid})

    assert before is not None
    assert after is not None
    assert after.at > before.at
    assert after.line_s - before.line_s >= 0.3
    assert after.busy_s - before.busy_s >= 0.25  # it counts in hundredths
    assert after.steal_s >= before.steal_s


@linux
def test_a_process_is_told_of_over_all_its_lives(clocks: ProcessorClocks):
    with spinning() as first:
        clocks.read({"worker-0": first.pid})
    with spinning() as second:
        clocks.read({"worker-0": second.pid})
    last = clocks.read({})

    assert clocks.seconds["worker-0"] >= 0.6
    assert last is not None
    assert last.line_s >= 0.6


@linux
def test_what_the_line_has_used_never_grows_less(clocks: ProcessorClocks):
    """A grandchild is dead and its parent lives: nobody tells of it any more."""
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}])\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        clocks.find({"camera-0": parent.pid})
        before = clocks.read({"camera-0": parent.pid})
        children_s = clocks.seconds["camera-0/children"]
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        deadline = time.monotonic() + 30
        while descendants(parent.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        clocks.find({"camera-0": parent.pid})
        after = clocks.read({"camera-0": parent.pid})
        parent.kill()
    assert before is not None
    assert after is not None
    assert children_s >= 0.3
    assert clocks.seconds["camera-0/children"] == children_s
    assert after.line_s >= before.line_s


@linux
def test_cores_are_those_that_the_process_may_run_on():
    cores = granted_cores()

    assert cores.usable == len(os.sched_getaffinity(0))
    assert 0 < cores.quota <= cores.usable


def group_v1(name: str, quota: str) -> dict[str, str]:
    """Files of a control group of the first version."""
    files = {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": "100000"}
    return {f"cpu/{name}/{file}": text for file, text in files.items()}


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/a/b\n", {"a/cpu.max": "150000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1.5),
        ("0::/gone\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("2:cpu,cpuacct:/x\n", group_v1("x", "20000"), 0.2),
        ("2:cpu:/x\n", group_v1("x", "-1"), None),
        ("2:memory:/x\n", group_v1("x", "20000"), None),
        ("0::/a\n", {"a/cpu.max": "strange\n", "cpu.max": "1 0\n"}, None),
        ("nonsense\n", {}, None),
    ],
)  # fmt: skip
def test_a_control_group_may_grant_less(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: str,
    files: dict[str, str],
    quota: float | None,
):
    for name, text in {
        "own": groups,
        **{f"fs/{name}": text for name, text in files.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(machine_readings, "_GROUPS", tmp_path / "own")
    monkeypatch.setattr(machine_readings, "_GROUP_FILES", tmp_path / "fs")

    cores = granted_cores()
    assert cores.quota == min(float(cores.usable), quota or float(cores.usable))


@pytest.mark.parametrize("text", [None, "", "cpu 1 2\n", "cpu0 x y z\n", "cpu0\ncpu1 1\n"])
def test_where_the_system_does_not_say_there_are_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
):
    if text is not None:
        (tmp_path / "stat").write_text(text)
    monkeypatch.setattr(machine_readings, "_STAT", tmp_path / "stat")
    status = running_status()
    with closing(MachineWatch(status, tmp_path)) as watch:
        watch.look(1.0, {})
        watch.end(2.0, {})

    assert status.machine_facts() is None
    assert status.machine_limits() == []
    assert not (tmp_path / MACHINE).exists()


def running_status() -> Status:
    status = Status(load(assignments=["line.workers=1"], environment={}))
    status.phase, status.belt_started = "running", 0.0
    return status


@linux
def test_the_beginning_of_a_child_is_not_its_work(clocks: ProcessorClocks):
    code = f"import subprocess, sys\ninput()\nsubprocess.run([sys.executable, '-c', {SPIN!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        clocks.find({"camera-0": parent.pid})
        before = clocks.read({"camera-0": parent.pid})
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        parent.stdout.readline()
        for _ in range(2):
            clocks.find({"camera-0": parent.pid})
            after = clocks.read({"camera-0": parent.pid})
        parent.stdin.write(b"\n")
    assert before is not None
    assert after is not None
    assert after.line_s - before.line_s >= 0.3
    assert clocks.seconds["camera-0/children"] < 0.1


@linux
def test_a_worker_that_has_to_share_a_core_waits(clocks: ProcessorClocks):
    core = min(os.sched_getaffinity(0))
    code = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile True: pass"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    try:
        deadline = time.monotonic() + 30
        while clocks.waiting_s < 0.1 and time.monotonic() < deadline:
            time.sleep(0.05)
            clocks.read({"worker-0": both[0].pid, "camera-0": both[1].pid})
    finally:
        for process in both:
            process.kill()
            process.wait()
    waited_s = clocks.waiting_s
    assert waited_s >= 0.1
    clocks.read({})
    assert clocks.waiting_s == waited_s


@linux
def test_a_run_keeps_a_trace_of_the_machine_and_of_each_process(tmp_path: Path):
    with closing(MachineWatch(running_status(), tmp_path)) as watch, spinning() as child:
        watch.look(-0.1, {"worker-0": child.pid})  # the belt has not begun
        watch.look(0.1, {"worker-0": child.pid})
        with spinning() as other:
            watch.look(0.3, {"worker-0": child.pid, "worker-1": other.pid})
            watch.end(0.5, {"worker-0": child.pid, "worker-1": other.pid})

    moments = read_machine(tmp_path)
    assert [moment.at_s for moment in moments] == [0.1, 0.3, 0.5]
    assert moments[0] == MachineMoment(0.1, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert moments[1].workers_s >= 0.3
    assert moments[1].line_s >= moments[1].workers_s
    processes = read_processes(tmp_path)
    assert {"supervisor", "worker-0", "worker-1"} == processes.keys()
    assert [moment.at_s for moment in processes["worker-0"]] == [0.1, 0.5]
