"""The end of a run in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from line.observe.percent import NONE, percent
from reports import processor, wording
from reports.figures import FORMULAS
from reports.fitted_table import fitted
from reports.promises.figures import in_words
from reports.wording import LEGEND

_BALANCE_STYLES = {"good": "bold green", "unsure": "bold yellow", "bad": "bold white on red"}
_CLASS_KEYS = ("purity", "purity_by_mass", "recovery", "recovery_by_mass")
_BAR_CELLS = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SIDE_BY_SIDE = 100
"""Columns from which the two tables stand beside each other."""


def print_summary(summary: Mapping[str, Any], console: Console) -> None:
    """Print the figures of `summary` (see `reports.summary`) as a page of 80 columns or more.

    Names from outside, such as a class's, are printed as they are, never read as markup.
    """
    width = min(console.width, 110)
    tables = [_verdicts(summary)]
    if summary["purity"]:
        tables.append(_classes(summary))
    console.print(Rule(Text(str(summary["scenario"]), style="bold"), style="dim"), width=width)
    console.print(_balance(summary))
    console.print()
    if width >= _SIDE_BY_SIDE:
        console.print(_beside(tables), width=width)
    else:
        console.print(_below([fitted(table, console) for table in tables]), width=width)
    console.print()
    console.print(_facts(summary), width=width)
    console.print()
    console.print(_formulas(), width=width)


def _balance(summary: Mapping[str, Any]) -> Text:
    style = _BALANCE_STYLES[wording.balance_state(summary)]
    return Text(wording.balance(summary), style=style)


def _verdicts(summary: Mapping[str, Any]) -> Table:
    table = _table()
    table.add_column("verdict", no_wrap=True)
    table.add_column("items", justify="right")
    table.add_column("share", justify="right")
    table.add_column("", width=_BAR_CELLS)
    total = max(1, summary["items"]["logged"])
    for entry in LEGEND:
        items = summary["verdicts"][entry.verdict]
        table.add_row(
            entry.verdict,
            str(items),
            percent(items / total),
            Text(_bar(items / total), style=entry.terminal_colour),
            style="" if items else "dim",
        )
    return table


def _classes(summary: Mapping[str, Any]) -> Table:
    table = _table()
    table.add_column("class", overflow="ellipsis", no_wrap=True, max_width=14)
    for heading in ("purity", "by mass", "recovery", "by mass"):
        table.add_column(heading, justify="right")
    for name in summary["purity"]:
        shares = (summary[key][name] for key in _CLASS_KEYS)
        table.add_row(Text(name), *(percent(share) for share in shares))
    return table


def _facts(summary: Mapping[str, Any]) -> Table:
    per_s = wording.number(summary["throughput_fps"])
    per_min = wording.number(summary["throughput_items_per_min"])
    tonnes = wording.number(summary["throughput_t_per_h"])
    alerts = f"{wording.count(summary['alarms'], 'alarm')} · "
    alerts += wording.count(summary["events"], "event")
    wall = wording.number(summary["wall_s"], "s")
    faults = {"faults": wording.faults(summary)} if summary["faults"] else {}
    models = {"models": wording.models(summary)} if len(summary["models"]) > 1 else {}
    shadow = {"shadow": wording.shadow_models(summary)} if summary["shadow"] else {}
    promises = "\n".join(map(in_words, summary["promises"]))
    promised = {"promised": promises} if promises else {}
    drifts = "\n".join(map(wording.drift, summary["drift"]))
    drifted = {"drift": drifts} if drifts else {}
    failed = {"failed": wording.failures(summary)} if summary["verdicts"]["failed"] else {}
    spent, machine = summary["processor"], summary["machine"]
    bill = {"processor": processor.in_words(spent)} if spent else {}
    limits = {"the limit": "\n".join(machine["limits"])} if machine and machine["limits"] else {}
    orders = f" · {wording.count(summary['orders'], 'order')} given" if summary["orders"] else ""
    resumed = f" · resumed {summary['sessions'] - 1} ×" if summary["sessions"] > 1 else ""
    return _labelled(
        {
            "accuracy": f"{percent(summary['accuracy'])} of the classified items",
            "in time": _in_time(summary),
            **promised,
            **drifted,
            "not recovered": wording.loss(summary),
            "latency": wording.latency(summary),
            "throughput": f"{per_s} answers/s · {per_min} items/min by the wall clock · "
            f"{tonnes} t/h by the belt's",
            "incidents": f"{alerts} · restarts: {wording.restarts(summary)} · "
            f"{summary['review_queue']} for review",
            **failed,
            **faults,
            **models,
            **shadow,
            **bill,
            **limits,
            "clock": wording.clock(summary).removeprefix("clock "),
            "run": f"{wording.ending(summary['ended'])} · {wall} wall · "
            f"{summary['workers']} workers · seed {summary['seed']}{resumed}{orders}",
        }
    )


def _in_time(summary: Mapping[str, Any]) -> str:
    if summary["in_time_rate"] is None and summary["speed"] == "max":
        return f"{NONE} (no deadline)"
    share = percent(summary["in_time_rate"])
    return f"{share} of the items fed; {wording.deadline(summary)}"


def _formulas() -> Table:
    return _labelled({name: f"= {formula}" for name, formula in FORMULAS.items()}, "dim")


def _labelled(lines: Mapping[str, str], style: str = "") -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=len("not recovered"))
    grid.add_column()
    for label, text in lines.items():
        grid.add_row(label, Text(text, style=style))
    return grid


def _bar(share: float) -> str:
    """A bar of block characters, an eighth of a cell fine; anything above 0 shows."""
    eighths = max(round(share * _BAR_CELLS * 8), 1 if share else 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)


def _beside(tables: list[Table]) -> Table:
    grid = Table.grid(padding=(0, 4))
    grid.add_row(*tables)
    return grid


def _below(tables: list[Table]) -> Group:
    first, *rest = tables
    return Group(first, *(Padding(table, (1, 0, 0, 0)) for table in rest))
