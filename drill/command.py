"""`run_line.py drill`: from settings to a verdict in the run's folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from drill import plan
from drill.audit import audit
from drill.inflict import DISK_SUPPORTED, Inflictor
from drill.soak import WARM_UP_S, SoakLog, growth
from drill.storm import injected_by_scenario, rage
from drill.subject import Subject
from drill.verdict import Verdict, verdict
from line.errors import BadInput
from line.events import Event
from line.settings import Settings

_NO_DISK = "disk: skipped, this system cannot limit another process's files (no prlimit)"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be drilled. `settings` are what scenario and assignments lead to."""

    settings: Settings
    scenario: str
    assignments: Sequence[str]
    model: Path
    run_dir: Path
    faults: int
    kinds: Sequence[str]

    def runner_options(self, model: Path, events: Sequence[Event]) -> list[str]:
        """The runner's command line for these settings, with another model and further faults."""
        line = self.settings.line
        return [
            f"--scenario={self.scenario}",
            *(f"--set={assignment}" for assignment in self.assignments),
            f"--set=line.seed={line.seed}",
            f"--set=line.workers={line.workers}",
            f"--set=line.duration_s={line.duration_s}",
            f"--set=events={_toml((*self.settings.events, *events))}",
            f"--model={model}",
        ]


def parse_kinds(text: str | None) -> tuple[str, ...]:
    """The kinds in a text like `kill,stop`; None = all. Raises BadInput for an unknown one."""
    kinds = tuple(plan.KINDS) if text is None else tuple(k.strip() for k in text.split(","))
    for kind in kinds:
        if kind not in plan.KINDS:
            raise BadInput(f"--kinds: {kind!r} is not one of {', '.join(plan.KINDS)}")
    return kinds


def run_drill(order: Order, console: Console) -> Verdict:
    """Run the line under the storm, audit it, and leave `drill.json` and `soak.csv` in its folder.

    `console` shows how far it is.

    Raises:
        BadInput: if the line could not even be started.
    """
    settings = order.settings
    duration_s = settings.line.duration_s
    if not duration_s:
        raise BadInput("line.duration_s: a drill needs a scenario with a duration, or --minutes")
    notes = []
    kinds = list(order.kinds)
    if "disk" in kinds and not DISK_SUPPORTED:
        kinds.remove("disk")
        notes.append(_NO_DISK)
    injections = plan.plan(kinds, order.faults, duration_s, settings.line.seed)
    with tempfile.TemporaryDirectory(prefix="scrapline-drill-") as name:
        work = Path(name)
        model = work / order.model.name
        for file in order.model.parent.glob(f"{order.model.stem}.*"):  # with its class index
            shutil.copyfile(file, work / file.name)
        options = order.runner_options(model, plan.events(injections))
        log = work / "runner.log"
        clock = "clock" in kinds
        with (
            console.status("drilling") as status,
            Subject(order.run_dir, options, log, jumping_clock=clock) as subject,
            SoakLog(work / "soak.csv") as soak,
        ):
            storm = rage(subject, Inflictor(subject, model), injections, soak, status.update)
        if not (order.run_dir / "settings.json").exists():
            raise BadInput(f"the line did not start: {log.read_text().strip()}")
        shutil.copyfile(work / "soak.csv", order.run_dir / "soak.csv")
        shutil.copyfile(log, order.run_dir / "logs" / "runner.log")
    notes += [
        f"{each.kind} {each.manner} at {each.at_s:.1f} s: skipped, nobody to do it to"
        for each in storm.skipped
    ]
    ran = Settings.model_validate_json((order.run_dir / "settings.json").read_bytes())
    audited = audit(order.run_dir, ran, finished=storm.status == 0)
    grown = growth(soak.samples) if soak.samples[-1].at_s > 2 * WARM_UP_S else None
    by_scenario = injected_by_scenario(order.run_dir, injections)
    found = verdict(kinds, storm, by_scenario, audited, grown, notes)
    found["plan"] = [
        {"kind": i.kind, "manner": i.manner, "at_s": round(i.at_s, 3)} for i in injections
    ]
    (order.run_dir / "drill.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def _toml(events: Sequence[Event]) -> str:
    """The events as a TOML array of inline tables."""
    tables = []
    for event in events:
        values = event.model_dump(mode="json")
        pairs = (f"{key} = {json.dumps(value)}" for key, value in values.items())
        tables.append(f"{{ {', '.join(pairs)} }}")
    return f"[{', '.join(tables)}]"
