"""`python -m benchmarks.fuzz`: odd input, by the million, for everything that reads bytes.

First the decoders alone, each with its share; then the sockets of a running line. Same seed, same
input. Ends with status 1 if a decoder raised what it should not, or the line lost or miscounted
anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.entry import run
from benchmarks.fuzzing import live as fuzz_live
from benchmarks.fuzzing.mutations import Parts, mutate
from benchmarks.fuzzing.targets import Target, targets

app = typer.Typer(add_completion=False)
_MILLION = 1_000_000
_SHOWN = 3
"""Inputs shown of those that a decoder broke on, and how much of each; the seed brings the rest."""
_WIDTH = 2000


@dataclass
class Fuzzed:
    """What one decoder made of its inputs."""

    name: str
    answers: Counter[str] = field(default_factory=Counter)
    """taken, refused, broke"""
    broken: list[tuple[Parts, Exception]] = field(default_factory=list)
    seconds: float = 0.0


@app.command()
def main(
    messages: Annotated[int, typer.Option(min=0, help="inputs over all decoders")] = _MILLION,
    live: Annotated[int, typer.Option(min=0, help="messages to a running line")] = 100_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Feed decoders and a running line with mutated input; nothing may break."""
    console = Console(highlight=False)
    with targets() as decoders:
        results = [
            fuzz(decoder, messages * decoder.share // _MILLION, seed) for decoder in decoders
        ]
    console.print(_table(results))
    for result in results:
        for parts, error in result.broken[:_SHOWN]:
            console.print(f"{result.name}: {error!r} from {parts!r}"[:_WIDTH], markup=False)
    good = not any(result.broken for result in results)
    if live:
        outcome = fuzz_live.fuzz(live, seed)
        console.print("\n" + outcome.sentence())
        good = good and outcome.is_good
    if not good:
        raise typer.Exit(1)


def fuzz(target: Target, count: int, seed: int) -> Fuzzed:
    """Feed one decoder with `count` mutations of its examples."""
    rng = Random(f"{seed} {target.name}")  # noqa: S311 - to be repeated, not to be secret
    result = Fuzzed(target.name)
    began = perf_counter()
    for _ in range(count):
        parts = mutate(rng.choice(target.examples), target.examples, rng)
        try:
            target.feed(parts)
            result.answers["taken"] += 1
        except target.refuses:
            result.answers["refused"] += 1
        except Exception as error:  # any other is what is looked for
            result.answers["broke"] += 1
            result.broken.append((parts, error))
    result.seconds = perf_counter() - began
    return result


def _table(results: list[Fuzzed]) -> Table:
    table = Table(title="Decoders", title_justify="left")
    for heading in ("decoder", "inputs", "taken", "refused", "broke", "seconds"):
        table.add_column(heading, justify="left" if heading == "decoder" else "right")
    for result in results:
        answers = (str(result.answers[name]) for name in ("taken", "refused", "broke"))
        total = str(result.answers.total())
        table.add_row(result.name, total, *answers, f"{result.seconds:.1f}")
    return table


if __name__ == "__main__":
    run(app)
