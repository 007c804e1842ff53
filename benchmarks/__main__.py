"""`python -m benchmarks`: what the line costs, each figure beside what it is compared with.

Prints a table and writes `results/bench.json`. Everything is measured in one go on one machine, so
that ratios mean something; run it on a quiet one.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import durability, overload, throughput
from line.config import ROOT
from line.errors import ScraplineError
from workers.model import find

app = typer.Typer(add_completion=False)


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="model file, or folder with one")] = ROOT / "models",
    frames: Annotated[int, typer.Option(min=50, help="frames a round")] = 600,
    rounds: Annotated[int, typer.Option(min=1, help="of loop and line in turn")] = 3,
    flood_s: Annotated[float, typer.Option(min=5, help="belt time of the overload")] = 30.0,
) -> None:
    """Throughput against a bare loop; three times too many items; rows that survive power cuts."""
    console = Console()
    path = find(model)
    speed = throughput.measure(path, frames, rounds)
    flood = overload.measure(path, speed.loop_fps, flood_s)
    console.print(_throughput_table(speed))
    console.print(_overload_table(flood))
    out = ROOT / "results" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    lasting = durability.measure(path, frames, rounds, out.parent)
    console.print(_durability_table(lasting))
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    report = {"machine": machine, "throughput": speed.facts(), "overload": flood.facts()}
    report["durability"] = lasting.facts()
    out.write_text(json.dumps(report, indent=1))
    console.print(f"\n{out.relative_to(ROOT)}")


def _throughput_table(result: throughput.Throughput) -> Table:
    table = Table(title="One worker at --speed max against a bare loop", title_justify="left")
    for heading in ("round", "bare loop", "line", "line ÷ loop", "line, drawing", "÷ loop"):
        table.add_column(heading, justify="right")
    for number, r in enumerate(result.rounds, 1):
        table.add_row(
            str(number),
            f"{r.loop_fps:.1f} fps",
            f"{r.line_fps:.1f} fps",
            f"{r.line_fps / r.loop_fps:.3f}",
            f"{r.drawing_fps:.1f} fps",
            f"{r.drawing_fps / r.loop_fps:.3f}",
        )
    table.add_section()
    table.add_row("median", "", "", f"{result.ratio:.3f}", "", f"{result.drawing_ratio:.3f}")
    return table


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
    try:
        app()
    except ScraplineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit_code))
