"""Promised and observed purity of each bin: numbers for summary.json, words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from line.observe.percent import percent
from line.promise.bound import purity_at_least
from line.promise.evidence import Evidence
from line.promise.observed import Observed
from line.promise.promise_state import WORDS, promise_state
from line.settings import DecisionSettings


def promise_figures(
    decision: DecisionSettings, observed: Observed, *, has_drifted: bool
) -> list[dict[str, Any]]:
    """Of each promise: what it rests on, and what was observed; JSON-ready.

    `has_drifted`: at the end the items were not as they had been. `at_least`: the one-sided bound
    of the observed purity, at 95 % confidence.
    """
    return [
        {
            "class": each.class_name,
            **each.model_dump(exclude={"class_name"}),
            "observed": _observed(observed[each.class_name]),
            "state": promise_state(
                each.model,
                each.model,
                is_broken=observed[each.class_name].is_broken,
                has_drifted=has_drifted,
            ),
        }
        for each in decision.promised
    ]


def in_words(figures: Mapping[str, Any]) -> str:
    """`metal 98.0% promised; 143 of 150 labelled are right, 95.3% (at least 91.4%): does …`."""
    seen, state = figures["observed"], WORDS[figures["state"]]
    told = f"{figures['class']}: {percent(figures['purity'])} promised; "
    if not seen["labelled"]:
        return f"{told}no item in its bin is labelled: {state}"
    return told + (
        f"{seen['right']} of {seen['labelled']} labelled items in its bin are right, "
        f"{percent(seen['purity'])} (at least {percent(seen['at_least'])}): {state}"
    )


def _observed(found: Evidence) -> dict[str, Any]:
    count = found.labelled
    return {
        "labelled": count,
        "right": found.right,
        "purity": round(found.right / count, 6) if count else None,
        "at_least": round(purity_at_least(found.right, count), 6) if count else None,
    }
