"""When a worker moves, without a cluster."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from placement.actor import Actor, least_needed
from placement.spread import Spread

ROOMS = {"a": 4, "b": 4, "c": 1}


def targets(
    spread: Spread, held: Mapping[str, int], rooms: Mapping[str, int], since: float
) -> list[tuple[float, str]]:
    """What comes of twenty seconds in which all is well, looked at twice a second."""
    found = [
        (now, spread.target(held, rooms, now, is_well=True))
        for now in (since + 0.5 * n for n in range(40))
    ]
    return [(now, node) for now, node in found if node is not None]


@pytest.mark.parametrize(
    ("held", "node"),
    [
        ({"a": 4}, "b"),
        ({"a": 2, "b": 1}, "c"),
        ({"a": 3, "b": 1, "c": 1}, "b"),
        ({"a": 2, "b": 1, "c": 1}, None),
        ({"a": 1, "b": 1}, None),
        ({}, None),
    ],
)
def test_the_node_with_room_and_fewest_gets_one_if_another_has_two_more(
    held: Mapping[str, int], node: str | None
) -> None:
    found = targets(Spread(), held, ROOMS, since=100.0)
    assert {to for _, to in found} == ({node} if node else set())


def test_a_pause_is_before_each_move_and_whenever_something_breaks() -> None:
    spread, held = Spread(), {"a": 4}
    (first, _), (second, _), *_ = targets(spread, held, ROOMS, since=100.0)
    assert first - 100.0 >= 5.0
    assert second - first >= 5.0
    assert spread.target(held, ROOMS, 130.0, is_well=False) is None
    assert targets(spread, held, ROOMS, since=130.0)[0][0] >= 135.0
    assert spread.target(held, {"a": 4, "b": 4}, 150.0, is_well=True) is None  # a node is gone
    assert targets(spread, held, {"a": 4, "b": 4}, since=150.0)[0][0] >= 155.0


def test_a_node_on_which_no_worker_came_up_is_left_alone() -> None:
    spread = Spread()
    spread.failed("b", 100.0)
    assert {node for _, node in targets(spread, {"a": 4}, ROOMS, since=100.0)} == {"c"}
    assert {node for _, node in targets(spread, {"a": 4, "c": 1}, ROOMS, since=450.0)} == {"b"}


def test_who_does_not_serve_goes_first_and_then_one_of_the_fullest_node() -> None:
    actors = {
        number: Actor(f"ray-{number}", None, node=node, serves=True)
        for number, node in enumerate(["a", "a", "b"])
    }
    assert least_needed(actors) == 1
    actors[2].serves = False
    assert least_needed(actors) == 2
