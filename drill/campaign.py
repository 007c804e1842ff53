"""Several storms, one for each seed, and the same over the naive line if it is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from drill import verdict
from drill.naive_storm import storm as naive_storm
from drill.one_storm import Order, run_drill
from drill.page import Table, seconds
from drill.verdict import Verdict, reason, recovery_tables, told_tables
from line.atomic_file import write_atomically
from line.errors import BadInput

Campaign = dict[str, Any]


def run_campaign(
    orders: Sequence[Order], folder: Path, console: Console, *, naive: bool
) -> Campaign:
    """Run the storms one after the other, each in its order's folder; leave `drill.json`.

    `console` gets a line for each storm. `passed`: every storm of the line has passed; the naive
    line is not judged.

    Raises:
        BadInput: if the naive line cannot run this model.
    """
    if naive and orders[0].model.suffix != ".onnx":
        raise BadInput(f"--naive: runs .onnx models only, not {orders[0].model.name}")
    storms: dict[int, Verdict] = {}
    naives: dict[int, dict[str, Any]] = {}
    for number, order in enumerate(orders, 1):
        seed = order.settings.line.seed
        began = monotonic()
        title = f"seed {seed} ({number} of {len(orders)})"
        found = storms[seed] = run_drill(order, console, title)
        console.print(f"{title}: {_one_line(found)}, {monotonic() - began:.0f} s", soft_wrap=True)
        if naive:
            with console.status(f"{title}: the naive line"):
                belt = order.settings.model_copy(update={"events": order.events})
                rows = order.run_dir / "naive.csv"
                lot = naive_storm(belt, order.model, order.injections, rows).facts()
            naives[seed] = lot
            console.print(f"{title}: naive line, {lot['hits']} hits, lost {lot['lost']}")
    records = [record for found in storms.values() for record in found["fault_records"]]
    campaign = {
        "passed": all(found["passed"] for found in storms.values()),
        "storms": {
            seed: {"passed": found["passed"], "reason": reason(found), **_sums([found])}
            for seed, found in storms.items()
        },
        "total": _sums(list(storms.values())),
        "faults": {
            kind: {
                "injected": sum(found["faults"][kind]["injected"] for found in storms.values()),
                "recovery_s": verdict.recovery_of_kind(kind, records),
            }
            for kind in orders[0].kinds
        },
        "roles": verdict.recovery_by_role(records),
        "freeze_limit_s": next(iter(storms.values()))["freeze_limit_s"],
        "naive": naives or None,
        "notes": [f"seed {seed}: {note}" for seed, f in storms.items() for note in f["notes"]],
        "fault_records": records,
        "faults_told": [told for found in storms.values() for told in found["faults_told"]],
        "alarms": [found["alarms"] for found in storms.values()],
    }
    write_atomically(folder / "drill.json", f"{json.dumps(campaign, indent=1)}\n".encode())
    return campaign


def campaign_word(campaign: Mapping[str, Any]) -> str:
    """The outcome, with the seeds that failed."""
    failed = [str(seed) for seed, found in campaign["storms"].items() if not found["passed"]]
    if failed:
        return f"FAILED: the storms with the seeds {', '.join(failed)}"
    return f"passed: {len(campaign['storms'])} storms, each item has one row"


def campaign_tables(campaign: Mapping[str, Any]) -> list[Table]:
    """The storms, the naive line beside them, and the recoveries."""
    found = [_storms(campaign)]
    if campaign["naive"]:
        found.append(_naives(campaign["naive"]))
    told = told_tables(campaign["faults_told"], campaign["alarms"])
    return [*found, *recovery_tables(campaign), *told]


def _sums(storms: Sequence[Verdict]) -> dict[str, Any]:
    """Over several storms: counts added, gaps not."""
    audits = [found["audit"] for found in storms]
    gaps = [audit["longest_gap_s"] for audit in audits if audit["longest_gap_s"] is not None]
    return {
        "faults": sum(facts["injected"] for found in storms for facts in found["faults"].values()),
        **{
            what: sum(audit[what] for audit in audits)
            for what in ("fed", "rows", "lost", "duplicates", "unexplained")
        },
        "longest_gap_s": max(gaps, default=None),
    }


def _storms(campaign: Mapping[str, Any]) -> Table:
    def cells(name: object, sums: Mapping[str, Any]) -> tuple[str, ...]:
        counts = (sums[what] for what in ("faults", "fed", "rows", "lost", "duplicates"))
        return (str(name), *map(str, counts), seconds(sums["longest_gap_s"]))

    return Table(
        "The line: a storm for each seed",
        ("seed", "faults", "items fed", "rows", "lost", "duplicates", "longest gap"),
        [cells(seed, sums) for seed, sums in campaign["storms"].items()],
        cells("all", campaign["total"]),
    )


def _naives(naives: Mapping[int, Mapping[str, int]]) -> Table:
    columns = ("hits", "fed", "rows", "lost", "duplicates")
    sums = {what: sum(lot[what] for lot in naives.values()) for what in columns}
    share = sums["lost"] / sums["fed"] if sums["fed"] else 0.0
    return Table(
        "The naive line (PUSH and PULL): the same belts, the same kills and stops",
        ("seed", "processes hit", "items fed", "rows", "lost", "duplicates"),
        [(str(seed), *(str(lot[what]) for what in columns)) for seed, lot in naives.items()],
        ("all", *(str(sums[what]) for what in columns)),
        f"It lost {share:.1%} of its items. Only its workers and its sink were hit.",
    )


def _one_line(found: Verdict) -> str:
    sums = _sums([found])
    text = (
        f"{sums['faults']} faults, {sums['fed']} items fed, {sums['rows']} rows, "
        f"lost {sums['lost']}, duplicates {sums['duplicates']}"
    )
    return text if found["passed"] else f"{text}, FAILED: {reason(found)}"
