"""`python -m benchmarks`: what the line costs, each figure beside what it is compared with.

Prints a table and writes `results/bench.json`. Everything is measured in one go on one machine, so
that ratios mean something; run it on a quiet one.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import durability, kills, overload, swap, throughput
from benchmarks.entry import run
from drill.page import Page
from drill.page import Table as PlainTable
from line.config import ROOT
from line.errors import BadInput
from line.process.priority import usable_cores
from workers.model_file import find

app = typer.Typer(add_completion=False)

Part = tuple[Sequence[Table | PlainTable], dict[str, object]]


@dataclass(frozen=True)
class _Bench:
    """Each part gives what to print and what to write down."""

    model: Path
    frames: int
    rounds: int
    flood_s: float
    folder: Path

    @cached_property
    def _one_worker(self) -> throughput.Throughput:
        return throughput.measure(self.model, self.frames, self.rounds, workers=1)

    def throughput(self) -> Part:
        found = [self._one_worker]
        if (cores := usable_cores()) > 1:
            found.append(throughput.measure(self.model, self.frames, self.rounds, workers=cores))
        facts: dict[str, object] = {f"workers_{each.workers}": each.facts() for each in found}
        return [table for each in found for table in throughput.tables(each)], facts

    def overload(self) -> Part:
        flood = overload.measure(self.model, self._one_worker.loop_fps, self.flood_s)
        return [_overload_table(flood)], flood.facts()

    def durability(self) -> Part:
        lasting = durability.measure(self.model, self.frames, self.rounds, self.folder)
        return [_durability_table(lasting)], lasting.facts()

    def kills(self) -> Part:
        killed = kills.measure(self.model, self.frames, self.rounds)
        return [kills.table(killed)], killed.facts()

    def swap(self) -> Part:
        swaps = swap.measure(self.model, self.rounds)
        return [swap.table(swaps)], swaps.facts()


_PARTS = ("throughput", "overload", "durability", "kills", "swap")


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="model file, or folder with one")] = ROOT / "models",
    frames: Annotated[int, typer.Option(min=50, help="frames a round")] = 600,
    rounds: Annotated[int, typer.Option(min=1, help="of loop and line in turn")] = 3,
    flood_s: Annotated[float, typer.Option(min=5, help="belt time of the overload")] = 30.0,
    only: Annotated[str | None, typer.Option(help=f"one of {', '.join(_PARTS)}")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="page with <!-- kills -->, to fill in; with --only kills")
    ] = None,
) -> None:
    """Throughput against a bare loop; too many items; lasting rows; kills; swaps."""
    if only is not None and only not in _PARTS:
        raise BadInput(f"--only: {only!r} is not one of {', '.join(_PARTS)}")
    if markdown is not None and only != "kills":
        raise BadInput("--markdown: needs --only kills")
    page = None if markdown is None else Page(markdown, "kills")
    console = Console()
    out = ROOT / "results" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    bench = _Bench(find(model), frames, rounds, flood_s, out.parent)
    machine = {"cores": usable_cores(), "python": platform.python_version()}
    report: dict[str, object] = {"machine": machine}
    for name in _PARTS if only is None else (only,):
        tables, report[name] = getattr(bench, name)()
        for table in tables:
            if isinstance(table, PlainTable):
                table.print(console)
            else:
                console.print(table)
        if page is not None:
            page.fill(tables)
    kept = json.loads(out.read_text()) if only is not None and out.exists() else {}
    out.write_text(json.dumps(kept | report, indent=1) + "\n")
    console.print(f"\n{out.relative_to(ROOT)}")


def _overload_table(result: overload.Overload) -> Table:
    table = Table(title="Paced clock, one worker", title_justify="left")
    for heading in ("", "unloaded", "three times too many"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, calm, flood in result.lines():
        table.add_row(name, calm, flood)
    return table


def _durability_table(result: durability.Durability) -> Table:
    table = Table(title="results.durability, items a second", title_justify="left")
    for heading in ("round", "line", "line, power", "÷", "CSV log", "CSV log, power", "÷"):
        table.add_column(heading, justify="right")
    for number, r in enumerate(result.rounds, 1):
        pairs = (r.line, r.log)
        cells = [(f"{a:.1f}", f"{b:.1f}", f"{b / a:.3f}") for a, b in pairs]
        table.add_row(str(number), *cells[0], *cells[1])
    table.add_section()
    median_ratios = (f"{result.line_ratio:.3f}", f"{result.log_ratio:.3f}")
    table.add_row("median", "", "", median_ratios[0], "", "", median_ratios[1])
    return table


if __name__ == "__main__":
    run(app)
