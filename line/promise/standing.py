"""How a promise stands: one rule, for whoever shows it. Whatever suspends promises says so here."""

from __future__ import annotations

from typing import Literal

Standing = Literal["stands", "broken", "another_model", "suspended"]
WORDS: dict[Standing, str] = {
    "stands": "nothing speaks against it",
    "broken": "does not hold",
    "another_model": "not in force: another model serves",
    "suspended": "suspended",
}


def standing(model: str, serving: str, *, is_broken: bool) -> Standing:
    """`model`, `serving`: short hashes of the model that it is for, and of the one that decides.

    `is_broken`: labels have refuted it.
    """
    if model != serving:
        return "another_model"
    return "broken" if is_broken else "stands"
