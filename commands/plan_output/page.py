"""`plan.html`: a plan as one self-contained page, in the style of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from commands.plan_output.chart import KEYS, MOST_LINES, chart
from line.atomic_file import write_atomically
from line.errors import BadInput
from planner.plan import wording as words
from planner.plan.answer import fastest_belts, fewest_workers, groups, model_alone
from planner.plan.run import Plan, Result
from planner.plan.target import prospect
from planner.sim.source import fed_classes
from reports import report

_STYLE = Path(report.__file__).with_name("report.css")
_MOST_GROUPS = 8
"""Drawn; the others stand in plan.csv."""


def write_page(
    path: Path,
    plan: Plan,
    results: Sequence[Result],
    names: Sequence[str],
    core_each: bool,
) -> None:
    """`names`: of the plan's profiles. Raises BadInput, naming a file that cannot be written."""
    every = list(groups(results).values())
    fed = fed_classes(plan.settings)
    content = {
        "title": plan.settings.title,
        "meta": [words.wanted(plan.target), *sorted(set(names))],
        "groups": [_group(plan, group, names, fed) for group in every[:_MOST_GROUPS]],
        "left_out": len(every) - len(every[:_MOST_GROUPS]),
        "assumptions": words.assumptions(plan, [result.cell for result in results], core_each),
        "style": _STYLE.read_text(encoding="utf-8"),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        template = report.environment(Path(__file__).parent).get_template("plan.html.j2")
        write_atomically(path, template.render(content).encode())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None


def _group(
    plan: Plan,
    group: Sequence[Result],
    names: Sequence[str],
    fed: Mapping[str, float],
) -> dict[str, object]:
    cell, target = group[0].cell, plan.target
    counts = sorted({result.cell.workers for result in group})
    drawn = _spread(counts)
    profile = plan.profiles[cell.profile]
    promised = plan.settings.decision.thresholds_of(profile.short_hash)
    alone = model_alone(fed, profile, cell.threshold, promised)
    return {
        "heading": words.group(cell, names),
        "keys": list(zip(KEYS, map(words.workers, drawn), strict=False)),
        "left_out": len(counts) - len(drawn),
        "charts": [
            (title, chart(group, drawn, name, title, target))
            for name, title in (("in_time", "In time"), ("recovery", "Recovery"))
        ],
        "alone": " ".join((words.alone(alone, target), *words.deaths(group))),
        "fewest": [words.fewest(answer, target) for answer in fewest_workers(group)],
        "fastest": [words.fastest(answer, target) for answer in fastest_belts(group)],
        "rows": [
            {
                "belt": f"{result.cell.belt_speed_m_per_s:g}",
                "items": f"{result.cell.items_per_min:g}",
                "workers": result.cell.workers,
                "in_time": words.interval(result.measures["in_time"]),
                "recovery": words.interval(result.measures["recovery"]),
                "p50": words.durations(result.measures["latency_p50_ms"]),
                "p95": words.durations(result.measures["latency_p95_ms"]),
                "capacity": f"{result.capacity.items_per_s:.0f} ± {result.capacity.half:.0f}",
                "load": f"{100 * result.load:.0f}",
                "limit": str(result.capacity.limit),
                "busy": f"{100 * result.measures['busy'].mean:.0f}",
                "prospect": str(prospect(result.chance)),
                "met": f"{round(result.chance * result.draws)} of {result.draws}",
            }
            for result in group
        ],
    }


def _spread(counts: Sequence[int]) -> list[int]:
    """At most `MOST_LINES` of them, the ends among them."""
    if len(counts) <= MOST_LINES:
        return list(counts)
    step = (len(counts) - 1) / (MOST_LINES - 1)
    return [counts[round(number * step)] for number in range(MOST_LINES)]
