"""Ranks, bets and the watch on items whose distribution is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import exp

import numpy as np
import pytest

from line.drift.bets import CELLS, ON_ALL, ON_SOME, Bets
from line.drift.lane_watch import LaneWatch, Rules
from line.drift.moved import Moved
from line.drift.reference import Reference, middle
from line.drift.statistics import STATISTICS, energy_level

RULES = Rules(learn_items=50, false_alarm_items=10**6, clear_items=100)
MIX = {"glass": 0.6, "metal": 0.3, "paper": 0.1}
LIGHT = [statistic.name for statistic in STATISTICS].index("light")
ENERGY = [statistic.name for statistic in STATISTICS].index("energy")
CENTRES = {"glass": 90, "metal": 120, "paper": 160}
"""Classes look different: what moves is looked for within each."""

Item = tuple[str, list[int | None], list[float], str]


def belt(
    items: int,
    seed: int,
    *,
    light: float = 0.0,
    only: tuple[str, ...] = tuple(CENTRES),
    mix: dict[str, float] = MIX,
    first: int = 0,
) -> Iterator[Item]:
    """`light`: by how many standard deviations the light of the classes `only` is off."""
    rng, of_energies = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    names = rng.choice(list(mix), p=list(mix.values()), size=items)
    for number, name in enumerate(names, first):
        levels: list[int | None] = [
            round(CENTRES[name] + 8 * (of_energies if place == ENERGY else rng).normal())
            for place in range(len(STATISTICS))
        ]
        if name in only:
            levels[LIGHT] = round(CENTRES[name] + 8 * rng.normal(light))
        chances = rng.random(len(STATISTICS) - 1).tolist()
        chances.insert(ENERGY, of_energies.random())
        yield name, levels, chances, f"0-{number}"


def seen(watch: LaneWatch, items: Iterator[Item]) -> tuple[list[Moved], list[Moved]]:
    began: list[Moved] = []
    over: list[Moved] = []
    for each in items:
        some_began, some_over = watch.take(*each)
        began += some_began
        over += some_over
    return began, over


def test_ranks_are_uniform_whatever_is_ranked_and_however_few_there_are() -> None:
    rng, reference, found = np.random.default_rng(5), Reference(), []
    for level in rng.choice([3, 4, 4, 4, 250], size=4000):
        found.append(reference.rank("glass", level, rng.random()))
        reference.join("glass", level)
    counts, _ = np.histogram(found, bins=10, range=(0, 1))
    assert counts.sum() == 4000, "none outside of 0..1"
    assert ((counts - 400) ** 2 / 400).sum() < 27.9, "chi-square of 9, once in 1,000"
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.05


def test_nobody_can_expect_to_gain_by_a_bet_on_uniform_ranks() -> None:
    for gains in (ON_ALL, ON_SOME):
        for bet in zip(*gains, strict=True):
            assert sum(map(exp, bet)) / CELLS == pytest.approx(1)
    bets = Bets(ON_SOME)
    bets.take(0.0, "0-0")
    assert bets.take(1 - 1e-12, "0-1") > 0


def test_an_undisturbed_lane_gives_fewer_false_alarms_than_is_said() -> None:
    strict = LaneWatch(RULES)
    assert seen(strict, belt(15_000, 1)) == ([], [])
    loose = LaneWatch(Rules(learn_items=50, false_alarm_items=1000, clear_items=20))
    began, _ = seen(loose, belt(15_000, 2))
    assert len(began) <= 15


@pytest.mark.parametrize("light", [-1.0, 1.5])
def test_a_shift_is_noticed_with_what_moved_which_way_and_since_when(light: float) -> None:
    watch = LaneWatch(RULES)
    assert seen(watch, belt(600, 3)) == ([], [])
    ((moved, *more), _) = seen(watch, belt(200, 4, light=light, first=600))
    assert not more
    assert (moved.statistic, moved.direction) == ("light", "lower" if light < 0 else "higher")
    assert 590 <= int(moved.since.removeprefix("0-")) <= 615
    assert int(moved.item.removeprefix("0-")) < 700
    assert moved.classes == ()
    assert watch.moved == [moved]


def test_what_moved_in_one_class_is_named() -> None:
    watch = LaneWatch(RULES)
    seen(watch, belt(900, 5))
    (moved,), _ = seen(watch, belt(300, 6, light=3.0, only=("glass",), first=900))
    assert moved.classes == ("glass",)
    assert "most in glass" in moved.words


def test_it_is_over_when_items_have_looked_as_before_for_long_enough() -> None:
    watch = LaneWatch(RULES)
    seen(watch, belt(600, 7))
    (moved,), _ = seen(watch, belt(300, 8, light=2.0, first=600))
    assert seen(watch, belt(80, 9, first=900))[1] == []
    assert seen(watch, belt(80, 10, first=980)) == ([], [moved])
    assert watch.moved == []
    (again, *_), _ = seen(watch, belt(100, 11, light=2.0, first=1060))
    before, after = (int(each.rstrip(" %")) for each in (again.before, again.after))
    assert abs(before - int(moved.before.rstrip(" %"))) <= 2, "the drift's own items do not count"
    assert after > before + 3


def test_what_moves_beside_something_else_is_told_with_its_own_figures() -> None:
    watch, sharpness = LaneWatch(RULES), LIGHT + 1
    seen(watch, belt(600, 17))
    items = [(*each[:1], list(each[1]), *each[2:]) for each in belt(300, 18, light=3.0, first=600)]
    for number, (_, levels, _, _) in enumerate(items):
        if number >= 60:
            levels[sharpness] = (levels[sharpness] or 0) + 40
    (first, second), _ = seen(watch, iter(items))
    assert (first.statistic, second.statistic) == ("light", "sharpness")
    assert second.direction == "higher"
    assert 645 <= int(second.since.removeprefix("0-")) <= 670
    assert float(second.after.rstrip(" %")) > 2 * float(second.before.rstrip(" %"))


def test_a_changed_class_mix_is_shown_and_no_drift() -> None:
    watch = LaneWatch(RULES)
    assert seen(watch, belt(1000, 12)) == ([], [])
    assert watch.mix() == []
    mix = {"glass": 0.05, "metal": 0.05, "paper": 0.9}
    assert seen(watch, belt(400, 13, mix=mix, first=1000)) == ([], [])
    name, usual, now = watch.mix()[0]
    assert name == "paper"
    assert now > 0.8 > 0.5 > usual


def test_it_goes_on_exactly_from_what_was_kept_at_any_item() -> None:
    def whole() -> Iterator[Item]:
        yield from belt(300, 14)
        yield from belt(150, 15, light=2.0, first=300)
        yield from belt(300, 16, first=450)

    watch, expected = LaneWatch(RULES), LaneWatch(RULES)
    found: list[object] = []
    for number, each in enumerate(whole()):
        if number % 29 == 0:
            watch = LaneWatch.of(RULES, json.loads(json.dumps(watch.state())))
        found += watch.take(*each)
    wanted = [part for each in whole() for part in expected.take(*each)]
    assert found == wanted
    assert any(found)
    assert watch.state() == expected.state()


def test_a_picture_without_statistics_and_one_level_for_all_are_taken() -> None:
    watch = LaneWatch(RULES)
    for number in range(400):
        levels: list[int | None] = [255, 0, None, 0, 0, None]
        chances = np.random.default_rng(number).random(len(levels)).tolist()
        assert watch.take("glass", levels, chances, f"0-{number}") == ([], [])
    assert middle([0] * 255 + [3]) == 255


def test_a_new_kind_of_thing_among_the_usual_shows_in_the_energies() -> None:
    watch = LaneWatch(RULES)
    assert seen(watch, belt(500, 3)) == ([], [])
    strange = np.random.default_rng(4).random(200) < 0.3
    shifted: list[Item] = []
    for is_strange, (name, levels, *rest) in zip(strange, belt(200, 5, first=500), strict=True):
        higher = [*levels]
        if is_strange:
            higher[ENERGY] = 250
        shifted.append((name, higher, *rest))
    (moved, *_), _ = seen(watch, iter(shifted))
    assert (moved.statistic, moved.direction) == ("energy", "higher")


def test_a_level_of_energy_stands_for_it_and_models_without_any_are_watched() -> None:
    (energy,) = (each for each in STATISTICS if each.name == "energy")
    for value in (-30.0, -2.6, -0.5, 1.5):
        assert float(energy.words(energy_level(value))) == pytest.approx(value, rel=0.03, abs=0.03)
    assert (energy_level(-1e6), energy_level(1e6)) == (0, 255)
    watch = LaneWatch(RULES)
    for name, levels, *rest in belt(300, 6):
        bare = [*levels]
        bare[ENERGY] = None
        assert watch.take(name, bare, *rest) == ([], [])
    assert not watch.is_learning
