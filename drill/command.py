"""One storm: from an order to a verdict in the run's folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from rich.console import Console

from drill.audit import audit
from drill.fault_injector import FaultInjector
from drill.growth import judge
from drill.order import Order
from drill.soak import SoakLog
from drill.storm import injected_by_scenario, run_storm
from drill.subject import Subject
from drill.verdict import Verdict, verdict
from line.errors import BadInput
from line.supervise.resume import remember

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
            storm = run_storm(
                subject,
                injector,
                order.injections,
                soak,
                lambda text: status.update(f"{title}: {text}"),
            )
        if not (order.run_dir / "settings.json").exists():
            raise BadInput(f"the line did not start: {log.read_text().strip()}")
        shutil.copyfile(work / "soak.csv", order.run_dir / "soak.csv")
        shutil.copyfile(log, order.run_dir / "logs" / "runner.log")
    notes = [_NO_DISK] if len(order.kinds) < len(order.wanted) else []
    notes += [
        f"{each.kind} {each.manner} at {each.at_s:.1f} s: skipped, nobody to do it to"
        for each in storm.skipped
    ]
    ran = remember(order.run_dir)[0]
    audited = audit(order.run_dir, ran, finished=storm.status == 0)
    by_scenario = injected_by_scenario(order.run_dir, order.injections)
    found = verdict(ran, order.kinds, storm, by_scenario, audited, judge(soak.samples), notes)
    found["plan"] = [
        {"kind": each.kind, "manner": each.manner, "at_s": round(each.at_s, 3)}
        for each in order.injections
    ]
    (order.run_dir / "drill.json").write_text(json.dumps(found, indent=1) + "\n")
    return found
