"""One password, kept as its scrypt hash (RFC 7914): `scrypt$n$r$p$salt$key`."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_COST, _BLOCK, _PARALLEL = 1 << 15, 8, 1
"""32 MiB and about a tenth of a second a try."""
_SALT_BYTES, _KEY_BYTES = 16, 32
_MOST_MEMORY = 1 << 27


def make_hash(password: str) -> str:
    """A hash with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _derive(password, salt, _COST, _BLOCK, _PARALLEL)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${salt.hex()}${key.hex()}"


def matches(password: str, known: str) -> bool:
    """Whether `known` is the hash of `password`, in a time that says nothing about it."""
    _, cost, block, parallel, salt, key = known.split("$")
    tried = _derive(password, bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(tried, bytes.fromhex(key))


def _derive(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=cost,
        r=block,
        p=parallel,
        maxmem=_MOST_MEMORY,
        dklen=_KEY_BYTES,
    )
