"""Pictures that stand twice: the same bytes or pixels, or nearly the same picture.

Two measures must agree. A perceptual hash finds candidates: 64 bits, each telling whether one of
the 8×8 lowest frequencies of the cosine transform lies above their median (the "pHash" of
C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010). Different
things on the same plain background agree in it often enough, because the light on the background
makes up most of it. So the thumbnails, less a quadratic surface fitted to each, which takes that
light away, must also correlate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn  # type: ignore[import-untyped]
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from training.audit.reading import SIDE_PX, Entry, Fingerprint
from training.errors import BadInput


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


Fingerprints = Mapping[Entry, Fingerprint]


def same_pictures(prints: Fingerprints) -> list[Pair]:
    """Pairs of identical pictures, as many as it takes to tell.

    Of the copies with one label in one split the first stands for all: it is paired with each of
    them and with the first of every other label and split, so that a thousand copies do not make
    half a million pairs, and no conflict or leak is missed.
    """
    pairs: list[Pair] = []
    for copies in _by_pixels(prints).values():
        homes: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in copies:
            homes[entry.split, entry.label].append(entry)
        firsts = [home[0] for home in homes.values()]
        pairs += _same(prints, combinations(firsts, 2))
        for home in homes.values():
            pairs += _same(prints, ((home[0], other) for other in home[1:]))
    return pairs


def representatives(prints: Fingerprints) -> list[Entry]:
    """The pictures less their copies with the same label in the same split."""
    first: dict[tuple[bytes, str, str], Entry] = {}
    for entry, print_ in prints.items():
        first.setdefault((print_.pixel_hash, entry.split, entry.label), entry)
    return list(first.values())


def _by_pixels(prints: Fingerprints) -> dict[bytes, list[Entry]]:
    groups: dict[bytes, list[Entry]] = defaultdict(list)
    for entry, print_ in prints.items():
        groups[print_.pixel_hash].append(entry)
    return groups


def _same(prints: Fingerprints, ends: Iterator[tuple[Entry, Entry]]) -> Iterator[Pair]:
    for first, second in ends:
        same_file = prints[first].file_hash == prints[second].file_hash
        yield Pair(first, second, Kind.SAME_FILE if same_file else Kind.SAME_PIXELS)


# Hashes compared with all others at once, and candidates whose thumbnails are gathered at once:
# they bound the memory to some hundred megabytes, however many pictures look alike.
BLOCK = 256
CHUNK = 16_384
MOST_PAIRS = 200_000
# Grey levels (of 255) by which a thumbnail must deviate from its surface. Below, what is left is
# noise of sensor and compression, and correlating it says nothing.
FLAT = 1.0

Floats = NDArray[np.float32]


def near_pairs(prints: Fingerprints, most_bits: int, least_correlation: float) -> list[Pair]:
    """Pairs of pictures that are alike but not identical, the most alike first.

    Raises BadInput if there are more than MOST_PAIRS: then the limits fit everything.
    """
    entries = representatives(prints)
    if not entries:
        return []
    thumbnails = np.stack([prints[entry].thumbnail for entry in entries]).astype(np.float32)
    details = less_background(thumbnails)
    telling = np.flatnonzero(details.any(axis=1))
    entries, details = [entries[i] for i in telling], details[telling]
    hashes = perceptual_hashes(thumbnails[telling])
    found: list[Pair] = []
    for first, second in candidates(hashes, most_bits):
        correlation = np.einsum("ij,ij->i", details[first], details[second])
        alike = correlation >= least_correlation
        found += _pairs(prints, entries, hashes, first[alike], second[alike], correlation[alike])
        if len(found) > MOST_PAIRS:
            raise BadInput(
                f"--near-bits {most_bits}, --near-correlation {least_correlation}: more than "
                f"{MOST_PAIRS} near duplicates; set narrower limits"
            )
    return sorted(found, key=lambda pair: -pair.correlation)


def perceptual_hashes(thumbnails: Floats) -> NDArray[np.uint64]:
    """Grey thumbnails `[n, side, side]` → hashes `[n]`."""
    low = dctn(thumbnails, axes=(1, 2), norm="ortho")[:, :8, :8].reshape(-1, 64)
    # The first coefficient is the mean brightness, which is no part of what the picture shows.
    above = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(above, axis=1).view(np.uint64)[:, 0]


def less_background(thumbnails: Floats) -> Floats:
    """Thumbnails `[n, side, side]` → what a quadratic surface leaves, unit vectors `[n, side²]`.

    A flat picture becomes zeros: it correlates with nothing.
    """
    y, x = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    basis = np.linalg.qr(surface)[0].astype(np.float32)
    flat = thumbnails.reshape(len(thumbnails), -1)
    left = flat - (flat @ basis) @ basis.T
    length = np.linalg.norm(left, axis=1, keepdims=True)
    vectors: Floats = np.where(length > FLAT * SIDE_PX, left / np.maximum(length, 1e-6), 0)
    return vectors


def candidates(
    hashes: NDArray[np.uint64], most_bits: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Positions of pairs, first < second, whose hashes differ in few bits; a block at a time."""
    for start in range(0, len(hashes), BLOCK):
        rows, columns = hashes[start : start + BLOCK, None], hashes[None, start:]
        first, second = np.nonzero(np.bitwise_count(rows ^ columns) <= most_bits)
        ordered = first < second
        first, second = first[ordered] + start, second[ordered] + start
        for part in range(0, len(first), CHUNK):
            yield first[part : part + CHUNK], second[part : part + CHUNK]


def _pairs(
    prints: Fingerprints,
    entries: Sequence[Entry],
    hashes: NDArray[np.uint64],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    correlation: Floats,
) -> Iterator[Pair]:
    bits = np.bitwise_count(hashes[first] ^ hashes[second])
    for i, j, differing, alike in zip(first, second, bits, correlation, strict=True):
        a, b = entries[i], entries[j]
        if prints[a].pixel_hash != prints[b].pixel_hash:  # else it is an exact pair already
            yield Pair(a, b, Kind.NEAR, int(differing), min(1.0, float(alike)))
