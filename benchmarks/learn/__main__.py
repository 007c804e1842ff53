"""`python -m benchmarks.learn`: what 50, 100 and 200 labels regain on a belt from elsewhere.

A folder of photographs is run as a belt and recorded once, with a model that has never seen them.
Then labels are chosen among the recorded items, at random and otherwise, and the model is judged
with them on items put aside. At the end `run_line.py learn` does it once, from the review queue,
timed. OUT/ gets curve.csv, curve.png and, from the command, learn/.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.entry import run
from benchmarks.learn.belt import Belt, learn, seen_in_folder
from benchmarks.learn.campaigns import WAYS, Point, campaign
from line.config import load
from training.evaluate.interval import Share
from training.evaluate.model_file import ModelFile

OLD_WEIGHT = 0.3
"""As `refit` has it."""

app = typer.Typer(add_completion=False)


@app.command()
def main(
    pictures: Annotated[Path, typer.Argument(help="class folders of photographs from elsewhere")],
    out: Annotated[Path, typer.Option(help="new folder")],
    old_data: Annotated[Path | None, typer.Option(help="class folders not to be forgotten")] = None,
    model: Annotated[Path | None, typer.Option(help="not given: the one of config.toml")] = None,
    budgets: Annotated[str, typer.Option(help="labels, rising")] = "50,100,200",
    seeds: Annotated[int, typer.Option(min=2)] = 5,
) -> None:
    """Print tables in Markdown."""
    file = Path(load().model.path) if model is None else model
    out.mkdir(parents=True)
    belt = Belt.recorded(pictures.absolute(), file.absolute(), (out / "run").absolute())
    opened = ModelFile.open(file)
    seen = belt.seen_by(opened)
    old = None if old_data is None else seen_in_folder(opened, old_data, OLD_WEIGHT)
    counts = tuple(int(each) for each in budgets.split(","))
    points: list[Point] = []
    for way in WAYS:
        for seed in range(seeds):
            points += campaign(seen, belt.photographs, old, way, counts, seed)
    write_curve(out, points)
    print_table(points, counts)

    chosen = np.random.default_rng(0).permutation(len(belt.items))[: counts[-1]]
    belt.label(int(each) for each in chosen)
    seconds = learn(belt.run, None if old_data is None else old_data.absolute(), out / "learn")
    others = np.setdiff1d(np.arange(len(belt.items)), chosen)
    before, after = (
        Share(int(belt.right_in(each)[others].sum()), len(others))
        for each in (belt.run, out / "learn" / "replay-1")
    )
    print(
        f"\n`learn` with {len(chosen)} labels by lot: {seconds:.0f} s; on the {len(others)} other "
        f"items of the recorded belt right {_told(before)} before, {_told(after)} after"
    )


def print_table(points: list[Point], budgets: tuple[int, ...]) -> None:
    """Mean over the seeds, and the least and most of them."""
    by = _by_way(points)
    print("| labels chosen by | " + " | ".join(f"{each} labels" for each in (0, *budgets)) + " |")
    print("|---|" + "---:|" * (len(budgets) + 1))
    for way, of_budget in by.items():
        cells = [
            f"{np.mean(found):.3f} ({min(found):.2f} to {max(found):.2f})"
            for found in of_budget.values()
        ]
        print(f"| {way.replace('_', ' ')} | " + " | ".join(cells) + " |")


def write_curve(out: Path, points: list[Point]) -> None:
    """curve.csv, a row a point, and the means as a picture."""
    from matplotlib.figure import Figure

    with (out / "curve.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("way", "labels", "seed", "accuracy"))
        table.writerows((p.way, p.labels, p.seed, f"{p.accuracy:.4f}") for p in points)
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for way, of_budget in _by_way(points).items():
        means = [float(np.mean(found)) for found in of_budget.values()]
        style = "k--" if way == "random" else "-"
        axes.plot(list(of_budget), means, style, marker="o", label=way.replace("_", " "))
    axes.set(xlabel="labels", ylabel="right, items put aside", ylim=(0, 1))
    axes.legend(title="chosen by")
    axes.grid(alpha=0.3)
    figure.savefig(out / "curve.png")


def _by_way(points: list[Point]) -> dict[str, dict[int, list[float]]]:
    by: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        by[point.way][point.labels].append(point.accuracy)
    return by


def _told(share: Share) -> str:
    return f"{share.value:.3f} (95% interval {share.low:.3f} to {share.high:.3f})"


if __name__ == "__main__":
    run(app)
