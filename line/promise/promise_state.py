"""The state of a promise: one rule for whoever shows it, with whatever suspends promises."""

from __future__ import annotations

from typing import Literal

PromiseState = Literal["stands", "broken", "another_model", "suspended"]
WORDS: dict[PromiseState, str] = {
    "stands": "nothing speaks against it",
    "broken": "does not hold",
    "another_model": "not in force: another model serves",
    "suspended": "suspended: what comes is not as it was",
}


def promise_state(
    model: str, serving: str, *, is_broken: bool, has_drifted: bool = False
) -> PromiseState:
    """`model`, `serving`: short hashes of the model that it is for, and of the one that decides.

    `is_broken`: labels have refuted it. `has_drifted`: what comes is not like what was labelled.
    """
    if model != serving:
        return "another_model"
    if is_broken:
        return "broken"
    return "suspended" if has_drifted else "stands"
