"""`python -m benchmarks.drift`: four shifts noticed, and belts on which there is nothing to notice.

Pictures are answered once by the model. Belts are then drawn from those answers, as many as are
wanted: of undisturbed items, of loads that each have a class mix of their own, and of undisturbed
items that a shift follows. With `--photographs` the pictures are those of its class folders; else
they are drawn. Two of the shifts need folders of their own: `--other-set`, and `--strange`, things
that are none of the classes. The scenario dim_light is always of drawn items: its lamp fades from
the first item on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Annotated

import numpy as np
import typer

from benchmarks.drift.belts import FEWEST, Watched, in_loads, mixed, undisturbed
from benchmarks.drift.pools import (
    BLUR_PX,
    VEIL,
    Seen,
    behind_dirt,
    by_answers_alone,
    drawn,
    photographs,
    seen,
)
from benchmarks.entry import run
from line.config import load
from line.drift.lane_watch import Rules
from line.section import DEFAULT_ENGINE
from producers.picture_statistics import levels_of
from workers.model import Model

BEFORE = 500
"""Undisturbed items before a shift."""
WITHIN = 200
STRANGE_SHARE = 0.3
_DRAWN = 600
"""Pictures of the pool where there are no photographs."""
_TRIES = 1000
app = typer.Typer(add_completion=False)

Belt = Callable[[np.random.Generator], Iterator[Seen]]


@app.command()
def main(
    photos: Annotated[Path | None, typer.Option("--photographs", help="class folders")] = None,
    other_set: Annotated[Path | None, typer.Option(help="pictures of the same classes")] = None,
    strange: Annotated[Path | None, typer.Option(help="pictures of none of the classes")] = None,
    seeds: Annotated[int, typer.Option(min=1)] = 20,
    items: Annotated[int, typer.Option(min=1000, help="of each belt without a shift")] = 300_000,
    load_items: Annotated[int, typer.Option(min=FEWEST, help="of the longest load")] = 600,
    belt_seed: Annotated[int, typer.Option(min=0, help="of the belts without a shift")] = 7,
    load_evenness: Annotated[float, typer.Option(min=0.01, help="of its mix: Dirichlet's")] = 0.5,
) -> None:
    settings = load(environment={})
    model = Model.open(Path(settings.model.path), DEFAULT_ENGINE)
    drift = settings.drift
    rules = Rules(drift.learn_items, drift.false_alarm_items, drift.clear_items)

    def taken() -> Iterator[tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]]:
        return photographs(photos) if photos else drawn(settings, range(_DRAWN))

    pool = seen(model, taken())
    dirty = seen(model, behind_dirt(taken()))
    print(f"{len(pool)} {'photographs' if photos else 'drawn items'} that belts are drawn from")
    print(f"the statistics of a picture of 512x384 px: {_picture_us():.0f} µs of processor time")
    print(f"\nbelts of {items:,} items on which nothing shifts: false alarms")
    rng = np.random.default_rng(belt_seed)
    _without_shift("undisturbed", rules, undisturbed(pool, rng), items)
    loads = f"in loads of {FEWEST} to {load_items} items, Dirichlet {load_evenness:g}"
    _without_shift(loads, rules, in_loads(pool, load_items, load_evenness, rng), items)

    shifts: dict[str, Belt] = {
        f"a dirty lens: blur of {BLUR_PX} px, veil of {VEIL:.0%}": partial(undisturbed, dirty)
    }
    if other_set:
        other = seen(model, photographs(other_set))
        shifts["a belt of photographs from another set"] = partial(undisturbed, other)
    if strange:
        odd = seen(model, photographs(strange))
        title = f"a new class: {STRANGE_SHARE:.0%} of the items are none of the classes"
        shifts[title] = partial(mixed, pool, odd, STRANGE_SHARE)
    print(f"\n{seeds} seeds each: noticed within {WITHIN} items, median, and the latest")
    done = _dim_light(model, rules, seeds)
    for title, belt in shifts.items():
        done += _with_shift(title, rules, pool, belt, seeds)
    print(f"together {done} of {seeds * (1 + len(shifts))}")
    if strange:
        for what, energy in (("answers", True), ("confidences", False)):
            usual = by_answers_alone(pool, energy=energy)
            alone = partial(mixed, usual, by_answers_alone(odd, energy=energy), STRANGE_SHARE)
            _with_shift(f"the new class by {what} alone", rules, usual, alone, seeds)


def _picture_us() -> float:
    picture = np.random.default_rng(0).integers(0, 256, (384, 512, 3), dtype=np.uint8)
    spent = []
    for _ in range(_TRIES):
        began = process_time()
        levels_of(picture)
        spent.append(process_time() - began)
    return 1e6 * median(spent)


def _without_shift(title: str, rules: Rules, belt: Iterator[Seen], items: int) -> None:
    watched = Watched(rules, np.random.default_rng(8))
    began = process_time()
    watched.see(belt, items)
    spent_us = 1e6 * (process_time() - began) / items
    print(f"  {title}: {len(watched.notices)} ({spent_us:.0f} µs of processor time an item)")
    for words in watched.notices[:5]:
        print(f"    {words}")


def _with_shift(title: str, rules: Rules, pool: list[Seen], shifted: Belt, seeds: int) -> int:
    found, words = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        watched = Watched(rules, rng)
        if watched.see(undisturbed(pool, rng), BEFORE, first_notice=True) is None:
            found.append(watched.see(shifted(rng), WITHIN, first_notice=True))
            words += watched.notices
    return _print(title, found, words, seeds)


def _dim_light(model: Model, rules: Rules, seeds: int) -> int:
    found, words = [], []
    for seed in range(seeds):
        settings = load(scenario="dim_light", options=[("line.seed", seed)], environment={})
        watched = Watched(rules, np.random.default_rng(seed))
        pictures = drawn(settings, range(WITHIN))
        found.append(watched.see(_one_by_one(model, pictures), WITHIN, first_notice=True))
        words += watched.notices
    camera = settings.camera
    a_minute = -camera.lamp_drift_per_min
    title = f"dim_light: the lamp loses {a_minute:.0%} of its light in a minute, from the start on"
    return _print(title, found, words, seeds)


def _one_by_one(model: Model, pictures: Iterator[tuple[str, np.ndarray]]) -> Iterator[Seen]:
    for each in pictures:
        yield from seen(model, [each])


def _print(title: str, found: list[int | None], words: list[str], seeds: int) -> int:
    noticed = sorted(each for each in found if each is not None)
    middle = f"{noticed[len(noticed) // 2]}, {noticed[-1]}" if noticed else "–"
    print(f"  {title}: {len(noticed)} of {seeds}; {middle}")
    if words:
        print(f"    as in: {words[0]}")
    return len(noticed)


if __name__ == "__main__":
    run(app)
