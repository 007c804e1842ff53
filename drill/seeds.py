"""Which seeds to drill, from a text."""

from __future__ import annotations

import re

from line.errors import BadInput

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
