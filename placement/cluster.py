"""The connection to a Ray cluster, and what it has."""

from __future__ import annotations

import math
import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from line.connection_settings import PlacementSettings
from line.errors import BadInput
from line.missing_package import optional
from line.plain_text import plain
from line.process.priority import usable_cores

REQUIREMENTS = "ray.txt"
LOCAL_HOST = "127.0.0.1"
"""Where a cluster that is started here alone has its node."""
_STORE_BYTES = 100 * 10**6
"""Of a cluster that is started here: the model and the code, some copies each."""
_TRY_S = 0.5
_START_S = "90"
"""For a node that is started here, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes that live: by Ray's names, the workers that each can have; their processors."""

    rooms: Mapping[str, int]
    cpus: float

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self.rooms)

    @property
    def room(self) -> int:
        return sum(self.rooms.values())

    @classmethod
    def of(cls, found: Iterable[Mapping[str, Any]], settings: PlacementSettings) -> Nodes:
        """`found`: as `ray.nodes()` has them."""
        living = [node for node in found if node["Alive"]]
        return cls(
            {node["NodeID"]: _room(node["Resources"], settings) for node in living},
            sum(node["Resources"].get("CPU", 0.0) for node in living),
        )


def _room(there: Mapping[str, float], settings: PlacementSettings) -> int:
    return min(math.floor(there.get(name, 0.0) / share) for name, share in needs(settings).items())


def needs(settings: PlacementSettings) -> dict[str, float]:
    """What one worker takes, by Ray's name of it."""
    gpus = {"GPU": settings.gpus} if settings.gpus else {}
    return {"CPU": settings.cpus, **gpus, **settings.resources}


def actor_options(settings: PlacementSettings, node: str, others: Sequence[str]) -> dict[str, Any]:
    """What Ray is told of a new actor: to start it on the node, if one is given.

    Once that is gone it starts elsewhere, too; without one anywhere but on `others`.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    where: dict[str, Any] = {"scheduling_strategy": "SPREAD"}
    if node:
        where = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=True)}
    elif others:
        where["label_selector"] = {"ray.io/node-id": f"!in({','.join(others)})"}
    return {
        "num_cpus": settings.cpus,
        "num_gpus": settings.gpus,
        "resources": {k: v for k, v in needs(settings).items() if k not in ("CPU", "GPU")},
        "max_restarts": -1,
        "max_concurrency": 4,  # a worker that leaves takes its time, and looks go on
        **where,
    }


def room_here(settings: PlacementSettings) -> int:
    """Workers that a cluster which is started here alone can have."""
    return _room({"CPU": float(usable_cores())}, settings)


def load_ray() -> Any:
    """Ray, which takes half a second to load. Raises BadInput if it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", _START_S)
    with optional('placement.kind = "ray"', REQUIREMENTS):
        import ray
    return ray


def connect(settings: PlacementSettings, folder: Path | None = None) -> Any:
    """Ray, connected to the cluster, or to one that is started here with its files in `folder`.

    Raises:
        BadInput: there is no Ray, nobody answers at the address within `connect_s`, or who answers
            is of another version or wants another token.
    """
    is_own = settings.address == "local"
    if is_own and "RAY_AUTH_TOKEN" not in os.environ:
        # Nobody else on this machine may use it. Ray reads both when it is loaded.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ray = load_ray()
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if is_own:
        options |= _own_cluster(folder)
    else:
        _await_answer(settings)
        options["address"] = settings.address
    try:
        ray.init(**options)
    except Exception as error:  # Ray's own are of many kinds
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInput(f"placement.address: {settings.address}: {plain(first)}") from None
    return ray


def _own_cluster(folder: Path | None) -> dict[str, Any]:
    return {
        "address": "local",
        "num_cpus": usable_cores(),
        "object_store_memory": _STORE_BYTES,
        "include_dashboard": False,
        "_node_ip_address": LOCAL_HOST,
        **({} if folder is None else {"_temp_dir": str(folder)}),
    }


def _await_answer(settings: PlacementSettings) -> None:
    """Ray itself waits longer than anybody wants, and says less."""
    if settings.address == "auto":
        return
    host, port = settings.address.removeprefix("ray://").rsplit(":", 1)
    until = monotonic() + settings.connect_s
    while True:
        try:
            socket.create_connection((host, int(port)), max(0.1, until - monotonic())).close()
        except (OSError, OverflowError) as error:
            if monotonic() + _TRY_S > until:
                why = getattr(error, "strerror", None) or error
                raise BadInput(
                    f"placement.address: nobody answers at {settings.address} within "
                    f"{settings.connect_s:g} s ({why})"
                ) from None
            sleep(_TRY_S)
        else:
            return


def address_of(ray: Any, node: str) -> str:
    """A node's address, by Ray's name of it."""
    found = [each["NodeManagerAddress"] for each in ray.nodes() if each["NodeID"] == node]
    return str(found[0]) if found else node[:12]


def host_of_this_machine(ray: Any, settings: PlacementSettings) -> str:
    """How a cluster's nodes reach this machine."""
    if settings.route:
        return settings.route
    if settings.address == "local":
        return LOCAL_HOST
    if settings.address.startswith("ray://"):
        return _own_address_towards(settings.address)
    return address_of(ray, ray.get_runtime_context().get_node_id())


def _own_address_towards(address: str) -> str:
    """The address of this machine that packets to the cluster's head leave from."""
    host, port = address.removeprefix("ray://").rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((host, int(port)))  # sends nothing
        return str(way.getsockname()[0])
