"""The bill of a run: processor time by process and part, and an item; see `line.observe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from line.observe.percent import NONE
from reports.figures import ratio
from reports.wording import number

Seconds = Annotated[float, Field(ge=0, le=1e12)]
HEADINGS = ("process", "s", "ms an item", "for")
STARTING = "starting"
"""The part that does not grow with the items."""


class ProcessorFacts(BaseModel):
    """As run.json has it; `items`: rows that were written meanwhile."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    items: Annotated[int, Field(ge=0, le=2**53)]
    seconds: dict[str, dict[str, Seconds]]
    """process → part → seconds"""


def processor_figures(facts: ProcessorFacts | None) -> dict[str, Any] | None:
    """As summary.json has it, the greatest first; null of a cut-off run.

    In virtual time foretold, and null where the profile does not tell.

    `items`; `seconds`, those of them spent on `starting_s`, and `ms_per_item` (all others ÷ items)
    of all processes; of each process the same three and its `parts` in seconds.
    """
    if facts is None:
        return None
    served = {
        name: sum(s for part, s in parts.items() if part != STARTING)
        for name, parts in facts.seconds.items()
    }
    starting = {name: parts.get(STARTING, 0.0) for name, parts in facts.seconds.items()}
    ranked = sorted(served, key=lambda name: (-served[name], name))
    return {
        "items": facts.items,
        **_figures(sum(served.values()), sum(starting.values()), facts.items),
        "processes": {
            name: {
                **_figures(served[name], starting[name], facts.items),
                "parts": facts.seconds[name],
            }
            for name in ranked
        },
    }


def _figures(served_s: float, starting_s: float, items: int) -> dict[str, float | None]:
    an_item_ms = ratio(1000 * served_s, items)
    return {
        "seconds": round(served_s + starting_s, 4),
        "starting_s": round(starting_s, 4),
        "ms_per_item": None if an_item_ms is None else round(an_item_ms, 4),
    }


def rows(processor: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Of `summary["processor"]`, under `HEADINGS`; the last row is the whole line's."""
    items = processor["items"]
    for name, figures in processor["processes"].items():
        parts = sorted(figures["parts"].items(), key=lambda part: -part[1])
        words = ", ".join(_part(part, seconds, items) for part, seconds in parts)
        yield name, number(figures["seconds"]), number(figures["ms_per_item"]), words
    yield (
        "together",
        number(processor["seconds"]),
        number(processor["ms_per_item"]),
        f"{items} items",
    )


def _part(part: str, seconds: float, items: int) -> str:
    if part == STARTING or not items:
        return f"{part} {number(seconds, 's')}"
    return f"{part} {number(1000 * seconds / items, 'ms')}"


def in_words(processor: Mapping[str, Any]) -> str:
    """`12.3 ms an item: worker-0 7.90, …; 5.10 s to start`; the four greatest are named."""
    figures = list(processor["processes"].items())
    named = [f"{name} {number(each['ms_per_item'])}" for name, each in figures[:4]]
    if processor["ms_per_item"] is None:
        return f"{number(processor['seconds'], 's')}, {NONE} an item"
    more = ", …" if len(figures) > 4 else ""
    an_item = f"{number(processor['ms_per_item'], 'ms')} an item: {', '.join(named)}{more}"
    return f"{an_item}; {number(processor['starting_s'], 's')} to start"


def text_table(processor: Mapping[str, Any]) -> str:
    """The bill as plain text, a process a line."""
    lines = [HEADINGS, *rows(processor)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return "\n".join(
        f"{name:<{widths[0]}}  {spent:>{widths[1]}}  {each:>{widths[2]}}  {parts}"
        for name, spent, each, parts in lines
    )
