"""The machine of a run: read from its trace, and given to the twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from line.errors import BadInput
from line.run_files.machine_trace import MachineMoment, MachineTrace
from line.run_files.results import FILE, HEADER, encode_rows
from planner.measure.run_machine import RunMachine, run_machine
from planner.profile import Profile
from planner.sim.slowness import TracedSlowness
from planner.sim.twin import simulate
from tests.hand_made_profile import hand_made_profile
from tests.planner.test_processor import LINEAR
from tests.virtual_lines import Rows, rows_of, settings_of

SETTINGS = settings_of(line__items=300, infeed__items_per_min=1800.0)
"""30 items a second, 10 ms each, for 10 s."""


def steps(*factors: float) -> list[float]:
    """In seconds of so many each, from the first item on."""
    return [factor for factor in (1.0, *factors) for _ in range(20)]


def kept(
    run_dir: Path,
    rows: Rows,
    *,
    on_core: float = 1.0,
    others: float = 0.0,
    steal: float = 0.0,
    waiting: float = 0.0,
) -> Path:
    """A run folder with the rows, and a trace of workers that were at work as these say.

    `others`, `steal`: cores; `waiting`: of workers, ÷ their processor time.
    """
    (run_dir / FILE).write_bytes(HEADER.encode() + encode_rows(rows))
    spans = [
        (row.scheduled_s + row.queue_ms / 1000, row.inference_ms / 1000)
        for row in rows
        if row.queue_ms is not None and row.inference_ms is not None
    ]
    trace = MachineTrace(run_dir)
    for number in range(5 * (1 + int(max(row.scheduled_s for row in rows)))):
        at_s = 0.2 * number
        done_s = sum(min(max(at_s - began, 0.0), lasted) for began, lasted in spans)
        workers_s = on_core * done_s
        trace.add(
            MachineMoment(
                at_s,
                workers_s + others * at_s,
                steal * at_s,
                workers_s,
                workers_s,
                waiting * workers_s,
            )
        )
    trace.flush(at_s, {})
    return run_dir


def hindcast(run_dir: Path, profile: Profile = LINEAR) -> tuple[RunMachine, Rows]:
    machine = run_machine(run_dir, SETTINGS, profile)
    return machine, rows_of(SETTINGS, profile.slowed(machine.times), slowness=machine.slowness)


def mean_ms(rows: Rows, first_s: float, last_s: float) -> float:
    found = [row.inference_ms or 0.0 for row in rows if first_s <= row.scheduled_s < last_s]
    return sum(found) / len(found)


def test_a_machine_as_the_profiles_gives_the_same_rows(tmp_path: Path):
    rows = rows_of(SETTINGS, LINEAR)
    machine, again = hindcast(kept(tmp_path, rows))
    assert (machine.times, machine.speed) == pytest.approx((1.0, 1.0), abs=0.001)
    assert (machine.others, machine.steal, machine.waited) == (0.0, 0.0, 0.0)
    assert [row.latency_ms for row in again] == pytest.approx(
        [row.latency_ms for row in rows], rel=0.02
    )


def test_a_slow_stretch_is_slow_again(tmp_path: Path):
    slow = TracedSlowness(0.1, steps(1.0, 2.0, 1.0), [1.0])
    rows = rows_of(SETTINGS, LINEAR, slowness=slow)
    _, again = hindcast(kept(tmp_path, rows))
    assert mean_ms(rows, 4.5, 5.5) == pytest.approx(20.0)
    for first_s in (2.5, 4.5, 6.5):
        real = mean_ms(rows, first_s, first_s + 1)
        assert mean_ms(again, first_s, first_s + 1) == pytest.approx(real, rel=0.03)


def test_waiting_for_a_core_takes_time_and_no_processor_time(tmp_path: Path):
    """A third of the time somebody else has the core."""
    slow = TracedSlowness(0.1, [1.5], [1.0])
    rows = rows_of(SETTINGS, LINEAR, slowness=slow)
    run_dir = kept(tmp_path, rows, on_core=1 / 1.5, others=0.6, steal=0.1, waiting=0.5)
    machine, again = hindcast(run_dir)
    assert (machine.times, machine.speed) == pytest.approx((1.5, 1.0), abs=0.001)
    found = (machine.others, machine.steal, machine.waited)
    assert found == pytest.approx((0.6, 0.1, 0.5))
    assert mean_ms(again, 3, 10) == pytest.approx(15.0, rel=0.02)
    slowed = LINEAR.slowed(machine.times)
    used = simulate(SETTINGS, slowed, slowness=machine.slowness).processor_s
    assert used["worker-0"] == pytest.approx(300 * 0.01, rel=0.02)
    usual = simulate(SETTINGS, LINEAR).processor_s
    assert used["camera-0"] == pytest.approx(usual["camera-0"], rel=0.02)


def test_what_is_missing_is_said_in_one_line(tmp_path: Path):
    rows = rows_of(SETTINGS, LINEAR)
    with pytest.raises(BadInput, match="no processor times: measure again"):
        run_machine(tmp_path, SETTINGS, hand_made_profile())
    with pytest.raises(BadInput, match=r"machine\.csv: No such file"):
        run_machine(tmp_path, SETTINGS, LINEAR)
    kept(tmp_path, rows)
    (tmp_path / FILE).write_text(HEADER)
    with pytest.raises(BadInput, match="no inference of a worker"):
        run_machine(tmp_path, SETTINGS, LINEAR)


def test_behind_its_end_a_run_is_as_at_last():
    slowness = TracedSlowness(0.1, [1.0, 3.0], [1.0, 1.5])
    assert [slowness.at(now) for now in (0.0, 0.05, 0.15, 9.0)] == [1.0, 1.0, 3.0, 3.0]
    assert slowness.speed_at(9.0) == 1.5
