"""Which output of a model holds its answer, and what kind of answer it is.

It is told by running the file: shapes in a file may be missing or wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from line.errors import BadInput
from line.plain_text import plain

Outputs = Mapping[str, NDArray[Any]]

_SUM_TOLERANCE = 1e-2
"""Probabilities in float16 miss 1 by up to some thousandths."""
_LOW = -1e-3


@dataclass(frozen=True)
class AnswerOutput:
    """`name`: of the output; `classes`: how many; `is_logits`: scores that need a softmax."""

    name: str
    classes: int
    is_logits: bool
    outputs: int
    """how many the file has"""
    sums: NDArray[np.float32] | None = None
    """see `class_map.sums`; None: each class is one of the belt"""

    def of(self, given: Outputs) -> NDArray[np.float32]:
        """The probabilities of the first picture, float32 [classes of the belt]."""
        values = given[self.name][0].astype(np.float64).reshape(-1)
        if self.is_logits:
            values = np.exp(values - values.max())
        if self.sums is not None:
            values = values @ self.sums
        return np.asarray(values / values.sum(), np.float32)


def find_answer(
    graph: onnx.GraphProto, given: Sequence[Outputs], batch: int, classes: int | None
) -> AnswerOutput:
    """`given`: of several pictures; `classes`: how many names there are, if any.

    Raises:
        BadInput: for a model of another kind, another number of classes, and no numbers.
    """
    first = given[0]
    if others := _another_kind(first, batch):
        raise BadInput(others)
    fitting = {name: _width(value, batch) for name, value in first.items()}
    fitting = {name: width for name, width in fitting.items() if width > 1}
    if not fitting:
        raise BadInput(_no_classifier(first))
    if classes is not None and classes not in fitting.values():
        numbers = " and ".join(f"{width} (output {name})" for name, width in fitting.items())
        raise BadInput(
            f"gives {numbers} numbers for a picture, and there are {classes} class names"
        )
    if classes is None:
        count = next(iter(fitting.values()))
        raise BadInput(
            f"names no classes: give --classes, {count} names in the order of its outputs "
            "(a,b,c, a text or JSON file, or a folder of class folders)"
        )
    names = [name for name, width in fitting.items() if width == classes]
    for name in names:
        if not all(np.isfinite(row[name].astype(np.float64)).all() for row in given):
            raise BadInput(f"gives {_not_finite(given, name)} in its output {name}")
    sure = next((name for name in names if _are_distributions(given, name)), None)
    name = sure or names[0]
    if sure is None and _maker(graph, name) in ("Sigmoid", "HardSigmoid"):
        raise BadInput(
            f"output {name} is a Sigmoid, a probability of each class by itself; "
            "expected classes of which one holds"
        )
    return AnswerOutput(name, classes, is_logits=sure is None, outputs=len(first))


def _width(value: NDArray[Any], batch: int) -> int:
    """Numbers for a picture, if they stand in one row; else 0."""
    is_number = np.issubdtype(value.dtype, np.floating)
    if not is_number or value.ndim < 2 or value.shape[0] != batch:
        return 0
    width = max(value.shape[1:])
    return width if math.prod(value.shape[1:]) == width else 0


def _another_kind(first: Outputs, batch: int) -> str:
    """A detector tells where things are; empty if this is none."""
    for name, value in first.items():
        shape = list(value.shape)
        boxes = len(shape) == 3 and shape[-1] == 4
        if boxes or ("box" in name.lower() and 4 in shape):
            return f"is a detector: output {name} {shape} holds boxes; expected a classifier"
    return ""


def _no_classifier(first: Outputs) -> str:
    name, value = next(iter(first.items()))
    shape = list(value.shape)
    what = f"output {plain(name, 40)} {shape}"
    if len(shape) == 4 and min(shape[2:]) > 1:
        return f"is no classifier: {what} holds a map of the picture (a segmenter?)"
    if len(shape) == 3:
        return f"is no classifier: {what} holds many answers for a picture (a detector?)"
    if value.size == 1 or max(shape[1:], default=1) == 1:
        return f"is no classifier: {what} holds one number for a picture (a regression?)"
    return f"is no classifier: {what}, expected floating point [batch, classes]"


def _not_finite(given: Sequence[Outputs], name: str) -> float:
    every = np.concatenate([row[name].astype(np.float64).reshape(-1) for row in given])
    return float(every[~np.isfinite(every)][0])


def _are_distributions(given: Sequence[Outputs], name: str) -> bool:
    rows = np.stack([row[name][0].astype(np.float64).reshape(-1) for row in given])
    return bool(rows.min() >= _LOW and (abs(rows.sum(axis=1) - 1) <= _SUM_TOLERANCE).all())


def _maker(graph: onnx.GraphProto, tensor: str) -> str:
    """The operator that computes a tensor, casts and the like looked through."""
    makers = {output: node for node in graph.node for output in node.output}
    node = makers.get(tensor)
    while node is not None and node.op_type in ("Identity", "Cast", "Reshape", "Flatten"):
        node = makers.get(node.input[0])
    return "" if node is None else str(node.op_type)
