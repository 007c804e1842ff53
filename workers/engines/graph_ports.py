"""What the input and the output of a graph must be, whatever loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from line.errors import BadInput, NotAdopted
from workers.engine import Answers, Takes

PREFIX = "scrapline."
ENERGY = "energy"
"""Name of the output, float [batch]."""
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


class Port(Protocol):
    """An input or output; `shape`: a number for a side that is fixed, anything else for others."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str:
        """As ONNX Runtime has it: `tensor(uint8)`."""

    @property
    def shape(self) -> Sequence[object]: ...


P = TypeVar("P", bound=Port)


def own_entries(entries: dict[str, str]) -> dict[str, str]:
    """Those of the line, without their prefix."""
    return {
        key.removeprefix(PREFIX): value for key, value in entries.items() if key.startswith(PREFIX)
    }


def takes_of(port: Port) -> Takes:
    """What an input that was checked says that it is limited to."""
    batch, height, width, _ = (side if isinstance(side, int) else None for side in port.shape)
    return Takes(batch, height, width)


def only_input(inputs: Sequence[P]) -> P:
    """Raises BadInput unless it is one, for uint8 pictures."""
    if len(inputs) != 1:
        raise BadInput(f"the model has {len(inputs)} inputs, expected one")
    (only,) = inputs
    has_four = len(only.shape) == 4
    channels = only.shape[3] if has_four else None
    if (
        only.type != "tensor(uint8)"
        or not has_four
        or (channels != 3 and isinstance(channels, int))
    ):
        hint = ", the colours last" if has_four and only.shape[1] == 3 else ""
        kind = NotAdopted if has_four and 3 in (only.shape[1], channels) else BadInput
        raise kind(
            f"input {only.name} is {only.type} {list(only.shape)}, "
            f"expected uint8 [batch, height, width, 3]{hint}"
        )
    return only


def asked_outputs(outputs: Sequence[P]) -> list[P]:
    """The probabilities, and the energy of a model that gives one; what else it gives is not asked.

    Raises:
        BadInput: if the first output is none of probabilities.
    """
    first = _first_output(outputs)
    energy = (
        each
        for each in outputs[1:]
        if each.name == ENERGY and each.type in _FLOATS and len(each.shape) == 1
    )
    return [first, *list(energy)[:1]]


def answers_of(given: Sequence[Any]) -> Answers:
    """What the `asked_outputs` gave, copied: an engine may use their memory again."""
    return Answers(*(np.array(each, np.float32) for each in given))


def _first_output(outputs: Sequence[P]) -> P:
    if not outputs:
        raise BadInput("the model has no output")
    first = outputs[0]
    if first.type not in _FLOATS or len(first.shape or (0, 0)) != 2:
        of = f", the first of {len(outputs)}," if len(outputs) > 1 else ""
        raise BadInput(
            f"output {first.name}{of} is {first.type} {list(first.shape) or ''}, "
            "expected probabilities: float [batch, classes]"
        )
    return first
