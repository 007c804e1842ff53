"""What a run on a cluster needs to know before it begins: whether there is one, and how large."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

from commands.printing import err
from line.config import ROOT
from line.errors import BadInput
from line.missing_package import optional
from line.plain_text import plain
from line.settings import Settings
from placement.cluster import LOCAL_HOST, REQUIREMENTS, room_here

_MOST = 256
"""Workers of a line."""
_BESIDE_S = 15.0
"""To load Ray and to connect to a cluster that has answered."""


def placed(settings: Settings) -> dict[str, dict[str, object]]:
    """What has to change in the settings of a run with workers on a cluster.

    Raises:
        BadInput: Ray is not installed, there is no cluster, or it has too little room.
    """
    _check_ray()
    placement = settings.placement
    if placement.address == "local":
        found: dict[str, Any] = {"nodes": 1, "room": room_here(placement)}
    else:
        found = _looked(settings)
    return {
        "line": {"workers": _workers(settings, found["nodes"], found["room"])},
        "transport": {"listen": settings.transport.listen or _free_address(settings)},
    }


def _check_ray() -> None:
    with optional('placement.kind = "ray"', REQUIREMENTS):
        if find_spec("ray") is None:
            raise ModuleNotFoundError("No module named 'ray'")


def _looked(settings: Settings) -> dict[str, Any]:
    placement = settings.placement
    try:
        looked = subprocess.run(
            [sys.executable, "-m", "placement.look"],
            cwd=ROOT,
            input=placement.model_dump_json().encode(),
            capture_output=True,
            timeout=placement.connect_s + _BESIDE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BadInput(
            f"placement.address: the cluster at {placement.address} does not answer within "
            f"{placement.connect_s + _BESIDE_S:g} s"
        ) from None
    try:
        found: dict[str, Any] = json.loads(looked.stdout)
    except ValueError:
        lines = looked.stderr.decode(errors="replace").strip().splitlines()
        why = plain(lines[-1]) if lines else f"exit status {looked.returncode}"
        raise BadInput(f"placement.address: {placement.address}: {why}") from None
    if "error" in found:
        raise BadInput(str(found["error"]))
    return found


def _workers(settings: Settings, nodes: int, room: int) -> int:
    """As many as are wanted, or as there is room for."""
    placement, wanted = settings.placement, settings.line.workers
    each = f"{placement.cpus:g} CPU" + (f" and {placement.gpus:g} GPU" if placement.gpus else "")
    each += "".join(f", {share:g} {name}" for name, share in placement.resources.items())
    has = f"the cluster's {nodes} nodes have room for {room}, at {each} each"
    if wanted == "auto":
        if not room:
            raise BadInput(f"line.workers: {has}")
        return min(room, _MOST)
    if wanted > room:
        if placement.too_few == "refuse" or not room:
            raise BadInput(f"line.workers: {wanted} are wanted, and {has}")
        err.print(
            f"{wanted} workers are wanted, and {has}: the run goes on with {room}",
            style="yellow",
            soft_wrap=True,
        )
    return min(wanted, room)


def _free_address(settings: Settings) -> str:
    """Where the dispatcher is to listen, which stays there when it is started again."""
    host = LOCAL_HOST if settings.placement.address == "local" else ""
    with socket.socket() as free:
        free.bind((host, 0))
        return f"tcp://{host or '*'}:{free.getsockname()[1]}"
