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
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Annotated

import typer
from playwright.sync_api import Browser
from rich.console import Console

from benchmarks.line_run import run_line
from benchmarks.loaded_line import Load, LoadedLine, Usage
from benchmarks.open_pages import OpenPages, chromium
from benchmarks.throughput import write_frames
from drill.page import Page
from drill.tables import Table
from line.config import ROOT
from line.errors import ScraplineError
from workers.model import find

PAGES = 3
_WORKERS = 2
_PICTURES = 200
_CAPACITY_ITEMS = 600
_LOOK_S = 2.0
_TAIL_S = 120.0
"""Fed on behind the minutes, for the kills."""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Turn:
    """One run. Items decided a second, and the share of all items that was decided in time."""

    per_s: float
    in_time: float
    p95_ms: float


@dataclass(frozen=True)
class Round:
    """Measured one after the other."""

    without: Turn
    beside: Turn

    @property
    def ratio(self) -> float:
        """Items decided a second, with the console and its pages ÷ without."""
        return self.beside.per_s / self.without.per_s


@dataclass
class Watch:
    """The long run. Memory in MB, every two seconds."""

    per_s: float = 0.0
    longest_gap_s: float = 0.0
    age_ms: tuple[float, float] = (0.0, 0.0)
    memory_mb: list[float] = field(default_factory=list)
    processor_share: float = 0.0
    answers_after_s: list[float] = field(default_factory=list)
    pages_after_s: list[float] = field(default_factory=list)
    lost: int = 0
    duplicates: int = 0

    @property
    def growth(self) -> float:
        """Memory of the last sixth of the time ÷ of the second one, less 1; medians."""
        sixth = max(1, len(self.memory_mb) // 6)
        second, last = self.memory_mb[sixth : 2 * sixth], self.memory_mb[-sixth:]
        return median(last) / median(second or last) - 1


@app.command()
def main(
    model: Annotated[Path, typer.Option(help="model file, or folder with one")] = ROOT / "models",
    rounds: Annotated[int, typer.Option(min=1, help="without and with, in turn")] = 3,
    turn_s: Annotated[float, typer.Option(min=10, help="belt time of a turn")] = 30.0,
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
    tables = [_turns_table(turns, fed, busy), _watch_table(watch, minutes)]
    for table in tables:
        table.print(console)
    if page is not None:
        page.fill(tables)
    _write(_facts(turns, watch, fed, busy), console)


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
    with LoadedLine(folder / "without", load, turn_s, console=False) as line:
        without = _turn(line)
    with LoadedLine(folder / "beside", load, turn_s, console=True) as line:
        line.wait_for_console()
        with OpenPages(browser, line.address, PAGES):
            beside = _turn(line)
    return Round(without, beside)


def _turn(line: LoadedLine) -> Turn:
    summary = line.finish()
    return Turn(summary["throughput_fps"], summary["in_time_rate"], summary["latency_ms"]["p95"])


def _watch(run_dir: Path, load: Load, lasts_s: float, kills: int, browser: Browser) -> Watch:
    watch = Watch()
    with LoadedLine(run_dir, load, lasts_s + _TAIL_S, console=True) as line:
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
    watch.age_ms = pages.age_ms()


def _kill(line: LoadedLine, pages: OpenPages, watch: Watch) -> None:
    pid = line.pid("console")
    assert pid is not None
    began = monotonic()
    os.kill(pid, signal.SIGKILL)
    line.wait_for_console()
    watch.answers_after_s.append(monotonic() - began)
    pages.wait_until_told()
    watch.pages_after_s.append(monotonic() - began)


def _turns_table(rounds: list[Round], load: Load, busy: float) -> Table:
    rows = [
        (
            str(number),
            f"{r.without.per_s:.1f}",
            f"{r.beside.per_s:.1f}",
            f"{r.ratio:.3f}",
            f"{100 * r.without.in_time:.2f} %",
            f"{100 * r.beside.in_time:.2f} %",
            f"{r.without.p95_ms:.1f} ms",
            f"{r.beside.p95_ms:.1f} ms",
        )
        for number, r in enumerate(rounds, 1)
    ]
    return Table(
        f"{_WORKERS} workers, {load.items_per_s:.1f} items/s fed; without the console, and with it "
        f"and {PAGES} open pages",
        ("round", "decided/s", "with", "ratio", "in time", "with", "latency p95", "with"),
        rows,
        ("median", "", "", f"{median(r.ratio for r in rounds):.3f}", "", "", "", ""),
    ).with_note(f"Load average before the first turn: {busy:.1f}.")


def _watch_table(watch: Watch, minutes: float) -> Table:
    typical_ms, p95_ms = watch.age_ms
    rows = [
        ("the slowest page is told what is new", f"{watch.per_s:.2f} times a second"),
        ("longest time without", f"{watch.longest_gap_s:.2f} s"),
        (
            "from a decision to its picture on the screen, median and p95",
            f"{typical_ms:.0f} ms and {p95_ms:.0f} ms",
        ),
        ("processor time of the console", f"{100 * watch.processor_share:.1f} % of a core"),
        (
            "its memory, first and last",
            f"{watch.memory_mb[0]:.1f} and {watch.memory_mb[-1]:.1f} MB",
        ),
        ("growth behind the first sixth of the time", f"{100 * watch.growth:+.2f} %"),
        (
            f"killed {len(watch.answers_after_s)} times: it answers after",
            _all(watch.answers_after_s),
        ),
        ("all pages go on after", _all(watch.pages_after_s)),
        ("rows lost, rows written twice", f"{watch.lost} and {watch.duplicates}"),
    ]
    return Table(f"{PAGES} open pages for {minutes:g} minutes", ("", "figure"), rows)


def _all(seconds: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in seconds) + " s"


def _facts(rounds: list[Round], watch: Watch, load: Load, busy: float) -> dict[str, object]:
    return {
        "ratio": round(median(r.ratio for r in rounds), 4),
        "items_per_s": round(load.items_per_s, 2),
        "load_average": round(busy, 2),
        "rounds": [
            {
                "per_s": [round(t.per_s, 2) for t in (r.without, r.beside)],
                "in_time": [t.in_time for t in (r.without, r.beside)],
                "latency_p95_ms": [t.p95_ms for t in (r.without, r.beside)],
            }
            for r in rounds
        ],
        "told_per_s": round(watch.per_s, 3),
        "longest_gap_s": round(watch.longest_gap_s, 3),
        "age_p50_ms": round(watch.age_ms[0], 1),
        "age_p95_ms": round(watch.age_ms[1], 1),
        "processor_share": round(watch.processor_share, 4),
        "memory_mb": [round(value, 2) for value in watch.memory_mb],
        "memory_growth": round(watch.growth, 5),
        "answers_after_s": [round(value, 2) for value in watch.answers_after_s],
        "pages_after_s": [round(value, 2) for value in watch.pages_after_s],
        "lost": watch.lost,
        "duplicates": watch.duplicates,
    }


def _write(facts: dict[str, object], console: Console) -> None:
    out = ROOT / "results" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    kept = json.loads(out.read_text()) if out.exists() else {}
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    out.write_text(json.dumps(kept | {"machine": machine, "console": facts}, indent=1) + "\n")
    console.print(out.relative_to(ROOT))


if __name__ == "__main__":
    try:
        app()
    except ScraplineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit_code))
