"""`run_line.py explain`: where a run's recovery was lost, and where one item's time went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from line.errors import BadInput
from line.observe.percent import percent
from line.outcome import Verdict
from line.run_files.results import FILE as RESULTS
from reports import wording
from reports.fitted_table import fitted
from reports.folder import FinishedRun, RunFiles
from reports.results import ResultsFile
from reports.stages import MEANINGS, Course, Row, course
from reports.summary import summary_of
from reports.wording import LEGEND

_WORST = 8
_BAR_CELLS = 40
_WIDE = 132
"""Columns from which there is room for all that can be said."""
_COLOURS = {entry.verdict: entry.terminal_colour for entry in LEGEND}
_STAGE_COLOURS = dict(
    zip(MEANINGS, ("#009e73", "#e6a700", "#f0d98a", "#2b8fd6", "#9a6fb0"), strict=True)
)


def explain_run(run: FinishedRun, console: Console) -> None:
    """Print what recovery was lost to, and the items that went worst."""
    summary = summary_of(run)
    console.print(Rule(Text(str(summary["scenario"]), style="bold"), style="dim"))
    if summary["loss"] is None:
        console.print("what was lost is unknown: the items carry no true class")
    else:
        console.print(fitted(_losses(summary["loss"]["all"]), console))
        console.print()
        by_class = _by_class(summary["loss"]["classes"], with_value=console.width >= _WIDE)
        console.print(fitted(by_class, console))
    for title, table in _worst(run):
        console.print(Text(f"\n{title}", style="bold"))
        console.print(fitted(table, console))


def explain_item(run: RunFiles, frame_id: str, console: Console) -> None:
    """Print what an item was and became, and its way through the line as a bar.

    Raises:
        BadInput: the run has no such item.
    """
    found = ResultsFile(run.path / RESULTS).row(frame_id)
    if found.empty:
        raise BadInput(f"{run.path}: has no item {frame_id!r} in results.csv")
    row = found.iloc[0].to_dict()
    console.print(_headline(row))
    for line in _facts(row):
        console.print(Text(line, style="dim"))
    way = course(row, run.deadline_of(row["camera"], row["scheduled_s"]))
    if way.stages:
        console.print()
        console.print(_bars(way, with_words=console.width >= _WIDE))
    console.print(Text(_end(way), style="bold"))


def _losses(loss: Mapping[str, Any]) -> Table:
    table = _table("", "items", "of items", "of mass", "t/h", "value/h")
    for name in ("fed", *loss["causes"], "recovered"):
        amount = loss["causes"].get(name) or loss[name]
        shares = (
            percent(amount[unit] / loss["fed"][unit] if loss["fed"][unit] else None)
            for unit in ("items", "mass_g")
        )
        rates = (wording.number(amount[unit]) for unit in ("t_per_h", "value_per_h"))
        style = "bold" if name in loss else "" if amount["items"] else "dim"
        sign = "−" if name in loss["causes"] and amount["items"] else ""
        table.add_row(name, f"{sign}{amount['items']}", *shares, *rates, style=style)
    return table


def _by_class(classes: Mapping[str, Any], *, with_value: bool) -> Table:
    causes = list(next(iter(classes.values()))["causes"])
    headings = (cause.replace("_", " ") for cause in causes)
    table = _table("class", "fed", "recovered", *headings, *(["value/h"] if with_value else []))
    table.padding = (0, 1, 0, 0)
    for column in table.columns:
        column.no_wrap = False
    for name, one in classes.items():
        fed = one["fed"]["items"]
        share = percent(one["recovered"]["items"] / fed if fed else None)
        counts = (str(one["causes"][cause]["items"]) for cause in causes)
        value = [wording.number(one["not_recovered"]["value_per_h"])] if with_value else []
        table.add_row(Text(name), str(fed), share, *counts, *value)
    return table


def _worst(run: FinishedRun) -> Iterator[tuple[str, Table]]:
    slow = run.tally.slowest.courses(run.deadline_ms)[:_WORST]
    if slow:
        yield "Slowest items", _slow(slow)
    if run.tally.mistakes:
        yield "Surest mistakes", _mistakes(run.tally.mistakes)
    reasons = run.tally.reasons.most_frequent()
    if reasons:
        table = _table("verdict", "items", "reason")
        table.columns[2].justify, table.columns[2].overflow = "left", "fold"
        for reason in reasons:
            table.add_row(_verdict(reason.verdict), str(reason.items), Text(reason.text))
        yield "Reasons", table


def _slow(courses: list[Course]) -> Table:
    table = _table("item", "verdict", "decided", "deadline", "most of it")
    table.columns[1].justify = table.columns[4].justify = "left"
    for one in courses:
        longest = one.longest
        table.add_row(
            Text(one.frame_id),
            _verdict(one.verdict),
            wording.number(one.decided_ms, "ms"),
            wording.number(one.deadline_ms, "ms"),
            ""
            if longest is None
            else f"{longest.name} {wording.number(longest.duration_ms, 'ms')}",
        )
    return table


def _mistakes(wrong: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("item", "verdict", "confidence", "is", "was taken for")
    for column in (1, 3, 4):
        table.columns[column].justify = "left"
    for row in wrong:
        table.add_row(
            Text(row["frame_id"]),
            _verdict(row["verdict"]),
            percent(row["confidence"]),
            Text(str(row["true_class"])),
            Text(str(row["predicted_class"])),
        )
    return table


def _headline(row: Row) -> Text:
    truth: str = "of unknown class" if pd.isna(row["true_class"]) else str(row["true_class"])
    text = Text(f"{row['frame_id']}  {truth}", style="bold")
    if not pd.isna(row["predicted_class"]):
        sure = percent(row["confidence"])
        text.append(f" · taken for {row['predicted_class']} ({sure})")
    return text.append(" · ").append_text(_verdict(row["verdict"]))


def _facts(row: Row) -> Iterator[str]:
    if row["reason"]:
        yield str(row["reason"])
    if row["top3"]:
        yield str(row["top3"]).replace("|", "  ").replace(":", " ")
    parts = [f"photo-eye at {row['scheduled_s']:.3f} s of belt", f"{row['mass_g']:g} g"]
    if row["worker"]:
        parts += [str(row["worker"]), f"model {row['model']}"]
    if not pd.isna(row["energy"]):
        parts.append(f"energy {row['energy']:g}")
    if row["attempts"] != 1:
        given = wording.count(row["attempts"], "worker") if row["attempts"] else "no worker"
        parts.append(f"given to {given}")
    yield " · ".join(parts)


def _bars(way: Course, *, with_words: bool) -> Table:
    table = _table("", "", "from", "to", "took", "")
    table.columns[1].justify = table.columns[5].justify = "left"
    scale = _BAR_CELLS / way.end_ms
    for stage in way.stages:
        start = int(scale * stage.start_ms)
        length = max(1, round(scale * stage.end_ms) - start)
        bar = Text(" " * start + "█" * length, style=_STAGE_COLOURS[stage.name], no_wrap=True)
        times = (f"{ms:.1f}" for ms in (stage.start_ms, stage.end_ms))
        took = f"{stage.duration_ms:.1f} ms"
        words = Text(MEANINGS[stage.name] if with_words else "", style="dim")
        table.add_row(stage.name, bar, *times, took, words)
    if way.deadline_ms is not None and way.deadline_ms < way.end_ms:
        mark = Text(" " * int(scale * way.deadline_ms) + "▲", style="bold")
        table.add_row("deadline", mark, "", f"{way.deadline_ms:.1f}", "", "")
    return table


def _end(way: Course) -> str:
    deadline = f"the deadline at {wording.number(way.deadline_ms, 'ms')}"
    if way.decided_ms is None:
        return "no decision" if way.deadline_ms is None else f"no decision; {deadline}"
    decided = f"decided at {wording.number(way.decided_ms, 'ms')}"
    if way.deadline_ms is None:
        return f"{decided}; there was no deadline"
    left_ms = way.deadline_ms - way.decided_ms
    side = "before" if left_ms >= 0 else "after"
    return f"{decided}, {wording.number(abs(left_ms), 'ms')} {side} {deadline}"


def _verdict(verdict: str) -> Text:
    return Text(verdict, style=_COLOURS.get(Verdict(verdict), "") if verdict else "")


def _table(*headings: str) -> Table:
    """The first column to the left, the others to the right."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    return table
