"""Who a run's console lets in: whoever knows its token, or the password behind the hash.

Loopback is not the same user. So a console without a password has a token in its address, made anew
for each run, and a password is for other machines. Both are held by the runner and reach the
console over its channel: they stand in no argument list, no environment and no file of the run.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from line.errors import DecodeError
from line.process.control_channel import ControlMessage

NOTE = "access"
"""Kind of the note that brings it to the console's process."""
_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class ConsoleAccess:
    """A token, and scrypt's hash of a password; an empty hash means that there is none."""

    token: str = field(repr=False)
    password_hash: str = field(default="", repr=False)

    @classmethod
    def fresh(cls, password_hash: str = "") -> ConsoleAccess:
        """With a token that nobody knows yet."""
        return cls(secrets.token_urlsafe(_TOKEN_BYTES), password_hash)

    @classmethod
    def of_note(cls, note: ControlMessage) -> ConsoleAccess:
        """What a note brings. Raises DecodeError if it brings no token."""
        token, password_hash = note.get("token"), note.get("password_hash")
        if not isinstance(token, str) or not token or not isinstance(password_hash, str):
            raise DecodeError("access: a token and a password_hash")
        return cls(token, password_hash)

    def facts(self) -> dict[str, str]:
        """What the note is made of."""
        return {"token": self.token, "password_hash": self.password_hash}

    def address(self, url: str) -> str:
        """Where a browser is let in by the token; `url` is that of the console."""
        return f"{url}/?token={self.token}"
