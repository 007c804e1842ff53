"""kill -9 of any process but the supervisor, at any time: nothing lost, nothing twice."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from time import monotonic

import pytest

from tests.freezing import freeze
from tests.running_line import RunningLine, assert_accounted, is_alive, poll

VICTIMS = ("worker-0", "csv_log", "alerts", "active_learning", "dispatcher", "camera-0")
WHOLE = ("--workers", 2, "--active-learning")


def test_each_process_that_is_killed_comes_back_and_nothing_is_lost(
    tmp_path: Path, tiny_model: Path
) -> None:
    patient = ("--set", "supervisor.hang_s=60")
    arguments = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.04, *WHOLE, *patient)
    with RunningLine(tmp_path / "run", *arguments) as line:
        for victim in VICTIMS:
            line.wait_for_rows(line.rows_written() + 15)
            killed = line.kill(victim)
            assert killed is not None
            poll(lambda v=victim, k=killed: line.pid(v) not in (None, k), f"{victim} comes back")
        line.wait_for_rows(line.rows_written() + 15)
        for victim in VICTIMS:
            assert ("restart", victim) in _events(line)
            poll(lambda v=victim: ("back", v) in _events(line), f"word that {victim} serves again")
        line.kill("active_learning", signal.SIGSTOP)
        poll(lambda: ("stopped", "active_learning") in _events(line), "word of the stop")
        line.kill("active_learning", signal.SIGCONT)
        poll(lambda: ("continued", "active_learning") in _events(line), "word that it goes on")
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        assert summary["restarts"] == {"camera": 1, "dispatcher": 1, "worker": 1, "sink": 3}
        alerts = (line.run_dir / "alerts.jsonl").read_text()
        for victim in VICTIMS:
            assert f"{victim} killed by SIGKILL, restarted" in alerts


def test_each_process_that_is_frozen_is_replaced_and_nothing_is_lost(
    tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.04, "--workers", 2)
    hasty = ("--set", "supervisor.hang_s=1.0", "--set", "worker.lease_s=1.0")
    with RunningLine(tmp_path / "run", *arguments, *hasty) as line:
        for victim in ("worker-0", "csv_log", "dispatcher", "camera-0"):
            line.wait_for_rows(line.rows_written() + 15)
            frozen = freeze(line, victim)
            poll(lambda v=victim, f=frozen: line.pid(v) not in (None, f), f"{victim} is replaced")
            assert ("stopped", victim) in _events(line)
        line.wait_for_rows(line.rows_written() + 15)
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        assert_accounted(summary, line.rows())
        assert all(summary["restarts"][role] for role in ("camera", "dispatcher", "worker", "sink"))


def _events(line: RunningLine) -> list[tuple[str, str]]:
    """(event, process) of events.jsonl, in order."""
    try:
        lines = (line.run_dir / "events.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(event["event"], event.get("process", "")) for event in map(json.loads, lines)]


@pytest.mark.parametrize("speed", [pytest.param("2", marks=pytest.mark.soak), "max"])
def test_a_storm_of_kills_loses_nothing(speed: str, tmp_path: Path, slow_model: Path) -> None:
    """Every process is hit several times, also while others are down and during start-up."""
    order = random.Random(f"storm {speed}")
    items = ("--items", 240, "--interval", 0.05)
    model = ("--model", slow_model, *WHOLE, "--workers", 3, "--speed", speed)
    patient = ("--set", "supervisor.failed_starts=100")
    with RunningLine(tmp_path / "run", *items, *model, *patient) as line:
        line.wait_for_rows(5)
        storm_ends = monotonic() + 7
        kills = 0
        while monotonic() < storm_ends and line.rows_written() < 230:
            kills += line.kill(order.choice((*VICTIMS, "worker-1", "worker-2"))) is not None
            rest_until = monotonic() + order.uniform(0.02, 0.5)
            poll(lambda until=rest_until: monotonic() > until, "a moment's peace")
        status, summary = line.finish()
        assert kills >= 5
        assert status == 0
        assert_accounted(summary, line.rows())
        assert summary["items"]["fed"] == 240
        if speed == "max":
            assert not {"late", "expired", "dropped", "failed"} & {
                verdict for verdict, count in summary["verdicts"].items() if count
            }


def test_children_leave_when_the_runner_is_killed(tmp_path: Path, tiny_model: Path) -> None:
    arguments = ("--model", tiny_model, "--interval", 0.04, "--source", "procedural", *WHOLE)
    with RunningLine(tmp_path / "run", *arguments) as line:
        line.wait_for_rows(10)
        children = [e["pid"] for e in line.processes() if e["role"] != "supervisor"]
        assert len(children) == 7
        line.kill_runner()
        poll(lambda: not any(map(is_alive, children)), "orphans leave")
        rows = line.rows()
        assert sorted(rows["seq"]) == list(range(len(rows)))
