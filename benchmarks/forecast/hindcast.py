"""One belt that has run, and its twin with the machine of that very run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.forecast.belts import Belt
from benchmarks.forecast.line_figures import Figures, Row, rows_of_line
from line.errors import BadInput
from line.outcome import Outcome
from line.run_files.machine_trace import CHILDREN, read_processes
from line.settings import Settings
from planner.measure.run_machine import RunMachine, run_machine
from planner.profile import Profile
from planner.sim.line_figures import Figures as VirtualFigures
from planner.sim.twin import simulate
from reports.facts import read_facts

CORES, FEWEST_CORES, LATENCY, POINTS = 0.05, 0.005, 0.15, 0.02
"""How far apart both may be. So little of a core is no difference, whatever it is in percent."""
NEAR = (0.95, 1.05)
"""Loads, in capacities, at which the share in time is not judged: a trifle decides it."""
HEAD = (
    "| items | m/s | m to the ejector | workers | load | machine | in time | p95, ms | cores "
    "| furthest process | |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Hindcast:
    """What the line did, and what its twin did. Cores by process."""

    belt: Belt
    machine: RunMachine
    line: Figures
    twin: Figures
    line_cores: Mapping[str, float]
    twin_cores: Mapping[str, float]

    @property
    def misses(self) -> list[str]:
        """The figures that are further apart than they may be."""
        line, twin = self.line, self.twin
        low, high = NEAR
        found = [f"cores of {name}" for name, apart in self._apart().items() if apart > CORES]
        if abs(twin.p95_ms / line.p95_ms - 1) > LATENCY:
            found.append("p95")
        if abs(twin.in_time - line.in_time) > POINTS and not low <= self.belt.load <= high:
            found.append("in time")
        return found

    def _apart(self) -> dict[str, float]:
        """Of each process, as a share of what it used; 0 where that is a trifle."""
        found = {}
        for name, cores in self.line_cores.items():
            apart = abs(self.twin_cores.get(name, 0.0) - cores)
            found[name] = 0.0 if apart <= FEWEST_CORES else apart / max(cores, FEWEST_CORES)
        return found

    @property
    def markdown(self) -> str:
        """A row of the table: line / twin."""
        line, twin, machine, apart = self.line, self.twin, self.machine, self._apart()
        taken = machine.others + machine.steal
        furthest = max(apart, key=lambda name: apart[name])
        return (
            f"| {self.belt.text} "
            f"| {machine.times:.2f}, {machine.speed:.2f}"
            f"{f', {taken:.2f} taken' if taken >= 0.05 else ''} "
            f"| {100 * line.in_time:.1f} / {100 * twin.in_time:.1f} % "
            f"| {line.p95_ms:.1f} / {twin.p95_ms:.1f} "
            f"| {sum(self.line_cores.values()):.3f} / {sum(self.twin_cores.values()):.3f} "
            f"| {furthest} {self.line_cores[furthest]:.3f} / "
            f"{self.twin_cores.get(furthest, 0.0):.3f} "
            f"| {', '.join(self.misses) or 'holds'} |"
        )


def hindcast(run_dir: Path, belt: Belt, profile: Profile) -> Hindcast:
    """Of a finished run. Raises BadInput where it lacks what a hindcast needs."""
    settings = Settings.model_validate_json((run_dir / "settings.json").read_bytes())
    machine = run_machine(run_dir, settings, profile)
    rows, figures = _twin(settings, profile, machine)
    facts = read_facts(run_dir / "run.json")
    if facts is None or not facts.wall_s:
        raise BadInput(f"{run_dir}: did not come to its end")
    return Hindcast(
        belt,
        machine,
        Figures.of(rows_of_line(run_dir)),
        Figures.of(rows),
        _cores(run_dir, facts.wall_s),
        {name: spent_s / figures.wall_s for name, spent_s in figures.processor_s.items()},
    )


def _cores(run_dir: Path, wall_s: float) -> dict[str, float]:
    """Of each process, with those that it has started."""
    found: defaultdict[str, float] = defaultdict(float)
    for name, own in read_processes(run_dir).items():
        spent_s = own[-1].processor_s - own[0].processor_s
        found[name.removesuffix(CHILDREN)] += spent_s / wall_s
    return found


def _twin(
    settings: Settings, profile: Profile, machine: RunMachine
) -> tuple[list[Row], VirtualFigures]:
    rows: list[Row] = []

    def keep(outcome: Outcome) -> None:
        rows.append((outcome.scheduled_s, outcome.verdict, outcome.latency_ms))

    slowed = profile.slowed(machine.times)
    return rows, simulate(settings, slowed, on_row=keep, slowness=machine.slowness)


def findings(found: list[Hindcast]) -> list[str]:
    """How many hold in each figure, and in all."""

    def held(kind: str) -> str:
        return f"{sum(not any(m.startswith(kind) for m in each.misses) for each in found)}"

    return [
        f"- all figures hold: {sum(not each.misses for each in found)} of {len(found)}",
        f"- cores of each process, within {CORES:.0%} or {FEWEST_CORES:g}: {held('cores')}",
        f"- p95, within {LATENCY:.0%}: {held('p95')}",
        f"- in time, within {100 * POINTS:g} points, but for loads of {100 * NEAR[0]:g} to "
        f"{100 * NEAR[1]:g} %: {held('in time')}",
    ]
