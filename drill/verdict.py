"""What the drill found, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from drill.audit import Audit
from drill.plan import Injection
from drill.storm import Storm

Verdict = dict[str, Any]
_NONE = "–"


def verdict(
    kinds: Sequence[str],
    storm: Storm,
    by_scenario: Sequence[Injection],
    audited: Audit,
    grown: Sequence[str] | None,
    notes: Sequence[str],
) -> Verdict:
    """JSON values. `passed`: the run came to its end, and each item has exactly one row.

    `recovery_s` of a kind: from the injection until every process that it hit is ready again and a
    row was written; `median` and `max` are None where nothing had to recover.
    """
    return {
        "passed": audited.is_clean and storm.status == 0 and len(audited.models) < 2,
        "runner_status": storm.status,
        "faults": {kind: _of_kind(kind, storm, by_scenario) for kind in kinds},
        "audit": asdict(audited),
        "growth": grown if grown is None else list(grown),
        "notes": list(notes),
    }


def _of_kind(kind: str, storm: Storm, by_scenario: Sequence[Injection]) -> dict[str, Any]:
    wounds = [wound for wound in storm.wounds if wound.injection.kind == kind]
    healed = [wound.healed_s for wound in wounds if wound.healed_s is not None]
    return {
        "injected": len(wounds) + sum(each.kind == kind for each in by_scenario),
        "skipped": sum(each.kind == kind for each in storm.skipped),
        "recovered": len(healed),
        "recovery_s": {
            "median": round(median(healed), 3) if healed else None,
            "max": round(max(healed), 3) if healed else None,
        },
    }


def print_verdict(found: Verdict, console: Console) -> None:
    """One table of the kinds, one of the items, and a last word."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("fault")
    for heading in ("injected", "recovered", "median", "longest"):
        table.add_column(heading, justify="right")
    for kind, facts in found["faults"].items():
        if kind == "clock":
            table.add_row(kind, "all along", _NONE, _NONE, _NONE)
            continue
        recovery = facts["recovery_s"]
        recovered = str(facts["recovered"]) if facts["recovered"] else _NONE
        times = (_seconds(recovery["median"]), _seconds(recovery["max"]))
        table.add_row(kind, str(facts["injected"]), recovered, *times)
    console.print(table)
    console.print()
    console.print(_balance(found["audit"], _growth(found["growth"])))
    for note in found["notes"]:
        console.print(f"note: {note}", style="yellow", markup=False)
    word, style = ("passed", "bold green") if found["passed"] else ("FAILED", "bold red")
    console.print(f"{word}: {_reason(found)}", style=style, markup=False)


def _balance(audit: dict[str, Any], growth: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    expected = "" if audit["expected"] is None else f" of {audit['expected']} that the seed gives"
    rows = {
        "items fed": f"{audit['fed']}{expected}",
        "rows": str(audit["rows"]),
        "lost": str(audit["lost"]),
        "duplicates": str(audit["duplicates"]),
        "without a reason": str(audit["unexplained"]),
        "verdicts": ", ".join(f"{name} {count}" for name, count in audit["verdicts"].items()),
        "longest gap": f"{_seconds(audit['longest_gap_s'])} between two decisions",
        "growth": growth,
    }
    for label, text in rows.items():
        grid.add_row(label, text)
    return grid


def _growth(complaints: list[str] | None) -> str:
    if complaints is None:
        return "not judged: that takes more than ten minutes"
    return "; ".join(complaints) or "none behind the first five minutes"


def _reason(found: Verdict) -> str:
    audit = found["audit"]
    if found["runner_status"] is None:
        return "the line was stuck: no row for a long time"
    if audit["lost"] or audit["duplicates"] or audit["unexplained"]:
        return "items without exactly one row, or without a reason on it"
    if len(audit["models"]) > 1:
        return f"answered by different models: {', '.join(audit['models'])}"
    if found["runner_status"]:
        return f"the runner ended with status {found['runner_status']}"
    return "every item has exactly one row"


def _seconds(value: float | None) -> str:
    return _NONE if value is None else f"{value:.2f} s"
