"""`python -m placement`: has the line's workers run on a Ray cluster; started by the supervisor.

When its cluster dies, this process ends; the next one connects to the one that is there then. It
waits until the workers of the dead one have ended, which takes `ORPHAN_S` at most.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

from line.atomic_file import write_atomically
from line.errors import BadInput
from line.plain_text import plain
from line.process.context import ProcessContext, enter_process
from line.process.runtime_dir import PLACED, RUN_KEYS, endpoint
from line.remote.keys import LineKeys
from line.settings import Settings
from placement.actors import Actors
from placement.cluster import Nodes, connect, host_of_this_machine
from placement.kept_worker import ORPHAN_S
from placement.orders import Orders, end
from placement.own_machine import OwnMachine, own_machine

_LOOK_S = 0.5
_LOST_S = 8.0
"""A cluster that tells nothing of its nodes for so long is gone."""
_RETRY_S = 2.0
_RAY_FOLDER = "ray"
_NODES_FILE = "nodes.json"


class _Watch:
    """Asks the cluster for its nodes, again and again, in a thread: it may never answer."""

    def __init__(self, ray: Any, settings: Settings) -> None:
        self._ray, self._settings = ray, settings.placement
        self.nodes = Nodes.of(ray.nodes(), self._settings)
        self.seen = monotonic()
        Thread(target=self._run, daemon=True).start()

    @property
    def is_lost(self) -> bool:
        return monotonic() - self.seen > _LOST_S

    def _run(self) -> None:
        while True:
            try:
                self.nodes = Nodes.of(self._ray.nodes(), self._settings)
                self.seen = monotonic()
            except Exception:  # noqa: S110 - of whatever kind: the time of the last answer tells
                pass
            sleep(1.0)


def main() -> int:
    context = enter_process()
    orders = Orders(context)
    orders.start()
    ray = _connected(context, orders)
    if ray is not None:
        try:
            _place(ray, context, orders)
        except Exception as error:  # whatever Ray raises without its cluster
            why = plain(f"{type(error).__name__}: {error}")
            print(f"the cluster is lost: {why}", file=sys.stderr, flush=True)
    end()
    return 0


def _connected(context: ProcessContext, orders: Orders) -> Any:
    """Ray, as soon as there is a cluster; None if we are to end before."""
    folder = context.runtime_dir / _RAY_FOLDER
    said = ""
    while not orders.stop.is_set():
        orders.turned = monotonic()
        try:
            return connect(context.settings.placement, folder)
        except BadInput as error:
            if str(error) != said:
                said = str(error)
                print(said, file=sys.stderr, flush=True)
                orders.tell("no_cluster", f"{context.incarnation}-{monotonic():.3f}", said)
        orders.stop.wait(_RETRY_S)
    return None


def _place(ray: Any, context: ProcessContext, orders: Orders) -> None:
    """Until we are to end, or the cluster is lost and no worker answers."""
    settings, keys = context.settings, context.runtime_dir / RUN_KEYS
    for name in LineKeys(keys).names():  # of the last cluster: they are not to come back
        (keys / "workers" / f"{name}.key").unlink(missing_ok=True)
    watch = _Watch(ray, settings)
    _await_orphans(context.runtime_dir / _NODES_FILE, watch, orders)
    port = settings.transport.listen.rsplit(":", 1)[1]
    address = f"tcp://{host_of_this_machine(ray, settings.placement)}:{port}"
    actors = Actors(ray, settings, keys, address, _own_machine(context), orders)
    was_lost = False
    while not orders.stop.is_set():
        orders.turned = began = monotonic()
        if watch.is_lost != was_lost:
            was_lost = watch.is_lost
            _tell_of_cluster(orders, context, was_lost)
        nodes = watch.nodes
        if orders.wanted is not None:
            actors.keep(orders.wanted, _LOOK_S, nodes.rooms, is_lost=watch.is_lost)
        orders.report(
            connected=not watch.is_lost,
            nodes=len(nodes.ids),
            cpus=nodes.cpus,
            workers=actors.begun,
        )
        if watch.is_lost and monotonic() - actors.heard > _LOST_S:
            return
        orders.stop.wait(max(0.0, began + _LOOK_S - monotonic()))
    actors.end()
    ray.shutdown()


def _own_machine(context: ProcessContext) -> OwnMachine | None:
    """What actors are told of this machine, if workers on it are to use its memory."""
    if context.settings.placement.own_machine == "tcp":
        return None
    return own_machine(endpoint(context.runtime_dir, PLACED), context.runtime_dir, context.rings)


def _tell_of_cluster(orders: Orders, context: ProcessContext, is_lost: bool) -> None:
    what = f"{context.incarnation}-{monotonic():.3f}"
    if is_lost:
        text = "the cluster tells nothing of its nodes; workers that serve go on"
        orders.tell("cluster_lost", what, text)
    else:
        orders.tell("cluster_back", what, "the cluster tells of its nodes again")


def _await_orphans(path: Path, watch: _Watch, orders: Orders) -> None:
    """Another cluster than the last one: its workers end when nobody has looked for a while."""
    try:
        before = set(json.loads(path.read_text()))
    except (OSError, ValueError):
        before = set()
    if before and not before & watch.nodes.ids:
        until = monotonic() + ORPHAN_S
        while monotonic() < until and not orders.stop.is_set():
            orders.turned = monotonic()
            orders.stop.wait(_LOOK_S)
    write_atomically(path, json.dumps(sorted(watch.nodes.ids)).encode())


if __name__ == "__main__":
    sys.exit(main())
