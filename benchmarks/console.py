"""`python -m benchmarks.console`: what the console costs the line, and how well it keeps up.

The same paced load without a console, and with one and three open pages, in turns; then a run of
`--minutes` with the pages open: how often they are told what is new, how old that is when it is
painted, the console's memory; at its end the console is killed, again and again. The browser runs
on the same machine, and what it takes is taken from the line as well.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import typer
from playwright.sync_api import Browser
from rich.console import Console

from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.loaded_line import Load, LoadedLine, Usage
from benchmarks.pages.figures import PAGES, Round, Watch, facts, turns_table, watch_table
from benchmarks.pages.open_pages import OpenPages, chromium
from benchmarks.throughput import write_frames
from drill.page import Page
from line.config import ROOT
from line.process.priority import usable_cores
from workers.model_file import find

_WORKERS = 2
_PICTURES = 200
_CAPACITY_ITEMS = 600
_LOOK_S = 2.0

app = typer.Typer(add_completion=False)


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="model file, or folder with one")] = ROOT / "models",
    rounds: Annotated[int, typer.Option(min=1, help="without and with, in turn")] = 3,
    turn_s: Annotated[float, typer.Option(min=10, help="length of a turn, s")] = 20.0,
    minutes: Annotated[float, typer.Option(min=0.25, help="with the pages open")] = 3.0,
    kills: Annotated[int, typer.Option(min=1, help="of the console")] = 3,
    load: Annotated[float, typer.Option(min=0.05, max=1, help="share of what it can do")] = 0.65,
    markdown: Annotated[
        Path | None, typer.Option(help="page with <!-- console -->, to fill in")
    ] = None,
) -> None:
    """What the console costs: the line beside it, its pages' pace and age, memory, kills."""
    page = None if markdown is None else Page(markdown, "console")
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        fed = _load(folder, find(model), load)
        busy = os.getloadavg()[0]
        turns = [_round(folder / f"{number}", fed, turn_s, browser) for number in range(rounds)]
        watch = _watch(folder / "long", fed, 60 * minutes, kills, browser)
    tables = [turns_table(turns, fed, busy), watch_table(watch, minutes)]
    for table in tables:
        table.print(console)
    if page is not None:
        page.fill(tables)
    _write(facts(turns, watch, fed, busy), console)


def _load(folder: Path, model: Path, share: float) -> Load:
    """So many items a second that the workers are busy for this share of the time."""
    pictures = folder / "pictures"
    pictures.mkdir()
    write_frames(pictures, _PICTURES)
    fastest = Load(model, pictures, _WORKERS, items_per_s=1.0)
    options = [*fastest.options, "--speed=max", f"--items={_CAPACITY_ITEMS}", "--console=off"]
    summary, _ = run_line(folder / "capacity", options)
    return Load(model, pictures, _WORKERS, share * summary["throughput_fps"])


def _round(folder: Path, load: Load, turn_s: float, browser: Browser) -> Round:
    with LoadedLine(folder / "without", load, console=False) as line:
        line.wait_until_under_way()
        without = line.count_for(turn_s)
    with LoadedLine(folder / "beside", load, console=True) as line:
        line.wait_for_console()
        with OpenPages(browser, line.address, PAGES):
            beside = line.count_for(turn_s)
    return Round(without, beside)


def _watch(run_dir: Path, load: Load, lasts_s: float, kills: int, browser: Browser) -> Watch:
    watch = Watch()
    with LoadedLine(run_dir, load, console=True) as line:
        line.wait_for_console()
        with OpenPages(browser, line.address, PAGES) as pages:
            _look_on(line, pages, lasts_s, watch)
            for _ in range(kills):
                _kill(line, pages, watch)
        line.drain()
        items = line.finish()["items"]
    watch.lost, watch.duplicates = items["lost"], items["duplicates"]
    return watch


def _look_on(line: LoadedLine, pages: OpenPages, lasts_s: float, watch: Watch) -> None:
    pid = line.pid("console")
    assert pid is not None
    began, before = monotonic(), Usage.of(pid)
    while (passed_s := monotonic() - began) < lasts_s:
        sleep(min(_LOOK_S, lasts_s - passed_s))
        pages.listen()
        watch.memory_mb.append(Usage.of(pid).resident_mb)
    processor_s = Usage.of(pid).processor_s - before.processor_s
    watch.processor_share = processor_s / (monotonic() - began)
    watch.per_s, watch.longest_gap_s = pages.slowest_per_s, pages.longest_gap_s
    watch.age_ms, watch.false_alarms = pages.age_ms(), pages.false_alarms


def _kill(line: LoadedLine, pages: OpenPages, watch: Watch) -> None:
    pid = line.pid("console")
    assert pid is not None
    began = monotonic()
    os.kill(pid, signal.SIGKILL)
    line.wait_for_console()
    watch.answers_after_s.append(monotonic() - began)
    pages.wait_until_told()
    watch.pages_after_s.append(monotonic() - began)


def _write(figures: dict[str, object], console: Console) -> None:
    out = ROOT / "results" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    kept = json.loads(out.read_text()) if out.exists() else {}
    machine = {"cores": usable_cores(), "python": platform.python_version()}
    out.write_text(json.dumps(kept | {"machine": machine, "console": figures}, indent=1) + "\n")
    console.print(out.relative_to(ROOT))


if __name__ == "__main__":
    run(app)
