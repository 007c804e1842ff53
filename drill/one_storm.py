"""One storm: what is to be drilled, and from there to a verdict in the run's folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rich.console import Console

from drill import plan
from drill.audit import audit
from drill.fault_events import EventWatch
from drill.fault_injector import DISK_SUPPORTED, FaultInjector
from drill.soak import SoakLog, judge
from drill.storm import injected_by_scenario, run_storm
from drill.subject import Subject
from drill.verdict import Verdict, verdict
from line.atomic_file import write_atomically
from line.errors import BadInput
from line.events import Event
from line.settings import Settings
from line.supervise.resume import remember


@dataclass(frozen=True)
class Order:
    """One storm over one run. `settings` are what scenario and assignments lead to."""

    settings: Settings
    scenario: str
    assignments: Sequence[str]
    model: Path
    run_dir: Path
    faults: int
    wanted: Sequence[str]

    def __post_init__(self) -> None:
        """Raises BadInput if the belt has no end."""
        if not self.settings.line.duration_s:
            raise BadInput(
                "line.duration_s: a drill needs a scenario with a duration, or --minutes"
            )

    @property
    def kinds(self) -> list[str]:
        """What is wanted and can be done on this system."""
        return [kind for kind in self.wanted if kind != "disk" or DISK_SUPPORTED]

    @property
    def workers(self) -> int:
        assert isinstance(self.settings.line.workers, int)
        return self.settings.line.workers

    @cached_property
    def injections(self) -> list[plan.Injection]:
        """The plan: a function of the seed."""
        line = self.settings.line
        return plan.plan(self.kinds, self.faults, line.duration_s, line.seed)

    @property
    def events(self) -> tuple[Event, ...]:
        """The scenario's own and the plan's."""
        return (*self.settings.events, *plan.events(self.injections))

    def runner_options(self, model: Path) -> list[str]:
        """The runner's command line for these settings and faults, with another model."""
        line = self.settings.line
        return [
            f"--scenario={self.scenario}",
            *(f"--set={assignment}" for assignment in self.assignments),
            f"--set=line.seed={line.seed}",
            f"--set=line.workers={line.workers}",
            f"--set=line.duration_s={line.duration_s}",
            f"--set=events={_toml(self.events)}",
            f"--model={model}",
        ]


def parse_kinds(text: str | None) -> tuple[str, ...]:
    """The kinds in a text like `kill,stop`; None = all. Raises BadInput for an unknown one."""
    kinds = tuple(plan.KINDS) if text is None else tuple(k.strip() for k in text.split(","))
    for kind in kinds:
        if kind not in plan.KINDS:
            raise BadInput(f"--kinds: {kind!r} is not one of {', '.join(plan.KINDS)}")
    return kinds


def _toml(events: Sequence[Event]) -> str:
    """The events as a TOML array of inline tables."""
    tables = []
    for event in events:
        values = event.model_dump(mode="json")
        pairs = (f"{key} = {json.dumps(value)}" for key, value in values.items())
        tables.append(f"{{ {', '.join(pairs)} }}")
    return f"[{', '.join(tables)}]"


_NO_DISK = "disk: skipped, this system cannot limit another process's files (no prlimit)"


def run_drill(order: Order, console: Console, title: str = "drilling") -> Verdict:
    """Run the line under the storm, audit it, and leave `drill.json` and `soak.csv` in its folder.

    `console` shows how far it is, behind the `title`.

    Raises:
        BadInput: if the line could not even be started.
    """
    with tempfile.TemporaryDirectory(prefix="scrapline-drill-") as name:
        work = Path(name)
        model = work / order.model.name
        for file in order.model.parent.glob(f"{order.model.stem}.*"):  # with its class index
            shutil.copyfile(file, work / file.name)
        log = work / "runner.log"
        with (
            console.status(title) as status,
            Subject(
                order.run_dir,
                order.runner_options(model),
                log,
                jumping_clock="clock" in order.kinds,
            ) as subject,
            SoakLog(work / "soak.csv") as soak,
        ):
            injector = FaultInjector(subject, model)
            watch = EventWatch(order.run_dir)
            storm = run_storm(
                subject,
                injector,
                order.injections,
                soak,
                watch,
                lambda text: status.update(f"{title}: {text}"),
            )
        if not (order.run_dir / "settings.json").exists():
            raise BadInput(f"the line did not start: {log.read_text().strip()}")
        shutil.copyfile(work / "soak.csv", order.run_dir / "soak.csv")
        shutil.copyfile(log, order.run_dir / "logs" / "runner.log")
    notes = [_NO_DISK] if len(order.kinds) < len(order.wanted) else []
    notes += [
        f"{each.kind} {each.variant} at {each.at_s:.1f} s: skipped, nobody to do it to"
        for each in storm.skipped
    ]
    ran = remember(order.run_dir)[0]
    audited = audit(order.run_dir, ran, finished=storm.status == 0)
    by_scenario = injected_by_scenario(order.run_dir, order.injections)
    grown = judge(soak.samples)
    found = verdict(ran, order.kinds, storm, by_scenario, audited, grown, notes, watch)
    found["plan"] = [
        {"kind": each.kind, "variant": each.variant, "at_s": round(each.at_s, 3)}
        for each in order.injections
    ]
    path = order.run_dir / "drill.json"
    write_atomically(path, f"{json.dumps(found, indent=1)}\n".encode())
    return found
