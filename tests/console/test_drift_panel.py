"""What the panel says of a lane."""

from __future__ import annotations

from console.line_page.drift import mix_of, state_of


def test_a_lane_learns_is_as_it_was_or_has_moved() -> None:
    lane = {"source": "camera-0", "learned": 20, "to_learn": 60, "moved": [], "mix": []}
    assert state_of(lane) == "learning, 20 of 60 items"
    assert state_of(lane | {"learned": 60}) == "as it was"
    moved = ["light is lower since item 0-8", "sharpness is higher since item 0-9"]
    assert state_of(lane | {"learned": 60, "moved": moved}) == "; ".join(moved)


def test_a_changed_mix_is_told_with_what_is_usual() -> None:
    told = mix_of([["glass", 0.17, 0.61], ["metal", 0.3, 0.12]])
    assert told == "lately glass 61.0 % (usually 17.0 %), metal 12.0 % (usually 30.0 %)"
