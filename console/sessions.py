"""Who is signed in: a signed cookie, whose secret is made anew with every start of the console."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from itsdangerous import BadSignature, URLSafeTimedSerializer

from console.passwords import matches

COOKIE = "scrapline_session"
LASTS_S = 12 * 3600
_TRIES = 5
_PER_S = 60.0
_ADDRESSES = 1024
"""Remembered for their failed tries; the oldest is forgotten first."""


class Sessions:
    """Hands out and reads session cookies. Without a password hash everybody is let in."""

    def __init__(self, password_hash: str, clock: Callable[[], float] = monotonic) -> None:
        self._hash = password_hash
        self._clock = clock
        self._signer = URLSafeTimedSerializer(secrets.token_hex(32), salt="console")
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    @property
    def needs_login(self) -> bool:
        return bool(self._hash)

    def open(self, name: str) -> str:
        """A cookie for somebody who has signed in as `name`."""
        return self._signer.dumps(name)

    def name(self, cookie: str | None) -> str | None:
        """Whose session a cookie is; None if it is none of this console's, or too old."""
        if not self._hash or not cookie:
            return None
        try:
            return str(self._signer.loads(cookie, max_age=LASTS_S))
        except BadSignature:
            return None

    def may_try(self, address: str) -> bool:
        """Whether another password may be tried from there: five failures a minute are enough."""
        return len(self._recent(address)) < _TRIES

    def check(self, address: str, password: str) -> bool:
        """Whether the password is right; a wrong one counts against the address. Takes its time."""
        if matches(password, self._hash):
            self._failures.pop(address, None)
            return True
        self._failures[address] = [*self._recent(address), self._clock()]
        self._failures.move_to_end(address)
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)
        return False

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - _PER_S
        return [then for then in self._failures.get(address, ()) if then > since]
