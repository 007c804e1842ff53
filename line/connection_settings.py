"""The settings of what a line is connected to: other machines, a cluster, a database, a broker."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

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

    def fault(self, workers: int | str, *, on_cluster: bool = False) -> str | None:
        """What is wrong with it, beginning with the key to blame; `workers` of this machine.

        `on_cluster`: the line starts its workers on a cluster, with keys made for the run.
        """
        if self.listen and not is_tcp_address(self.listen):
            return f"transport.listen: must be tcp://HOST:PORT or empty, not {self.listen!r}"
        if on_cluster:
            has_keys = (
                'transport.keys: must be empty with placement.kind = "ray", which makes its own'
            )
            return has_keys if self.keys else None
        if self.listen and not self.keys:
            return "transport.keys: nobody is let in without keys; name their folder"
        if workers == 0 and not self.listen:
            return "line.workers: must be 1 or more unless transport.listen is set"
        return None


_CLUSTER = re.compile(r"auto|local|(?:ray://)?[A-Za-z0-9._-]+:[0-9]{1,5}")


class PlacementSettings(Section):
    kind: Literal["local", "ray"] = Field(
        description="where workers are started: on this machine, or as actors of a Ray cluster"
    )
    address: str = Field(
        max_length=300,
        description="of the cluster: auto = that of this machine, ray://HOST:PORT, HOST:PORT; "
        "local = one is started here for the run",
    )
    cpus: float = Field(gt=0, le=1024, description="processors that a worker takes")
    gpus: float = Field(ge=0, le=64, description="graphics processors that a worker takes")
    resources: dict[str, Annotated[float, Field(gt=0, le=1e6)]] = Field(
        description="of the cluster's own naming that a worker takes"
    )
    too_few: Literal["run", "refuse"] = Field(
        description="where the cluster has no room for all workers: run with fewer, or refuse"
    )
    connect_s: float = Field(gt=0, le=600, description="the cluster has so long to answer")
    local_after_s: float = Field(
        ge=0, le=86_400, description="without a worker for so long: start local ones; 0 = never"
    )
    route: str = Field(
        pattern=r"^[A-Za-z0-9._-]{0,255}$",
        description="how its nodes reach this machine; empty = by the address that Ray knows",
    )
    own_machine: Literal["memory", "tcp"] = Field(
        description="how pictures come to its workers on this machine: in memory, or as to others",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_an_earlier_version(cls, values: Any) -> Any:
        """Its runs could not choose."""
        return {"own_machine": "memory", **values} if isinstance(values, dict) else values

    @property
    def is_on_cluster(self) -> bool:
        return self.kind == "ray"

    def fault(self) -> str | None:
        """What is wrong with it, beginning with the key to blame."""
        if not _CLUSTER.fullmatch(self.address):
            return (
                f"placement.address: must be auto, local, ray://HOST:PORT or HOST:PORT, "
                f"not {self.address!r}"
            )
        return None


def placed_here() -> PlacementSettings:
    """As in runs of before there were clusters."""
    return PlacementSettings(
        kind="local",
        address="auto",
        cpus=1.0,
        gpus=0.0,
        resources={},
        too_few="run",
        connect_s=20.0,
        local_after_s=20.0,
        route="",
        own_machine="memory",
    )


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
