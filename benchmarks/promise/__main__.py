"""`python -m benchmarks.promise`: whether promised purities hold as often as is said.

On made-up scores the true purity is known, and the share of sets of labels is counted by which a
promise is made that does not hold. With `--labels` (a file of `run_line.py promise`) the pool is
split at random as well: promises by one half, and the purity of what they let through in the other.
Nothing is timed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.entry import run
from benchmarks.promise.draws import all_drawn
from benchmarks.promise.splits import all_splits
from line.promise.label_file import read_labels

_PURITIES = (0.95, 0.98, 0.99)
_COUNTS = (300, 1000)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    draws: Annotated[int, typer.Option(min=1, help="sets of labels for each line")] = 1000,
    labels: Annotated[Path | None, typer.Option(help="of photographs, to be split")] = None,
    splits: Annotated[int, typer.Option(min=1)] = 100,
) -> None:
    """Print tables in Markdown."""
    print(
        "| wrong answers | promised | labels | promise made | does not hold | let through | best |"
    )
    print("|---|---|---|---|---|---|---|")
    for each in all_drawn(draws, _COUNTS, _PURITIES):
        print(
            f"| {each.risk} | {each.purity:g} | {each.labels} | {each.made:.1%} "
            f"| {each.failed:.1%} | {each.coverage:.0%} | {each.best:.0%} |",
            flush=True,
        )
    if labels is None:
        return
    print("\n| taken for | labels | promised | made in | let through | right there | below |")
    print("|---|---|---|---|---|---|---|")
    for one in all_splits(read_labels(labels), _PURITIES, splits):
        right = f"{one.right / one.reach:.4f}" if one.reach else "–"
        print(
            f"| {one.name} | {one.labels} | {one.purity:g} | {one.made} of {splits} "
            f"| {one.coverage:.0%} | {right} | {one.below} |"
        )


if __name__ == "__main__":
    run(app)
