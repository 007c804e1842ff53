"""`report.html`: a run as one self-contained page.

The page asks for nothing from anywhere: its style, charts and pictures are inside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from line.observe.percent import NONE, percent
from line.plain_text import plain
from line.promise.promise_state import WORDS
from line.settings import Settings
from reports import processor, wording
from reports.charts import tables, verdict_charts
from reports.charts.stage_chart import stage_chart
from reports.charts.thumbnails import least_sure
from reports.charts.waterfall import waterfall
from reports.figures import FORMULAS, class_figures
from reports.folder import FinishedRun, read_run, replace_text
from reports.stages import MEANINGS
from reports.summary import summary_of
from reports.wording import LEGEND

_LONGEST = 10_000
"""Characters of a text in a page: settings may be long, what is damaged must not be endless."""
_CLOCK_DIGITS = slice(11, 19)


def write_report(run_dir: Path, run: FinishedRun | None = None) -> Path:
    """Write `run_dir/report.html` and return its path.

    `run`: the folder's content, where it has been read already.

    Raises:
        BadInput: `run_dir` is not a run folder, or one of its files is not what it should be.
    """
    content = _content(run or read_run(run_dir))
    path = run_dir / "report.html"
    replace_text(path, environment().get_template("report.html.j2").render(content))
    return path


def environment(folder: Path = Path(__file__).parent) -> Environment:
    """Where pages find the templates of `folder`, and the words for figures.

    Texts from outside are escaped, and made plain: no page is written by a class's name.
    """
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,  # class names, reasons and file names come from outside
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(wording=wording, absent=NONE)
    made.filters.update(percent=percent, number=wording.number, count=wording.count)
    return made


def _printable(value: object) -> object:
    """Texts as they may stand in a page; markup is ours."""
    return plain(value, _LONGEST) if type(value) is str else value


def _content(run: FinishedRun) -> dict[str, Any]:
    """What the template shows, by the names it uses."""
    tally, classes = run.tally, run.classes
    summary = summary_of(run)
    return {
        "summary": summary,
        "folder": run.path.resolve().name,
        # A report is passed on; where the model lies on this machine is nobody else's concern.
        "model_name": Path(summary["model"]["path"] or "").name,
        "legend": LEGEND,
        "formulas": FORMULAS,
        "charts": _charts(run, summary["verdicts"]),
        "classes": classes,
        "residue_class": run.settings.belt.residue_class,
        "class_figures": class_figures(tally.table, classes, run.settings.belt.residue_class),
        "has_truth": any(key.true_class is not None for key, _ in tally.table),
        "falls": waterfall(summary["loss"]["all"]) if summary["loss"] else None,
        "promise_states": WORDS,
        "drift_items": run.settings.drift.false_alarm_items,
        "stage_meanings": MEANINGS,
        "confusion": tables.confusion(tally.table, classes),
        "loads": tally.loads.of_run(run.facts.wall_s),
        "reasons": tally.reasons.most_frequent(),
        "bill": list(processor.rows(summary["processor"])) if summary["processor"] else [],
        "bill_headings": processor.HEADINGS,
        "least_sure": least_sure(tally.least_sure, run.queue.first),
        "alarms": [_alert(alert) for alert in reversed(run.alerts.alarms)],
        "events": [_alert(alert) for alert in reversed(run.alerts.last_events)],
        "event_kinds": run.alerts.kinds,
        "settings": list(_sections(run.settings)),
    }


def _charts(run: FinishedRun, verdicts: Mapping[str, int]) -> dict[str, Any]:
    """The charts that the run has data for."""
    tally = run.tally
    drawn: dict[str, Any] = {}
    if tally.items:
        drawn["verdicts"] = verdict_charts.verdict_bar(verdicts)
        drawn["timeline"] = verdict_charts.timeline_chart(tally.timeline, run.settings.events)
        drawn["timeline_step_s"] = tally.timeline.step_s
        drawn["has_faults"] = bool(run.settings.events)
    if tally.answers:
        drawn["latency"] = verdict_charts.latency_histogram(
            tally.in_time, tally.late, run.deadline_to_draw_ms
        )
        courses = [way for way in tally.slowest.courses(run.deadline_ms) if way.end_ms > 0]
        if courses:
            drawn["courses"] = stage_chart(courses)
    return drawn


def _alert(alert: Mapping[str, Any]) -> dict[str, str]:
    """An alert's texts; its time of day where `at` is an ISO time."""
    at = str(alert.get("at", ""))
    try:
        at = datetime.fromisoformat(at).isoformat()[_CLOCK_DIGITS]
    except ValueError:
        at = at[:24]
    texts = {key: str(alert.get(key) or "") for key in ("kind", "level", "text", "source")}
    return {**texts, "at": at}


def _sections(settings: Settings) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The settings as tables of key and value, the values in JSON."""
    values = settings.model_dump(mode="json")
    named = {name: value for name, value in values.items() if isinstance(value, dict)}
    loose = {name: value for name, value in values.items() if name not in named}
    for section, table in {"run": loose, **named}.items():
        yield section, [(key, _compact(value)) for key, value in table.items()]


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
