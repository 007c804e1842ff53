"""Who is let in: a cookie, signed with a key that comes from the console's token.

A run's console that starts again is given the same token, so pages that are open go on. Whoever
knows the token may come in for as long as it holds; a password opens a session of twelve hours.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from console.access.passwords import matches
from line.observe.console_access import ConsoleAccess

LASTS_S = 12 * 3600
_LONGEST_COOKIE = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who was let in; `name` is that of a login, empty for one who came by the token."""

    name: str = ""


class Sessions:
    """Hands out and reads session cookies."""

    def __init__(self, access: ConsoleAccess, port: int) -> None:
        self._access = access
        key = hmac.digest(access.token.encode(), b"sessions of the console", "sha256")
        self._by_token = URLSafeSerializer(key, salt="token")
        self._by_password = URLSafeTimedSerializer(key, salt="password")
        self.cookie = f"scrapline_session_{port}"
        """name of the cookie; browsers give all ports of a host the same ones"""

    @property
    def takes_password(self) -> bool:
        """Whether there is a password beside the token."""
        return bool(self._access.password_hash)

    def knows(self, token: str) -> bool:
        """Whether it is the token, in a time that says nothing about it."""
        return hmac.compare_digest(token.encode(errors="replace"), self._access.token.encode())

    def is_password(self, password: str) -> bool:
        """Whether it is the password. Takes its time."""
        return self.takes_password and matches(password, self._access.password_hash)

    def open_by_token(self) -> str:
        """A cookie for somebody who has shown the token; good for as long as the token is."""
        return self._by_token.dumps("")

    def open(self, name: str) -> str:
        """A cookie for somebody who has logged in as `name`."""
        return self._by_password.dumps(name)

    def find(self, cookie: str | None) -> Session | None:
        """The session that a cookie stands for; None if it is none of this console's, or over."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return None
        try:
            return Session(str(self._by_token.loads(cookie)))
        except BadSignature:
            pass
        try:
            return Session(str(self._by_password.loads(cookie, max_age=LASTS_S)))
        except BadSignature:
            return None
