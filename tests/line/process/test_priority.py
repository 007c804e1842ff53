"""How far the processes of a line yield the processor to others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.running_line import ROOT, TIMEOUT_S, RunningLine, poll

AUTOGROUPS = Path("/proc/sys/kernel/sched_autogroup_enabled")


def priority(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_each_process_yields_further_than_what_it_was_started_with(
    tmp_path: Path, tiny_model: Path
) -> None:
    own = priority(0)
    options = ("--model", tiny_model, "--interval", 0.05, "--workers", 1)
    live = ("--set", "camera.prepare=live")
    with RunningLine(tmp_path / "run", *options, *live, "--set", "worker.nice=4") as line:
        line.wait_for_rows(3)
        worker, camera = line.pid("worker-0"), line.pid("camera-0")
        assert worker is not None
        assert camera is not None
        assert priority(worker) == min(19, own + 4)
        assert priority(camera) == own
        threads = [priority(int(path.name)) for path in Path(f"/proc/{camera}/task").iterdir()]
        assert min(19, own + 4) in threads  # the one that makes pictures
        wait_for_session(worker, min(19, own + 4))
        line.interrupt()
        assert line.finish()[0] == 0


def wait_for_session(pid: int, nice: int) -> None:
    """Where Linux weighs sessions, that of this process yields as far as the process."""
    if AUTOGROUPS.exists() and AUTOGROUPS.read_text().strip() == "1":
        session = Path(f"/proc/{pid}/autogroup")
        wanted = f"nice {nice}\n"
        poll(lambda: session.read_text().endswith(wanted), "the session yields too")


NOT_ALLOWED_TO_RISE = (
    ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice") if os.geteuid() == 0 else ()
)
"""Root may do what this is about."""


def said_by(*arguments: object) -> tuple[int, str]:
    """Exit status and complaints of a process that was started with `nice -n 10`."""
    command = [*NOT_ALLOWED_TO_RISE, "nice", "-n", "10", sys.executable, *arguments]
    said = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    return said.returncode, said.stderr


_CHANGES_ITS_PRIORITIES = """
import os
from line.process.priority import yield_process, yield_thread
own = os.nice(0)
assert own >= 10
yield_thread(3)
assert os.nice(0) == min(19, own + 3), os.nice(0)
yield_process(2)
assert os.nice(0) == min(19, own + 5), os.nice(0)
yield_process(19)
yield_thread(19)
assert os.nice(0) == 19
"""


def test_who_may_not_rise_may_yield_further() -> None:
    """An absolute priority would be a rise for whoever was started with nice."""
    assert said_by("-c", _CHANGES_ITS_PRIORITIES) == (0, "")


def test_a_line_that_was_started_with_nice_runs(tmp_path: Path, tiny_model: Path) -> None:
    options = ("--items", 8, "--interval", 0.05, "--model", tiny_model, "--quiet")
    folder = ("--run-dir", tmp_path / "run")
    assert said_by(ROOT / "run_line.py", "run", *folder, *options) == (0, "")
