"""`python -m benchmarks.speed.batches`: what batches by slack gain, and whom they cost anything.

The engine of the one worker is a stand-in: a batch of n pictures sleeps 8 ms + n · 1 ms. All else
is the real line: camera, dispatcher, worker process, log. At `--speed max` it has as many items as
it can take; then it runs at several paces, where every item has a deadline. Runs without batches
and with them follow each other, over the same items, so that both see the same machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.console import Console

from benchmarks.dispatcher import write_instant_model
from benchmarks.entry import run
from benchmarks.line_run import run_line
from benchmarks.speed.measured_line import measure
from drill.page import Page, Table
from line.outcome import IN_TIME, Verdict
from line.run_files.results import read_rows

SINGLY, HALVES, BY_SLACK = "2", "8", "auto"
"""Credits: one frame an inference, half of the credit in one, batches by slack."""
_SLEEPY = Path(__file__).parent / "sleeping_engine"
_SIDE_PX = 64
_PICTURES = 8
_LINE = {
    "belt.residue_class": "",
    "review.enabled": "false",
    "camera.effects": "off",
    "camera.prepare": "all",
    "camera.width_px": _SIDE_PX,
    "camera.height_px": _SIDE_PX,
    "camera.window_frames": 128,
}
app = typer.Typer(add_completion=False)

Fates = dict[int, bool]
"""Sequence → whether the item was decided in time."""


@dataclass(frozen=True)
class Pace:
    """The same belt without batches and with them. `expired`: with them."""

    items_per_s: float
    singly: Fates
    by_slack: Fates
    expired: int

    @property
    def lost(self) -> int:
        """Items in time without batches, and not with them."""
        return sum(in_time and not self.by_slack[seq] for seq, in_time in self.singly.items())


@app.command()
def main(
    base_ms: Annotated[float, typer.Option(min=0, help="of an inference")] = 8.0,
    picture_ms: Annotated[float, typer.Option(min=0, help="and for each picture")] = 1.0,
    items: Annotated[int, typer.Option(min=20, help="of a run at max")] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help="at max")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="of a paced run")] = 20.0,
    rates: Annotated[str, typer.Option(help="items a second")] = "50,80,100,120,200,300,400,500",
    line_set: Annotated[
        list[str] | None, typer.Option(help="section.key=value of the line; may be repeated")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="page with <!-- batches -->")] = None,
) -> None:
    """Items a second without batches and with them, and who is in time at several paces."""
    page = None if markdown is None else Page(markdown, "batches")
    with tempfile.TemporaryDirectory() as folder, sleeping(base_ms, picture_ms):
        options = prepared(Path(folder))
        options += [f"--set={assignment}" for assignment in line_set or ()]
        most = [_at_most(items, options) for _ in range(rounds)]
        paces = [_pace(float(rate), seconds, options) for rate in rates.split(",")]
    what = f"{base_ms:g} ms + n · {picture_ms:g} ms for a batch of n, one worker"
    found = [speed_table(most, what), pace_table(paces, f"{seconds:g} s of belt each")]
    for each in found:
        each.print(Console())
    if page is not None:
        page.fill(found)


@contextmanager
def sleeping(base_ms: float, picture_ms: float) -> Iterator[None]:
    """The workers of every line that is started meanwhile sleep so long in an inference."""
    before = dict(os.environ)
    paths = (str(_SLEEPY), before.get("PYTHONPATH", ""))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ["SLEEPING_ENGINE"] = f"{base_ms},{picture_ms}"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def prepared(folder: Path) -> list[str]:
    """Put model and pictures into the folder; the options of a line that runs with them."""
    model = write_instant_model(folder / "instant.onnx")
    pictures = folder / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(7)
    for number in range(_PICTURES):
        levels = noise.integers(0, 256, (_SIDE_PX, _SIDE_PX, 3), np.uint8)
        Image.fromarray(levels).save(pictures / f"{number}.bmp")
    return [
        *(f"--set={key}={value}" for key, value in _LINE.items()),
        f"--model={model}",
        f"--source={pictures}",
        "--order=random",
        "--workers=1",
    ]


def _at_most(items: int, options: Sequence[str]) -> dict[str, float]:
    """Items a second at `max`, by credit."""
    return {
        credit: measure(items, [*options, "--speed=max", f"--set=worker.credit={credit}"]).fps
        for credit in (SINGLY, HALVES, BY_SLACK)
    }


def _pace(items_per_s: float, seconds: float, options: Sequence[str]) -> Pace:
    belt = [f"--duration={seconds}", f"--set=infeed.items_per_min={60 * items_per_s}"]
    belt.append("--set=infeed.process=poisson")
    singly = _verdicts([*options, *belt, f"--set=worker.credit={SINGLY}"])
    by_slack = _verdicts([*options, *belt, f"--set=worker.credit={BY_SLACK}"])
    return Pace(
        items_per_s,
        {seq: verdict in IN_TIME for seq, verdict in singly.items()},
        {seq: verdict in IN_TIME for seq, verdict in by_slack.items()},
        sum(verdict == Verdict.EXPIRED for verdict in by_slack.values()),
    )


def _verdicts(options: Sequence[str]) -> dict[int, Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        run_line(run_dir, ["--console=off", *options])
        rows = read_rows(run_dir / "results.csv", lambda r: (r["frame_id"], Verdict(r["verdict"])))
        return {int(frame_id.rpartition("-")[2]): verdict for frame_id, verdict in rows}


def speed_table(rounds: Sequence[dict[str, float]], what: str) -> Table:
    """A row a round."""
    gains = [each[BY_SLACK] / each[SINGLY] for each in rounds]
    rows = [
        [
            str(number),
            *(f"{each[credit]:.0f}" for credit in (SINGLY, HALVES, BY_SLACK)),
            f"{gain:.2f}",
        ]
        for number, (each, gain) in enumerate(zip(rounds, gains, strict=True), 1)
    ]
    return Table(
        f"Items a second at max: {what}",
        ("round", "one by one", "half of a credit of 8", "by slack", "by slack ÷ one by one"),
        rows,
        total=["median", "", "", "", f"{median(gains):.2f}"],
    )


def pace_table(paces: Sequence[Pace], what: str) -> Table:
    """A row a pace."""
    rows = [
        [
            f"{pace.items_per_s:g}",
            str(len(pace.singly)),
            _share(pace.singly),
            _share(pace.by_slack),
            str(pace.expired),
            str(pace.lost),
        ]
        for pace in paces
    ]
    headings = (
        *("items/s", "items", "in time, one by one", "in time, by slack", "expired, by slack"),
        "in time one by one and not by slack",
    )
    return Table(f"In time: {what}", headings, rows)


def _share(fates: Fates) -> str:
    return f"{sum(fates.values()) / max(1, len(fates)):.4f}"


if __name__ == "__main__":
    run(app)
