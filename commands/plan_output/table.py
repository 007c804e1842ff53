"""A plan on the terminal (assumptions, the table, the answers), and as `plan.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.plain_text import cell_of
from planner.plan import wording as words
from planner.plan.answer import fastest_belts, fewest_workers, groups, model_alone
from planner.plan.run import MEASURES, Plan, Result
from planner.plan.target import Prospect, prospect
from planner.sim.source import fed_classes
from reports.fitted_table import fitted

_PLACE = (
    "cameras",
    "threshold",
    "camera_to_ejector_m",
    "items_per_min",
    "belt_speed_m_per_s",
    "workers",
)
_CAPACITY = ("capacity_per_s", "capacity_half_per_s", "load", "limited_by")
_DRAWS = ("items", "draws", "target", "chance", "deaths")
_MARKS = {
    Prospect.MET: Text("✓", style="green"),
    Prospect.MISSED: Text("✗", style="red"),
    Prospect.OPEN: Text("?", style="yellow"),
}


def write_csv(path: Path, results: Sequence[Result], names: Sequence[str]) -> None:
    """Each measure as the mean of the draws, and the bounds of 90 % of runs (`_low`, `_high`).

    `target`: met, missed, or cannot tell; `chance`: share of the draws that met it; `deaths`: draws
    in which the line died.

    `names`: of the plan's profiles. Raises BadInput, naming the file, if it cannot be written.
    """
    measures = [f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["profile", *_PLACE, *_CAPACITY, *_DRAWS, *measures])
    for result in results:
        cell, can = result.cell, result.capacity
        writer.writerow(
            [
                cell_of(names[cell.profile]),
                *(f"{getattr(cell, name):g}" for name in _PLACE),
                *(f"{value:.6g}" for value in (can.items_per_s, can.half, result.load)),
                can.limit,
                result.items,
                result.draws,
                prospect(result.chance),
                f"{result.chance:.6g}",
                len(result.deaths),
                *(
                    f"{number:.6g}"
                    for each in (result.measures[name] for name in MEASURES)
                    for number in (each.mean, each.low, each.high)
                ),
            ]
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, file.getvalue().encode())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None


def print_plan(
    plan: Plan,
    results: Sequence[Result],
    names: Sequence[str],
    core_each: bool,
    out: Console,
) -> None:
    """`names`: of the plan's profiles."""
    fed, target = fed_classes(plan.settings), plan.target
    for sentence in words.assumptions(plan, [result.cell for result in results], core_each):
        out.print(Text.assemble(("·", "dim"), f" {sentence}"), soft_wrap=True)
    for group in groups(results).values():
        cell = group[0].cell
        out.print(Text(f"\n{words.group(cell, names)}\n", style="bold"))
        out.print(fitted(_table(group), out))
        for sentence in words.deaths(group):
            out.print(Text.assemble(("!", "red"), f" {sentence}"), soft_wrap=True)
        out.print(f"\nTarget: {words.wanted(target)}")
        profile = plan.profiles[cell.profile]
        promised = plan.settings.decision.thresholds_of(profile.short_hash)
        alone = model_alone(fed, profile, cell.threshold, promised)
        out.print(words.alone(alone, target))
        out.print(Text("\nFewest workers", style="bold"))
        for few in fewest_workers(group):
            out.print(f"  {words.fewest(few, target)}", soft_wrap=True)
        out.print(Text("Fastest belt", style="bold"))
        for fast in fastest_belts(group):
            out.print(f"  {words.fastest(fast, target)}", soft_wrap=True)


_HEADINGS = (
    "belt\nm/s",
    "items\n/min",
    "workers\n",
    "load\n%",
    "in time\n%",
    "recovery\n%",
    "p50\nms",
    "p95\nms",
    "",
    "met in\ndraws",
)


def _table(group: Sequence[Result]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for result in group:
        cell, measures = result.cell, result.measures
        table.add_row(
            f"{cell.belt_speed_m_per_s:g}",
            f"{cell.items_per_min:g}",
            str(cell.workers),
            f"{100 * result.load:.0f}",
            words.bounds(measures["in_time"]),
            words.bounds(measures["recovery"]),
            words.durations(measures["latency_p50_ms"]),
            words.durations(measures["latency_p95_ms"]),
            _MARKS[prospect(result.chance)],
            f"{round(result.chance * result.draws)}/{result.draws}",
        )
    return table
