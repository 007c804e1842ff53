"""The loads that a line is measured under, one after the other, and what it showed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from line.model_facts import ModelFacts
from line.settings import Settings
from planner import measure_loads as loads
from planner.measure_run import Seen, Watch, observe
from planner.variation import altered

Tell = Callable[[int, int, str], None]
"""(step, steps, what is done now)"""


@dataclass(frozen=True)
class Runs:
    """What the line showed under the loads of `measure_loads`."""

    calm: list[Seen]
    single: Seen
    floods: list[Seen]
    brisk: list[Seen]
    busy: Seen

    @property
    def pools(self) -> list[Seen]:
        return [*self.floods, *self.brisk]

    @property
    def every(self) -> list[Seen]:
        return [*self.calm, self.single, *self.pools, self.busy]

    @classmethod
    def of(
        cls,
        settings: Settings,
        model: ModelFacts,
        inference_s: float,
        picture_s: float,
        workers: int,
        run_s: float,
        tell: Tell,
        watch: Watch,
    ) -> Runs:
        """See `planner.measure.measure`."""
        number = 0

        def run(load: Settings, what: str) -> Seen:
            nonlocal number
            number += 1
            tell(number, max(steps(workers), number), what)
            # Other items each time: the answers are about as many pictures as there can be.
            seeded = altered(load, {"line": {"seed": settings.line.seed + number}})
            return observe(seeded, model, watch)

        few, more, many = loads.calm(settings, max(inference_s, picture_s), 2 * run_s)
        calm = [
            run(few, "1 worker, few items"),
            run(more, "1 worker, more items"),
            run(many, "1 worker, many items"),
        ]
        single = run(loads.one_by_one(settings, inference_s, run_s), "1 worker, one item at a time")
        floods: list[Seen] = []
        brisk: list[Seen] = []
        for count in loads.counts(workers):
            who = f"{count} worker{'' if count == 1 else 's'}"
            flood = loads.flood(settings, inference_s, run_s, count)
            seen = run(flood, f"{who}, more items than can be done")
            floods.append(seen)
            smaller = loads.smaller_flood(flood, seen.answers_per_s)
            if smaller is not None:
                seen = run(smaller, f"{who}, fewer, but more than can be done")
                floods.append(seen)
            brisk.append(run(loads.brisk(flood, seen.answers_per_s), f"{who}, well used"))
        busy = run(
            loads.busy(settings, seen.answers_per_s, run_s, workers),
            f"{who}, at random moments; then some are killed",
        )
        tell(number, number, "done")
        return cls(calm, single, floods, brisk, busy)


def steps(workers: int) -> int:
    """Runs that there are as a rule."""
    return 3 * len(loads.counts(workers)) + 4
