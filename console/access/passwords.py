"""One password, and how often it may be tried.

It is kept as its scrypt hash (RFC 7914): `scrypt$n$r$p$salt$key`.

All programs of this machine are one place, whatever loopback address they come from, and so are all
who come through a proxy on it: no header is believed about who is behind it. Somebody who guesses
without end uses up the tries of everybody; a browser that has logged in before has its own tries,
and the token in the console's address needs none.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from time import monotonic

from itsdangerous import BadSignature, URLSafeSerializer

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


_FROM_A_PLACE = 5
_BY_EVERYBODY = 30
_PER_S = 60.0
_PLACES = 1024
"""Remembered for their tries; the oldest is forgotten first."""
_EVERYBODY = "everybody"
_LONGEST_COOKIE = 1000


class LoginTries:
    """Counts tries. `key` signs what a browser is known by, and outlives the console."""

    def __init__(self, key: str, port: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._signer = URLSafeSerializer(hmac.digest(key.encode(), b"known browsers", "sha256"))
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, list[float]] = OrderedDict()
        """place → moments of its tries of late"""
        self.cookie = f"scrapline_browser_{port}"
        """name of the cookie of a browser that has logged in before"""

    def new_browser(self) -> str:
        """A cookie for a browser that has just logged in."""
        return self._signer.dumps(secrets.token_urlsafe(12))

    def may_try(self, address: str, browser: str | None = None) -> bool:
        """Count a try from there, before its password is looked at; False if there were too many.

        `browser` is the cookie of a known one, if it sent any.
        """
        known = self._known(browser)
        with self._lock:
            if known is not None:
                return self._count(known, _FROM_A_PLACE)
            place = place_of(address)
            if not self._has_room(place, _FROM_A_PLACE):
                return False
            return self._count(_EVERYBODY, _BY_EVERYBODY) and self._count(place, _FROM_A_PLACE)

    def forgive(self, address: str, browser: str | None = None) -> None:
        """The last try from there was right and does not count."""
        known = self._known(browser)
        with self._lock:
            for name in (known,) if known is not None else (place_of(address), _EVERYBODY):
                if self._tries.get(name):
                    self._tries[name].pop()

    def _known(self, browser: str | None) -> str | None:
        if not browser or len(browser) > _LONGEST_COOKIE:
            return None
        try:
            return f"browser {self._signer.loads(browser)}"
        except BadSignature:
            return None

    def _count(self, name: str, most: int) -> bool:
        if not self._has_room(name, most):
            return False
        self._tries[name].append(self._clock())
        return True

    def _has_room(self, name: str, most: int) -> bool:
        since = self._clock() - _PER_S
        recent = [then for then in self._tries.get(name, ()) if then > since]
        self._tries[name] = recent
        self._tries.move_to_end(name)
        if len(self._tries) > _PLACES:
            self._tries.popitem(last=False)
        return len(recent) < most


def place_of(address: str) -> str:
    """Where a connection comes from, as tries are counted: one machine, or one network of IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "elsewhere"
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return "this machine"
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found), 64), strict=False))
    return str(found)
