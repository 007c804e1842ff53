"""What shall break, how and when: a function of the seed."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from line.errors import BadInput
from line.events import Corrupt, Event, Poison, Surge

_MOST = 1000


def parse_seeds(text: str) -> tuple[int, ...]:
    """`7`, `1,2,5`, `1..20`, or several of these with commas; in order, each once.

    Raises:
        BadInput: naming the option.
    """
    seeds: dict[int, None] = {}
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?:\.\.(\d+))?\s*", part)
        if found is None:
            raise BadInput(f"--seed: {text!r} is not a number, a list 1,2,5 or a range 1..20")
        first = int(found[1])
        last = int(found[2] or first)
        if last < first:
            raise BadInput(f"--seed: the range {part.strip()} runs backwards")
        if last - first >= _MOST:
            raise BadInput(f"--seed: more than {_MOST} storms")
        seeds |= dict.fromkeys(range(first, last + 1))
    return tuple(seeds)


KINDS = {
    "kill": "SIGKILL: one process, several, one twice; in the start, in the drain",
    "stop": "SIGSTOP: the same, hung until they are replaced",
    "runner": "the runner killed, alone or with all its children, and the run resumed",
    "disk": "no room for a sink's files for a while (RLIMIT_FSIZE)",
    "sink": "a sink frozen for a while, or slow",
    "model": "the model's file swapped or cut short while a worker starts again",
    "picture": "pictures damaged or cut short on their way",
    "poison": "pictures that crash every worker that takes them on",
    "overload": "items fed ten times as fast for a while",
    "clock": "the wall clock of every process jumps by hours, all the time",
}
BY_SCENARIO = ("picture", "poison", "overload")
"""Kinds that are events of the scenario; the others are injected from outside."""
_FREQUENT = ("kill", "stop")
_VARIANTS = {
    "kill": ("one", "several", "twice"),
    "stop": ("one", "several", "twice"),
    "runner": ("alone", "with its children"),
    "disk": ("csv_log", "alerts", "active_learning"),
    "sink": ("frozen", "slow"),
    "model": ("swapped", "cut short"),
}
_LEAD_S = 1.0
_TAIL_S = 3.0
"""Free of faults, so that the last one can be seen to heal before the belt ends."""


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault. `lot` chooses among what is there when it is due, 0..1."""

    kind: str
    variant: str
    at_s: float
    """belt time, or less than 0: in the start"""
    lot: float


def plan(kinds: Sequence[str], faults: int, duration_s: float, seed: int) -> list[Injection]:
    """`faults` injections dealt to the kinds in turn, at random times of the feed, in order.

    Kills and stops come twice in a round. Of each of them one comes in the start and one in the
    drain, if there are so many. The clock is not among them: it jumps from start to end.
    """
    rng = random.Random(f"drill/{seed}")  # noqa: S311 - the same seed, the same drill
    timed = [kind for kind in kinds if kind != "clock"]
    turns = [*timed, *(kind for kind in timed if kind in _FREQUENT)]
    dealt: dict[str, int] = dict.fromkeys(timed, 0)
    injections = []
    for kind in islice(cycle(turns), faults if turns else 0):
        number = dealt[kind]
        dealt[kind] += 1
        variants = _VARIANTS.get(kind, ("",))
        variant = variants[number % len(variants)]
        at_s = rng.uniform(_LEAD_S, max(_LEAD_S, duration_s - _TAIL_S))
        if kind in _FREQUENT and number in (3, 4):
            variant, at_s = ("in the start", -1.0) if number == 3 else ("in the drain", duration_s)
        injections.append(Injection(kind, variant, at_s, rng.random()))
    return sorted(injections, key=lambda injection: injection.at_s)


def events(injections: Sequence[Injection]) -> list[Event]:
    """Those of a plan that the scenario itself carries out."""
    made: list[Event] = []
    for each in injections:
        at_s = round(each.at_s, 3)
        if each.kind == "picture":
            made.append(Corrupt(action="corrupt", at_s=at_s, duration_s=1.0, share=0.5))
        elif each.kind == "poison":
            made.append(Poison(action="poison", at_s=at_s, duration_s=0.5, share=0.3))
        elif each.kind == "overload":
            made.append(Surge(action="surge", at_s=at_s, duration_s=2.0, factor=10.0))
    return made
