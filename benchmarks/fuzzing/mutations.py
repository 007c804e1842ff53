"""Odd input made from good input: cut, repeated, spliced, overwritten, swollen, nested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Parts = tuple[bytes, ...]
"""What a decoder is given: the parts of a message; for anything but messages there is one."""

_NASTY = (
    b"\xdd\xff\xff\xff\xff",  # MessagePack: an array, a text, a map of four thousand million
    b"\xdb\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc1",  # never used in MessagePack
    b"\x91" * 2000,
    b"\xcb\x7f\xf8\0\0\0\0\0\0",  # not a number
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"[" * 2000,
    b'{"a":' * 2000,
    b"a." * 2000 + b"a = 1\n",
    b"9" * 5000,
    b"1e999",
    b"-1",
    b"NaN",
    b"\0",
    b"\r",
    b'"',
    b"\n",
    b"\xff\xfe",
    b"\xed\xa0\x80",  # a lone surrogate
)


def mutate(parts: Parts, others: Sequence[Parts], rng: Random) -> Parts:
    """One to four changes; at times one part of a message is left out, repeated or exchanged."""
    changed = list(parts)
    for _ in range(rng.randint(1, 4)):
        if rng.random() < 0.1:
            _shuffle_parts(changed, others, rng)
        if changed:
            place = rng.randrange(len(changed))
            other = rng.choice(rng.choice(others) or (b"",))
            changed[place] = rng.choice(_CHANGES)(changed[place], other, rng)
    return tuple(changed)


def _shuffle_parts(parts: list[bytes], others: Sequence[Parts], rng: Random) -> None:
    place = rng.randrange(len(parts) + 1)
    if rng.random() < 0.5:
        parts[place : place + 1] = []
    else:
        parts[place:place] = rng.choice(others)[:1]


def _flip(data: bytes, _: bytes, rng: Random) -> bytes:
    if not data:
        return data
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def _overwrite(data: bytes, _: bytes, rng: Random) -> bytes:
    begin, end = _slice(data, rng)
    return data[:begin] + rng.randbytes(end - begin) + data[end:]


def _delete(data: bytes, _: bytes, rng: Random) -> bytes:
    begin, end = _slice(data, rng)
    return data[:begin] + data[end:]


def _repeat(data: bytes, _: bytes, rng: Random) -> bytes:
    begin, end = _slice(data, rng)
    return data[:begin] + data[begin:end] * rng.randint(2, 20) + data[end:]


def _truncate(data: bytes, _: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _splice(data: bytes, other: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _insert_nasty(data: bytes, _: bytes, rng: Random) -> bytes:
    begin, end = _slice(data, rng)
    return data[:begin] + rng.choice(_NASTY) + data[rng.choice((begin, end)) :]


def _random(_: bytes, __: bytes, rng: Random) -> bytes:
    return rng.randbytes(rng.randrange(200))


_CHANGES: tuple[Callable[[bytes, bytes, Random], bytes], ...] = (
    _flip,
    _flip,
    _overwrite,
    _delete,
    _repeat,
    _truncate,
    _splice,
    _insert_nasty,
    _random,
)


def _slice(data: bytes, rng: Random) -> tuple[int, int]:
    begin = rng.randrange(len(data) + 1)
    return begin, min(len(data), begin + rng.randint(0, 16))
