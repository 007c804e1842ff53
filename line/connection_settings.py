"""The settings of what a line is connected to: other machines, the plant's database, its broker."""

from __future__ import annotations

import re

from pydantic import Field

from line.section import PathText, Section


def is_tcp_address(text: str) -> bool:
    """Whether `text` is `tcp://HOST:PORT`, where HOST may be an IPv6 address in brackets."""
    found = re.fullmatch(
        r"tcp://(?:\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):([0-9]{1,5})", text
    )
    return found is not None and 0 < int(found[1]) < 1 << 16


class TransportSettings(Section):
    listen: str = Field(description="tcp://HOST:PORT for workers on other machines; empty = none")
    keys: PathText = Field(description="folder that `run_line.py keys` has made")

    def fault(self, workers: int | str) -> str | None:
        """What is wrong with it, beginning with the key to blame; `workers` of this machine."""
        if self.listen and not is_tcp_address(self.listen):
            return f"transport.listen: must be tcp://HOST:PORT or empty, not {self.listen!r}"
        if self.listen and not self.keys:
            return "transport.keys: nobody is let in without keys; name their folder"
        if workers == 0 and not self.listen:
            return "line.workers: must be 1 or more unless transport.listen is set"
        return None


def dsn_fault(dsn: str) -> str | None:
    """Why a connection string may not be kept or shown; it is not quoted, for it has a password."""
    if not re.search(r"password\s*=|^\w+://[^/@]*:[^/@]*@", dsn, re.IGNORECASE):
        return None
    return "holds a password, which others could read; give it as PGPASSWORD or in ~/.pgpass"


class PostgresSettings(Section):
    enabled: bool = Field(description="have a sink write the rows to a PostgreSQL database as well")
    dsn: str = Field(
        max_length=2000, description="libpq's connection string, no password; empty = PGHOST etc."
    )

    def fault(self) -> str | None:
        """What is wrong with it, beginning with the key to blame."""
        fault = dsn_fault(self.dsn)
        return None if fault is None else f"postgres.dsn: {fault}"


class MqttSettings(Section):
    enabled: bool = Field(description="have a sink publish the rows to a broker of MQTT as well")
    host: str = Field(min_length=1, max_length=255, description="the broker's name or address")
    port: int = Field(ge=1, le=65_535)
    tls: bool = Field(description="encrypted, with a certificate that this machine trusts")
    user: str = Field(max_length=255, description="empty = none; its password is MQTT_PASSWORD")
    topic: str = Field(
        pattern=r"^[^#+\x00]{1,200}$", description="what topics begin with: TOPIC/RUN/items"
    )
    in_flight: int = Field(
        ge=1, le=1000, description="messages that the broker may have unacknowledged"
    )
