"""Where every random number of a belt comes from, one at a time or many.

A stream belongs to one item and one purpose. It is a function of (seed, camera, sequence, purpose)
alone, so an item looks and arrives the same whatever came before it, in whichever process, and
however often it is asked for. Drawing one more number for one purpose never disturbs another.

Nearly all that it takes to open a stream is hashing four numbers into a generator's state.
Here numpy hashes those of many items at once: the arithmetic of its own `SeedSequence` (Melissa
O'Neill's seed_seq_fe) on arrays. Tests hold it against the streams themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.uint64]

_MULTIPLIER_HIGH = np.uint64(0x2360ED051FC65DA4)
_MULTIPLIER_LOW = np.uint64(0x4385DF649FCCF645)
_QUARTER = np.uint64(32)
_LOW_QUARTER = np.uint64(0xFFFFFFFF)


@dataclass(slots=True)
class Wide:
    """Unsigned numbers modulo 2^128, as two arrays of the same length."""

    high: Halves
    low: Halves

    def __add__(self, other: Wide) -> Wide:
        low = self.low + other.low
        carry = (low < self.low).astype(np.uint64)
        return Wide(self.high + other.high + carry, low)

    def times_pcg64(self) -> Wide:
        """Times the multiplier of PCG64."""
        lower, upper = self.low & _LOW_QUARTER, self.low >> _QUARTER
        lower_by, upper_by = _MULTIPLIER_LOW & _LOW_QUARTER, _MULTIPLIER_LOW >> _QUARTER
        least, crossed, across = lower * lower_by, lower * upper_by, upper * lower_by
        middle = (least >> _QUARTER) + (crossed & _LOW_QUARTER) + (across & _LOW_QUARTER)
        carry = upper * upper_by + (crossed >> _QUARTER) + (across >> _QUARTER)
        high = carry + (middle >> _QUARTER) + self.high * _MULTIPLIER_LOW
        return Wide(high + self.low * _MULTIPLIER_HIGH, self.low * _MULTIPLIER_LOW)

    def whole(self) -> Iterator[int]:
        """Each number as one."""
        for high, low in zip(self.high.tolist(), self.low.tolist(), strict=True):
            yield high << 64 | low


class Purpose(IntEnum):
    """What a stream is drawn for. The values are part of every seeded belt: only ever append."""

    ARRIVAL = 0
    ITEM = 1
    PICTURE = 2
    OPTICS = 3
    ORDER = 4
    DAMAGE = 5
    TWIN = 6
    FAILURE = 7
    CELL = 8
    SLOWNESS = 9
    TWIN_ERROR = 10


def stream(seed: int, camera: int, seq: int, purpose: Purpose) -> np.random.Generator:
    """The generator of one item of one camera, for one purpose; fresh at each call.

    All four numbers must be at least 0; ValueError otherwise. Python's `hash()` has no part in it,
    for it differs between processes.
    """
    words = np.random.SeedSequence([seed, camera, seq, int(purpose)])
    return np.random.Generator(np.random.PCG64(words))


_BLOCK_ITEMS = 1024
_POOL_WORDS = 4
_STATE_WORDS = 8
_WORD = 1 << 32

Words = NDArray[np.uint32]


def streams(
    seed: int, camera: int, purpose: Purpose, since: int = 0
) -> Iterator[np.random.Generator]:
    """`stream(seed, camera, seq, purpose)` for seq `since`, `since` + 1 …, without end.

    It is one generator, set anew for each item: done with before the next is asked for.
    """
    bits = np.random.PCG64(0)
    generator = np.random.Generator(bits)
    fresh = bits.state
    for first in count(since, _BLOCK_ITEMS):
        state, increment = _seeded(seed, camera, first, purpose)
        for begin, step in zip(state.whole(), increment.whole(), strict=True):
            fresh["state"] = {"state": begin, "inc": step}
            bits.state = fresh
            yield generator


def first_uniforms(seed: int, camera: int, purpose: Purpose) -> Iterator[float]:
    """`stream(seed, camera, seq, purpose).random()` for seq 0, 1, 2 …, without end."""
    for first in count(0, _BLOCK_ITEMS):
        state, increment = _seeded(seed, camera, first, purpose)
        state = state.times_pcg64() + increment
        word, turn = state.high ^ state.low, state.high >> np.uint64(58)
        back = (np.uint64(64) - turn) & np.uint64(63)
        turned = word >> turn | word << back  # PCG's XSL-RR
        yield from ((turned >> np.uint64(11)) * 2.0**-53).tolist()


def _seeded(seed: int, camera: int, first: int, purpose: Purpose) -> tuple[Wide, Wide]:
    """State and increment of PCG64, as it is seeded, of each item of one block."""
    seqs = np.arange(first, first + _BLOCK_ITEMS, dtype=np.uint32)
    entropy = [*_words(seed), *_words(camera), seqs, *_words(purpose)]
    words = [word.astype(np.uint64) for word in _state(_pool(entropy))]
    halves = [
        low | high << np.uint64(32) for low, high in zip(words[::2], words[1::2], strict=True)
    ]
    start, chosen = Wide(halves[0], halves[1]), Wide(halves[2], halves[3])
    increment = chosen + chosen
    increment.low |= np.uint64(1)
    return (start + increment).times_pcg64() + increment, increment


def _words(number: int) -> list[Words]:
    """The same 32-bit words for every item, the low one first."""
    low = np.full(_BLOCK_ITEMS, number % _WORD, np.uint32)
    return [low] if number < _WORD else [low, *_words(number // _WORD)]


def _pool(entropy: list[Words]) -> list[Words]:
    """All entropy mixed into four words."""
    hashed = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [hashed(word) for word in entropy[:_POOL_WORDS]]
    for source in range(_POOL_WORDS):
        for target in range(_POOL_WORDS):
            if source != target:
                pool[target] = _mixed(pool[target], hashed(pool[source]))
    for word in entropy[_POOL_WORDS:]:
        pool = [_mixed(target, hashed(word)) for target in pool]
    return pool


def _state(pool: list[Words]) -> list[Words]:
    hashed = _Hash(0x8B51F9DD, 0x58F38DED)
    return [hashed(pool[number % _POOL_WORDS]) for number in range(_STATE_WORDS)]


class _Hash:
    """Its constant moves on with each use."""

    def __init__(self, constant: int, multiplier: int) -> None:
        self._constant = constant
        self._multiplier = multiplier

    def __call__(self, word: Words) -> Words:
        mixed = word ^ np.uint32(self._constant)
        self._constant = self._constant * self._multiplier % _WORD
        return _folded(mixed * np.uint32(self._constant))


def _mixed(one: Words, other: Words) -> Words:
    return _folded(one * np.uint32(0xCA01F9DD) - other * np.uint32(0x4973F715))


def _folded(word: Words) -> Words:
    return word ^ (word >> np.uint32(16))
