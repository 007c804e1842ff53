"""Pictures that are there more than once, by the hash of the file or of the decoded pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from training.audit.fingerprint import Fingerprint
from training.audit.listing import Entry
from training.audit.pairs import Kind, Pair

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
        pairs += _pairs(prints, combinations(firsts, 2))
        for home in homes.values():
            pairs += _pairs(prints, ((home[0], other) for other in home[1:]))
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


def _pairs(prints: Fingerprints, ends: Iterator[tuple[Entry, Entry]]) -> Iterator[Pair]:
    for first, second in ends:
        same_file = prints[first].file_hash == prints[second].file_hash
        yield Pair(first, second, Kind.SAME_FILE if same_file else Kind.SAME_PIXELS)
