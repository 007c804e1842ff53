"""The streams of `randomness.stream`, item after item, at a fraction of the price.

To open a stream takes 16 µs, nearly all of it for hashing four numbers into a generator's state.
Here numpy hashes those of many items at once: the arithmetic of its own `SeedSequence` (Melissa
O'Neill's seed_seq_fe) on arrays. Tests hold it against the streams themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

from producers.randomness import Purpose

_BLOCK_ITEMS = 1024
_POOL_WORDS = 4
_STATE_WORDS = 8
_WORD = 1 << 32
_UINT64 = (1 << 64) - 1
_PCG64_WORD = (1 << 128) - 1
_PCG64_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645

Words = NDArray[np.uint32]


def streams(seed: int, camera: int, purpose: Purpose) -> Iterator[np.random.Generator]:
    """`stream(seed, camera, seq, purpose)` for seq 0, 1, 2 …, without end.

    It is one generator, set anew for each item: done with before the next is asked for.
    """
    bits = np.random.PCG64(0)
    generator = np.random.Generator(bits)
    fresh = bits.state
    for first in count(0, _BLOCK_ITEMS):
        for state, increment in _states(seed, camera, first, purpose):
            fresh["state"] = {"state": state, "inc": increment}
            bits.state = fresh
            yield generator


def first_uniforms(seed: int, camera: int, purpose: Purpose) -> Iterator[float]:
    """`stream(seed, camera, seq, purpose).random()` for seq 0, 1, 2 …, without end."""
    for first in count(0, _BLOCK_ITEMS):
        for state, increment in _states(seed, camera, first, purpose):
            word = (state * _PCG64_MULTIPLIER + increment) & _PCG64_WORD
            yield (_turned(word) >> 11) * 2.0**-53


def _states(seed: int, camera: int, first: int, purpose: Purpose) -> Iterator[tuple[int, int]]:
    """State and increment of PCG64, as it is seeded, for each item of one block."""
    seqs = np.arange(first, first + _BLOCK_ITEMS, dtype=np.uint32)
    entropy = [*_words(seed), *_words(camera), seqs, *_words(purpose)]
    seeds = np.stack(_state(_pool(entropy)), axis=-1).view(np.uint64)
    for high, low, stream_high, stream_low in seeds.tolist():
        increment = ((stream_high << 64 | stream_low) << 1 | 1) & _PCG64_WORD
        start = increment + (high << 64 | low)
        yield (start * _PCG64_MULTIPLIER + increment) & _PCG64_WORD, increment


def _turned(state: int) -> int:
    """PCG's XSL-RR output: both halves combined, turned right by the top six bits."""
    word = (state >> 64) ^ (state & _UINT64)
    turn = state >> 122
    return (word >> turn | word << (64 - turn)) & _UINT64


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
        mixed = mixed * np.uint32(self._constant)
        return mixed ^ (mixed >> np.uint32(16))


def _mixed(one: Words, other: Words) -> Words:
    mixed = one * np.uint32(0xCA01F9DD) - other * np.uint32(0x4973F715)
    return mixed ^ (mixed >> np.uint32(16))
