"""`python -m benchmarks.peers`: the line beside others that do the same job. See docs/speed.md.

Prints the table and writes `results/peers.json`. `make bench-peers` makes the environment of the
peers first. Wants a quiet machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.entry import run
from benchmarks.peers.contest import BASE, CONTENDERS, Contest, picture_files
from benchmarks.peers.job import Task
from benchmarks.peers.table import tables
from drill.page import Page
from line.config import ROOT
from line.errors import BadInput
from workers.model_file import find

app = typer.Typer(add_completion=False)


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="model file, or folder with one")] = ROOT / "models",
    frames: Annotated[int, typer.Option(min=10, help="frames a run")] = 1500,
    rounds: Annotated[int, typer.Option(min=1, help="of all contenders in turn")] = 10,
    rate: Annotated[float, typer.Option(min=0.1, help="frames a second, paced")] = 30.0,
    kill: Annotated[int, typer.Option(min=0, help="results before a kill; 0: none")] = 100,
    only: Annotated[list[str] | None, typer.Option(help="a contender; may be repeated")] = None,
    line_set: Annotated[
        list[str] | None, typer.Option(help="section.key=value of the line; may be repeated")
    ] = None,
    python: Annotated[Path, typer.Option(help="of the peers' environment")] = ROOT
    / ".venv-peers"
    / "bin"
    / "python",
    markdown: Annotated[Path | None, typer.Option(help="page with <!-- peers -->")] = None,
) -> None:
    """As fast as they can, paced, and with a worker killed: speed, processor time, what is lost."""
    contenders = _chosen(only)
    if not python.exists():
        raise BadInput(f"--python: {python}: no such file; make bench-peers makes it")
    if kill >= frames:
        raise BadInput(f"--kill: {kill}: there are only {frames} frames")
    page = None if markdown is None else Page(markdown, "peers")
    task = Task(str(find(model).resolve()), frames)
    console = Console()
    with picture_files(frames) as pictures:
        options = [f"--set={assignment}" for assignment in line_set or ()]
        contest = Contest(python.absolute(), pictures, options, console.print)
        outcomes = contest.run(task, contenders, rounds, rate, kill)
    out = ROOT / "results" / "peers.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(asdict(outcomes), indent=1) + "\n")
    found = tables(outcomes, frames, rate)
    for table in found:
        table.print(console)
    if page is not None:
        page.fill(found)


def _chosen(only: list[str] | None) -> list[str]:
    """In the usual order, with the one that latency is counted from."""
    for name in only or ():
        if name not in CONTENDERS:
            raise BadInput(f"--only: {name!r} is not one of {', '.join(CONTENDERS)}")
    return [name for name in CONTENDERS if not only or name in only or name == BASE]


if __name__ == "__main__":
    run(app)
