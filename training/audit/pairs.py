"""Two pictures that are the same, or nearly, and what that means for training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from training.audit.listing import Entry


class Kind(StrEnum):
    """How alike two pictures are."""

    SAME_FILE = "same file"
    SAME_PIXELS = "same pixels"
    NEAR = "near duplicate"


class Mark(StrEnum):
    """What a pair does: teach two labels, let a judged picture be learned, or only weigh double."""

    CONFLICT = "across labels"
    LEAKAGE = "across splits"
    WITHIN = "within a split"


@dataclass(frozen=True)
class Pair:
    """Two alike pictures; `bits` (of 64) in which their hashes differ, correlation in −1…1."""

    first: Entry
    second: Entry
    kind: Kind
    bits: int = 0
    correlation: float = 1.0

    @property
    def marks(self) -> tuple[Mark, ...]:
        """One or both of CONFLICT and LEAKAGE, or WITHIN where neither is true."""
        conflict = (Mark.CONFLICT,) if self.first.label != self.second.label else ()
        leakage = (Mark.LEAKAGE,) if self.first.split != self.second.split else ()
        return (*conflict, *leakage) or (Mark.WITHIN,)


def group_numbers(entries: Sequence[Entry], pairs: Iterable[Pair]) -> NDArray[np.int64]:
    """For each entry the number of its group: those that pairs connect share one. `[n]`."""
    position = {entry: index for index, entry in enumerate(entries)}
    ends = [(position[pair.first], position[pair.second]) for pair in pairs]
    rows, columns = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(ends)), (rows, columns)), shape=(len(entries),) * 2)
    _, numbers = connected_components(graph, directed=False)
    return np.asarray(numbers, dtype=np.int64)
