"""A shadow model beside the model that decided, in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from line.observe.percent import NONE, percent
from reports import wording
from reports.shadow import Comparison

_MOST_CHANGES = 12


def print_comparison(found: Comparison, console: Console) -> None:
    """Print what `reports.shadow` has found about one shadow model."""
    console.print(
        f"shadow model {found['model']} beside {', '.join(found['served'])}: "
        f"{wording.count(found['items'], 'item')}, "
        f"the same class for {percent(found['agreement'])}\n",
        soft_wrap=True,
    )
    console.print(_figures(found))
    if found["known"]:
        console.print(
            f"\nof {wording.count(found['known'], 'item')} with a known class the shadow alone "
            f"was right about {found['mended']}, the other alone about {found['spoiled']}",
            soft_wrap=True,
        )
    if found["changes"]:
        console.print()
        console.print(_changes(found))


def _figures(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("")
    for heading in ("accuracy", "inference p50", "p95"):
        table.add_column(heading, justify="right")
    for each, what in (("served", "decided"), ("shadow", "shadow")):
        latency = found["latency_ms"][each]
        accuracy = percent(found["accuracy"][each])
        table.add_row(what, accuracy, *(_ms(latency[p]) for p in ("p50", "p95")))
    return table


def _ms(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f} ms"


def _changes(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    for heading in ("is", "decided", "shadow"):
        table.add_column(heading)
    table.add_column("items", justify="right")
    table.add_column("")
    for change in found["changes"][:_MOST_CHANGES]:
        truth = change["true_class"]
        effect = {change["shadow"]: "mended", change["served"]: "spoiled"}.get(truth, "")
        cells = (Text(name or "–") for name in (truth, change["served"], change["shadow"]))
        style = {"mended": "green", "spoiled": "red"}.get(effect, "dim")
        table.add_row(*cells, str(change["items"]), Text(effect, style=style))
    left_out = len(found["changes"]) - _MOST_CHANGES
    if left_out > 0:
        table.add_row(Text(f"and {left_out} kinds more", style="dim"))
    return table
