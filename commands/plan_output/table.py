"""A plan on the terminal: assumptions, the table, the answers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from planner.plan import wording as words
from planner.plan.answer import Target, fastest_belts, fewest_workers, groups, model_alone
from planner.plan.run import Plan, Result
from planner.sim.source import fed_classes


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
        out.print(_table(group, target))
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
