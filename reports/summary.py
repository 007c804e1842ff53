"""`summary.json`: the whole run in one small object."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from line.outcome import IN_TIME, Verdict
from line.section import DEFAULT_ENGINE
from reports.attribution import as_json, total
from reports.cross_table import CrossTable
from reports.distribution import quantiles
from reports.figures import accuracy, class_figures, ratio
from reports.folder import FinishedRun, read_run, replace_text
from reports.processor import processor_figures
from reports.promises.figures import promise_figures
from reports.tally import Tally

Summary = dict[str, Any]
"""JSON values under the keys that `summary_of` lists; null where a figure does not apply."""

_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}
_DIGITS = 6


def summarise(run_dir: Path) -> Summary:
    """The summary of the run in `run_dir`. Raises `BadInput` if that is not a run folder."""
    return summary_of(read_run(run_dir))


def write_summary(run_dir: Path, run: FinishedRun | None = None) -> Summary:
    """Summarise the run in `run_dir` into its `summary.json`, and return what was written.

    `run`: the folder's content, where it has been read already.
    """
    summary = summary_of(run or read_run(run_dir))
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    replace_text(run_dir / "summary.json", text + "\n")
    return summary


def summary_of(run: FinishedRun) -> Summary:
    """The figures of `run`. Rates are in 0..1; a frame_id counts once, with its first row.

    - `items`: lost = fed - logged; logged = distinct frame_ids; duplicates = rows - logged
    - `reasons`: why items were dropped, expired or failed, or that they were unlike what the model
      was made of; the most frequent first
    - `throughput_fps`, `throughput_items_per_min`: answers ÷ wall time
    - `throughput_t_per_h`: mass of the logged items ÷ `belt_s`, whatever the clock's speed
    - `alarms`: raised; `events`: all other lines of alerts.jsonl
    - `latency_ms`: of answered items, scheduled trigger to decision, wall clock; exact of up to
      two million answers in time, and late; then within a thousandth
    - `deadline_ms`: 1000 · settings.deadline_s ÷ speed, wall clock; null at speed max
    - `deadlines_ms`: the shortest and the longest that an answered item had, after all orders and
      drifts; null where none had one
    - `belt_s`: belt time fed, from belt second 0 to the last trigger; null without rows
    - `in_time_rate`: items answered before their deadline ÷ fed; null at speed max
    - `accuracy`, `purity`, `recovery`, `contamination`: see `reports.figures`
    - `promises`: of bins, what was promised and what labels say, see `reports.promises.figures`
    - `drift`: what was noticed not to be as it was, and the item at which it was `over`, or null
    - `loss`: lost recovery by cause, see `reports.attribution`; null where no class is known
    - `effective_belt_speed_m_per_s`: belt speed · clock multiplier; null at speed max
    - `belt_speeds_m_per_s`: the same, the slowest and the fastest after all orders and drifts
    - `models`: all that were to serve, with their answers; `shadow`: see `reports.shadow`
    - `pictures`: of items at a photo-eye, made `ahead` or `live`, and `processor_ms` spent on those
      made ahead; null if the run was cut off
    - `processor`: processor time by process and part, see `reports.processor`
    - `machine`: what of the cores the line used and what others, and in words where the machine
      was the limit, see `line.observe.machine`; null where that is not known
    - `wall_s`, `ended`, …: from run.json; null if the run was cut off, whose orders, restarts,
      faults and models are those that its session kept
    """
    tally, facts = run.tally, run.facts
    verdicts = verdict_counts(tally.table)
    in_time = sum(verdicts[verdict] for verdict in IN_TIME)
    return {
        "scenario": run.settings.title,
        "ended": facts.ended,
        "items": {
            "fed": run.fed,
            "logged": tally.items,
            "lost": run.fed - tally.items,
            "duplicates": tally.duplicates,
        },
        "verdicts": verdicts,
        "reasons": [
            {"verdict": reason.verdict, "reason": reason.text, "items": reason.items}
            for reason in tally.reasons.most_frequent()
        ],
        "in_time_rate": None if run.speed == "max" else _rounded(ratio(in_time, run.fed)),
        "accuracy": _rounded(accuracy(tally.table)),
        "low_confidence": tally.low_confidence,
        **_per_class(run),
        "promises": promise_figures(
            run.settings.decision, run.observed, has_drifted=run.alerts.has_drifted
        ),
        "drift": [asdict(drift) for drift in run.alerts.drifts],
        "loss": _loss(run),
        "latency_ms": _latency_ms(tally),
        "deadline_ms": _rounded(run.deadline_ms),
        "deadlines_ms": _pair(tally.deadlines_ms),
        **_throughput(run),
        "alarms": run.alerts.raised,
        "events": run.alerts.events,
        "review_queue": run.queue.count,
        "restarts": dict(facts.restarts),
        "sessions": facts.sessions,
        "faults": facts.faults,
        "orders": facts.orders,
        "workers": run.settings.line.workers if facts.workers is None else facts.workers,
        **_clock(run),
        "trigger_jitter_ms": facts.trigger_jitter_ms,
        "pictures": facts.pictures,
        "processor": processor_figures(facts.processor),
        "machine": None if facts.machine is None else facts.machine.model_dump(),
        "model": {
            "path": facts.model.path or run.settings.model.path,
            "sha256": facts.model.sha256 or None,
            "engine": facts.model.engine,
            "engine_reason": facts.model.engine_reason,
        },
        "models": _models(run),
        "shadow": run.comparisons,
        "seed": run.settings.line.seed,
    }


def _models(run: FinishedRun) -> list[Summary]:
    """Each that was to serve, and its answers; a standby only if it has served."""
    models = run.facts.models or (run.facts.model,)
    rows = run.tally.models
    others = {m.sha256 for m in models if m.engine != DEFAULT_ENGINE}
    return [
        {
            "path": m.path or run.settings.model.path,
            "sha256": m.sha256 or None,
            "engine": m.engine,
            "rows": rows[m.short_hash],
        }
        for m in models
        if rows[m.short_hash] or m.engine != DEFAULT_ENGINE or m.sha256 not in others
    ]


def verdict_counts(table: CrossTable) -> dict[str, int]:
    """Items of every verdict."""
    counts = dict.fromkeys((verdict.value for verdict in Verdict), 0)
    for key, amount in table:
        counts[key.verdict.value] += amount.items
    return counts


def _per_class(run: FinishedRun) -> Summary:
    figures = class_figures(run.tally.table, run.classes, run.settings.belt.residue_class)
    names = ("purity", "recovery", "purity_by_mass", "recovery_by_mass", "contamination")
    return {
        name: {label: _rounded(getattr(each, name)) for label, each in figures.items()}
        for name in names
    }


def _loss(run: FinishedRun) -> Summary | None:
    found = run.attributions()
    if not total(found.values()).fed.items:
        return None
    belt_s = run.belt_s
    return {
        "all": as_json(total(found.values()), belt_s),
        "classes": {name: as_json(one, belt_s) for name, one in found.items()},
    }


def _latency_ms(tally: Tally) -> dict[str, float] | None:
    if not tally.answers:
        return None
    values = quantiles([tally.in_time, tally.late], list(_PERCENTILES.values()))
    return {name: round(value, 3) for name, value in zip(_PERCENTILES, values, strict=True)}


def _throughput(run: FinishedRun) -> Summary:
    answers = run.tally.answers
    tonnes = run.tally.table.sum().mass_g / 1e6
    return {
        "throughput_fps": _rounded(ratio(answers, run.facts.wall_s or 0)),
        "throughput_items_per_min": _rounded(ratio(60 * answers, run.facts.wall_s or 0)),
        "throughput_t_per_h": _rounded(ratio(3600 * tonnes, run.belt_s or 0)),
    }


def _clock(run: FinishedRun) -> Summary:
    speed = run.speed
    belt_m_per_s = run.settings.belt.speed_m_per_s
    return {
        "clock": run.facts.clock,
        "speed": speed,
        "effective_belt_speed_m_per_s": (
            None if isinstance(speed, str) else _rounded(belt_m_per_s * speed)
        ),
        "belt_speeds_m_per_s": _pair(run.belt_speeds_m_per_s),
        "wall_s": run.facts.wall_s,
        "belt_s": _rounded(run.belt_s),
    }


def _pair(values: tuple[float, float] | None) -> list[float] | None:
    return None if values is None else [round(value, _DIGITS) for value in values]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
