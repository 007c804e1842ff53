"""Hindcasts: which figures hold, and what a table of them says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.forecast.belts import Belt
from benchmarks.forecast.hindcast import Hindcast, findings
from benchmarks.forecast.hindcast import hindcast as hindcast_of
from benchmarks.forecast.line_figures import Figures
from benchmarks.validate_twin import _options
from line.run_files.machine_trace import MachineTrace
from line.run_files.results import FILE, outcome_of, read_rows
from planner.measure.run_machine import RunMachine
from planner.sim.slowness import TracedSlowness
from run_line import main
from tests.planner.test_processor import LINEAR
from tests.planner.test_run_machine import kept

MACHINE = RunMachine(1.1, 1.2, TracedSlowness(0.1, [1.0], [1.0]), 0.02, 0.01, 0.0)
LINE = Figures(in_time=0.9, throughput_per_s=100.0, p50_ms=10.0, p95_ms=20.0)
CORES = {"worker-0": 0.8, "dispatcher": 0.1, "alerts": 0.004}


def hindcast(
    load: float = 1.5, twin: Figures = LINE, cores: dict[str, float] | None = None
) -> Hindcast:
    belt = Belt("regular", load, 1.0, 0.8, 50.0, 2)
    return Hindcast(belt, MACHINE, LINE, twin, CORES, CORES | (cores or {}))


@pytest.mark.parametrize(
    ("found", "misses"),
    [
        (hindcast(), []),
        (hindcast(twin=replace(LINE, p95_ms=22.9, in_time=0.919)), []),
        (hindcast(twin=replace(LINE, p95_ms=23.1)), ["p95"]),
        (hindcast(twin=replace(LINE, in_time=0.879)), ["in time"]),
        (hindcast(load=1.04, twin=replace(LINE, in_time=0.7)), []),  # nobody can tell there
        (hindcast(cores={"worker-0": 0.839}), []),
        (hindcast(cores={"worker-0": 0.841}), ["cores of worker-0"]),
        (hindcast(cores={"dispatcher": 0.094}), ["cores of dispatcher"]),
        (hindcast(cores={"alerts": 0.0}), []),  # too little to matter
    ],
)
def test_figures_hold_within_what_is_asked(found: Hindcast, misses: list[str]):
    assert found.misses == misses
    assert found.markdown.endswith(f"| {', '.join(misses) or 'holds'} |")


def test_a_row_has_both_and_the_process_that_is_furthest_off():
    row = hindcast(cores={"dispatcher": 0.12}).markdown
    assert row.startswith(
        "| regular | 1 | 0.8 | 2 | 150 % | 1.10, 1.20 | 90.0 / 90.0 % | 20.0 / 20.0 |"
    )
    assert "| dispatcher 0.100 / 0.120 |" in row
    assert ", 0.60 taken" in replace(hindcast(), machine=replace(MACHINE, others=0.59)).markdown


def test_findings_count_what_held():
    found = [
        hindcast(),
        hindcast(twin=replace(LINE, p95_ms=30.0), cores={"worker-0": 0.7}),
        hindcast(cores={"dispatcher": 0.2}),
    ]
    assert findings(found) == [
        "- all figures hold: 1 of 3",
        "- cores of each process, within 5% or 0.005: 1",
        "- p95, within 15%: 2",
        "- in time, within 2 points, but for loads of 95 to 105 %: 3",
    ]


def test_a_run_that_its_own_twin_has_made_holds(tmp_path: Path):
    run_dir = tmp_path / "run"
    LINEAR.store(tmp_path / "profile.json")
    virtual = ("--clock=virtual", f"--profile={tmp_path / 'profile.json'}", "--quiet")
    belt = ("--items=300", "--workers=2", "--set=infeed.items_per_min=3600")
    assert main(["run", *virtual, *belt, f"--run-dir={run_dir}"]) == 0
    facts = json.loads((run_dir / "run.json").read_text())
    kept(run_dir, list(read_rows(run_dir / FILE, outcome_of)))
    spent = {name: parts["foretold"] for name, parts in facts["processor"]["seconds"].items()}
    # As a real camera has them: those that it has started stand beside it.
    spent["camera-0/children"] = spent["camera-0"] = spent["camera-0"] / 2
    trace = MachineTrace(run_dir)
    trace.flush(0.0, dict.fromkeys(spent, 0.0))
    trace.flush(facts["wall_s"], spent)

    found = hindcast_of(run_dir, Belt("poisson", 0.3, 1.0, 0.8, 50.0, 2), LINEAR)
    assert found.misses == []
    assert found.line.in_time == found.twin.in_time == 1.0
    assert found.machine.speed == pytest.approx(1.0, abs=0.001)
    assert sum(found.twin_cores.values()) == pytest.approx(sum(found.line_cores.values()), rel=0.01)


def test_a_belt_is_run_at_its_share_of_the_capacity():
    belt = Belt("bursts", 0.5, 1.5, 0.8, 50.0, 1)
    options = _options(belt, LINEAR, ["source.order=random"], seconds=10)
    assert "--set=infeed.items_per_min=3000.0" in options  # half of 100 a second
    assert {"--workers=1", "--set=infeed.process=bursts", "--set=line.duration_s=10"} < {*options}
