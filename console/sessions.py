"""Who is signed in: a signed cookie, whose secret is made anew with every start of the console."""

from __future__ import annotations

import secrets
import threading
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
"""Remembered for their tries; the oldest is forgotten first."""


class Sessions:
    """Hands out and reads session cookies. Without a password hash everybody is let in."""

    def __init__(self, password_hash: str, clock: Callable[[], float] = monotonic) -> None:
        self._hash = password_hash
        self._clock = clock
        self._signer = URLSafeTimedSerializer(secrets.token_hex(32), salt="console")
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, list[float]] = OrderedDict()
        """address → moments of its tries, but for those before a right one"""

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
        """Take a try from there, before its password is looked at; five wrong ones a minute."""
        now = self._clock()
        with self._lock:
            recent = [then for then in self._tries.get(address, ()) if then > now - _PER_S]
            if len(recent) >= _TRIES:
                return False
            self._tries[address] = [*recent, now]
            self._tries.move_to_end(address)
            if len(self._tries) > _ADDRESSES:
                self._tries.popitem(last=False)
            return True

    def check(self, address: str, password: str) -> bool:
        """Whether the password is right, which forgives the address its tries. Takes its time."""
        if not matches(password, self._hash):
            return False
        with self._lock:
            self._tries.pop(address, None)
        return True
