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
from planner.plan.answer import Target, fastest_belts, fewest_workers, groups, model_alone
from planner.plan.run import MEASURES, Plan, Result
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


def write_csv(path: Path, results: Sequence[Result], names: Sequence[str], target: Target) -> None:
    """Each measure as its mean, and as the half width of its 95 % confidence interval (`_ci`).

    `deaths`: runs in which the line died.

    `names`: of the plan's profiles. Raises BadInput, naming the file, if it cannot be written.
    """
    measures = [column for name in MEASURES for column in (name, f"{name}_ci")]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["profile", *_PLACE, "items", "meets_target", "deaths", *measures])
    for result in results:
        cell = result.cell
        numbers = (
            f"{number:.6g}"
            for name in MEASURES
            for number in (result.measures[name].mean, result.measures[name].half)
        )
        place = [f"{getattr(cell, name):g}" for name in _PLACE]
        met = "true" if target.is_met(result) else "false"
        deaths = len(result.deaths)
        profile = cell_of(names[cell.profile])
        writer.writerow([profile, *place, result.items, met, deaths, *numbers])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, file.getvalue().encode())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None


def print_plan(
    plan: Plan,
    results: Sequence[Result],
    names: Sequence[str],
    target: Target,
    core_each: bool,
    out: Console,
) -> None:
    """`names`: of the plan's profiles."""
    fed = fed_classes(plan.settings)
    for sentence in words.assumptions(plan, [result.cell for result in results], core_each):
        out.print(Text.assemble(("·", "dim"), f" {sentence}"), soft_wrap=True)
    for group in groups(results).values():
        cell = group[0].cell
        out.print(Text(f"\n{words.group(cell, names)}\n", style="bold"))
        out.print(fitted(_table(group, target), out))
        for sentence in words.deaths(group, plan):
            out.print(Text.assemble(("!", "red"), f" {sentence}"), soft_wrap=True)
        out.print(f"\nTarget: {words.wanted(target)}")
        alone = model_alone(fed, plan.profiles[cell.profile], cell.threshold)
        out.print(words.alone(alone, target))
        out.print(Text("\nFewest workers", style="bold"))
        for few in fewest_workers(group, target):
            out.print(f"  {words.fewest(few, target)}", soft_wrap=True)
        out.print(Text("Fastest belt", style="bold"))
        for fast in fastest_belts(group, target):
            out.print(f"  {words.fastest(fast, target)}", soft_wrap=True)


_HEADINGS = (
    "belt\nm/s",
    "items\n/min",
    "workers\n",
    "in time\n%",
    "recovery\n%",
    "p50\nms",
    "p95\nms",
    "busy\n%",
    "",
)


def _table(group: Sequence[Result], target: Target) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for result in group:
        cell, measures = result.cell, result.measures
        table.add_row(
            f"{cell.belt_speed_m_per_s:g}",
            f"{cell.items_per_min:g}",
            str(cell.workers),
            words.interval(measures["in_time"]).removesuffix(" %"),
            words.interval(measures["recovery"]).removesuffix(" %"),
            f"{measures['latency_p50_ms'].mean:.1f}",
            f"{measures['latency_p95_ms'].mean:.1f}",
            f"{100 * measures['busy'].mean:.0f}",
            Text("✓", style="green") if target.is_met(result) else Text("✗", style="red"),
        )
    return table
