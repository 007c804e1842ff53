"""The loads that a line is measured under, one after the other, and what it showed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from line.model.facts import ModelFacts
from line.settings import Settings
from planner.measure import loads as loads
from planner.measure.load_run import Seen, Watch, observe

_SAME = 1.1
"""Times as long, or as short, a bare inference takes after a run as before it: no change."""
_MOST_REPEATS = 3
"""Runs that are made again, in all, because the machine changed while they went on."""

Tell = Callable[[int, int, str], None]
"""(step, steps, what is done now)"""


@dataclass(frozen=True)
class Easy:
    """Runs at one pace that left workers free now and then: at random moments, and evenly."""

    workers: int | None
    """in the pool; None: items are so far apart that its size does not matter"""
    seen: list[Seen]


@dataclass(frozen=True)
class Runs:
    """What the line showed under the loads of `measure_loads`."""

    inference_s: float
    """a bare one, before all of them"""
    easy: list[Easy]
    single: Seen
    floods: list[Seen]
    brisk: list[Seen]
    killed: Seen
    """one of the easy ones, with kills at its end"""

    @property
    def pools(self) -> list[Seen]:
        return [*self.floods, *self.brisk]

    @property
    def every(self) -> list[Seen]:
        easy = [seen for each in self.easy for seen in each.seen]
        return [*easy, self.single, *self.pools]

    @classmethod
    def of(
        cls,
        settings: Settings,
        model: ModelFacts,
        bare_s: Callable[[], float],
        picture_s: float,
        workers: int,
        run_s: float,
        tell: Tell,
        watch: Watch,
    ) -> Runs:
        """See `planner.measure.measure`."""
        number, repeats = 0, _MOST_REPEATS
        before_s = inference_s = bare_s()

        def run(load: Settings, what: str) -> Seen:
            nonlocal number, before_s, repeats
            number += 1
            who = f"{load.line.workers} worker{'' if load.line.workers == 1 else 's'}"
            tell(number, max(steps(workers), number), f"{who}, {what}")
            # Other items each time: the answers are about as many pictures as there can be.
            seeded = load.replaced({"line": {"seed": settings.line.seed + number}})
            while True:
                seen = observe(seeded, model, watch)
                began_s, before_s = before_s, bare_s()
                if not repeats or 1 / _SAME <= before_s / began_s <= _SAME:
                    return replace(seen, slowness=(began_s + before_s) / 2 / inference_s)
                repeats -= 1
                tell(number, max(steps(workers), number), f"{who}, {what}; the machine changed")

        item_s = max(inference_s, picture_s)
        few, more, many = loads.calm(settings, item_s, 2 * run_s)
        easy = [
            Easy(None, [run(few, "few items")]),
            Easy(None, [run(more, "more items"), run(loads.evenly(more), "evenly")]),
            Easy(1, [run(many, "many items"), run(loads.evenly(many), "evenly")]),
        ]
        single = run(loads.one_by_one(settings, inference_s, run_s), "one item at a time")
        floods: list[Seen] = []
        brisk: list[Seen] = []
        for count in loads.counts(workers):
            flood = loads.flood(settings, inference_s, run_s, count)
            seen = run(flood, "more items than can be done")
            floods.append(seen)
            smaller = loads.smaller_flood(flood, seen.answers_per_s)
            if smaller is not None:
                seen = run(smaller, "fewer, but more than can be done")
                floods.append(seen)
            capacity_per_s = seen.answers_per_s
            brisk.append(run(loads.brisk(flood, capacity_per_s), "well used"))
            busy = loads.busy(settings, capacity_per_s, 2 * run_s, count)
            if count == workers:
                killed = run(loads.with_kills(busy), "at random moments; then some are killed")
                easy.append(Easy(count, [killed.until_first_kill]))
            elif count > 1:
                easy.append(Easy(count, [run(busy, "at random moments")]))
            if count > 1:
                easy[-1].seen.append(run(loads.evenly(busy), "evenly"))
                few, more, _ = loads.calm(settings, item_s, 2 * run_s, count)
                easy.append(Easy(count, [run(few, "few items")]))
                easy.append(Easy(count, [run(more, "more items")]))
        tell(number, number, "done")
        return cls(inference_s, easy, single, floods, brisk, killed)


def steps(workers: int) -> int:
    """Runs that there are as a rule."""
    counts = loads.counts(workers)
    # Of one worker the two easy loads are among the first six, but for kills if it is the last.
    return 6 + 6 * len(counts) - (3 if workers == 1 else 4)
