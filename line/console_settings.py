"""The settings of the web console: whether it runs, where it listens, and who is let in."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

from pydantic import Field, field_serializer, field_validator

from line.section import PathText, Section

_HASH_FORM = r"^$|^scrypt\$\d+\$\d+\$\d+\$[0-9a-f]{32}\$[0-9a-f]{64}$"
"""Empty, or scrypt's cost, block size and parallelism, the salt and the key, in hex."""


class ConsoleSettings(Section):
    on: Literal["auto", "on", "off"] = Field(description="auto = runs with a terminal of their own")
    host: str = Field(description="address to listen at; beyond this machine with a password only")
    port: int = Field(ge=1, le=65_535)
    password_hash: str = Field(
        pattern=_HASH_FORM, description="as `run_line.py console --make-password` prints it"
    )
    silence_s: float = Field(
        ge=1, le=300, description="a page without word from the console says so and sends nothing"
    )
    look_in: tuple[PathText, ...] = Field(
        description="folders whose models and evaluations are shown beside those of model.path"
    )

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str) -> str:
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"must be an IP address such as 127.0.0.1, not {host!r}") from None
        return host

    @field_serializer("password_hash", when_used="json")
    def _is_in_no_file(self, password_hash: str) -> str:
        """Files of a run are read by others than whoever may set the password."""
        return ""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.host).is_loopback

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        address = ip_address(self.host)
        host = "localhost" if address.is_unspecified else str(address)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def fault(self) -> str | None:
        """What is wrong with it, beginning with the key to blame."""
        if self.is_local or self.password_hash:
            return None
        return (
            f"console.host: {self.host} can be reached from other machines; set "
            "console.password_hash, which `run_line.py console --make-password` makes"
        )
