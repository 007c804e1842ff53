"""Which pictures belong together: identical ones, nearly identical ones, and what they connect.

By the measures of `duplicates`. No list of pairs is made, so thousands of frames of one scene, of
which each is like each, cost no more than others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from training.audit.duplicates import Floats, candidates, less_background, perceptual_hashes
from training.audit.reading import Fingerprint

Groups = NDArray[np.int64]
"""For each picture the number of its group, `[n]`."""
BLOCK = 4096


def identical_groups(prints: Sequence[Fingerprint]) -> Groups:
    """Those of the same pixels share a group."""
    numbers: dict[bytes, int] = {}
    found = [numbers.setdefault(print_.pixel_hash, len(numbers)) for print_ in prints]
    return np.array(found, dtype=np.int64)


def alike_groups(prints: Sequence[Fingerprint], most_bits: int, least_correlation: float) -> Groups:
    """Identical and nearly identical pictures share a group, whoever connects them."""
    if not prints:
        return np.zeros(0, dtype=np.int64)
    same = identical_groups(prints)
    _, firsts = np.unique(same, return_index=True)
    details, hashes = _measures([prints[i] for i in firsts])
    groups = np.arange(len(firsts), dtype=np.int64)
    telling = np.flatnonzero(details.any(axis=1))
    details, hashes = details[telling], hashes[telling]
    for first, second in candidates(hashes, most_bits):
        apart = groups[telling[first]] != groups[telling[second]]
        first, second = first[apart], second[apart]
        alike = np.einsum("ij,ij->i", details[first], details[second]) >= least_correlation
        groups = connected(groups, telling[first[alike]], telling[second[alike]])
    return groups[same]


def connected(groups: Groups, first: NDArray[np.int64], second: NDArray[np.int64]) -> Groups:
    """The groups after picture `first[i]` and `second[i]` have come to share one, for each i."""
    if not len(first):
        return groups
    ends = (groups[first], groups[second])
    graph = coo_array((np.ones(len(first)), ends), shape=(int(groups.max()) + 1,) * 2)
    _, numbers = connected_components(graph, directed=False)
    return np.asarray(numbers, dtype=np.int64)[groups]


def _measures(prints: Sequence[Fingerprint]) -> tuple[Floats, NDArray[np.uint64]]:
    details, hashes = [], []
    for start in range(0, len(prints), BLOCK):
        block = [print_.thumbnail for print_ in prints[start : start + BLOCK]]
        thumbnails = np.stack(block).astype(np.float32)
        details.append(less_background(thumbnails))
        hashes.append(perceptual_hashes(thumbnails))
    return np.concatenate(details), np.concatenate(hashes)
