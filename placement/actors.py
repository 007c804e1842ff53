"""The actors that keep the line's workers, as the runner's side sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import BadInput
from line.plain_text import plain
from line.remote import run_keys
from line.settings import Settings
from placement import kept_worker, on_node, parcel
from placement.cluster import address_of, needs
from placement.orders import Orders, Wanted

NAME = "ray-"
"""What the names of placed workers begin with."""
_NO_ROUTE_S = 10.0
"""A worker that has not joined by then has no way to the line."""
_JOINED = ": joined "
_LEAVE_S = 6.0
_AGAIN_S = 2.0
"""After an actor that Ray gave up, until the next one is made."""


@dataclass(slots=True)
class _Actor:
    """One of them, in all its lives; Ray starts it again wherever there is room."""

    name: str
    handle: Any
    looking: Any = None
    """the answer that is to come"""
    heard: float = 0.0
    """monotonic time of its last answer; 0 = never"""
    life: str = ""
    begun: float = 0.0
    """monotonic time at which the worker of this life was begun"""
    joined: bool = False
    told: bool = False
    """somebody was told that it does not join"""


class Actors:
    """Keeps as many as are wanted. `ray`: connected."""

    def __init__(
        self, ray: Any, settings: Settings, keys: Path, address: str, orders: Orders
    ) -> None:
        """`keys`: the folder of the run's keys. `address`: the dispatcher's, as nodes reach it."""
        self._ray = ray
        self._settings = settings
        self._keys = keys
        self._address = address
        self._orders = orders
        self._actors: dict[int, _Actor] = {}
        self._leaving: list[tuple[float, Any]] = []
        """when they are ended at the latest"""
        self._bad_nodes: set[str] = set()
        """by Ray's name: they lack what a worker needs"""
        for module in (on_node, kept_worker):
            ray.cloudpickle.register_pickle_by_value(module)
        self._class = ray.remote(kept_worker.KeptWorker)
        self._installed = parcel.installed(parcel.OF_WORKERS)
        self._code = ray.put(parcel.code(parcel.OF_WORKERS))
        self._sha256 = ""
        self._model: Any = None
        self._next_start = 0.0

    @property
    def begun(self) -> int:
        """Those whose worker was begun."""
        return sum(bool(actor.begun) for actor in self._actors.values())

    @property
    def heard(self) -> float:
        """Monotonic time at which any of them last answered; 0 = never."""
        return max((actor.heard for actor in self._actors.values()), default=0.0)

    def keep(self, wanted: Wanted, wait_s: float) -> None:
        """Add and remove actors, and hear for `wait_s` how those fare that there are."""
        self._serve(wanted)
        if self._model is None:
            return
        for number in [number for number in self._actors if number >= wanted.count]:
            self._dismiss(number)
        for number in range(wanted.count):
            if number not in self._actors and monotonic() >= self._next_start:
                self._actors[number] = _Actor(f"{NAME}{number}", self._started())
        while self._orders.lost:
            self._end_lost(self._orders.lost.popleft())
        self._end_leaving(monotonic())
        self._look(wait_s)

    def end(self) -> None:
        """All of them, at once."""
        for handle in [*(a.handle for a in self._actors.values()), *(h for _, h in self._leaving)]:
            self._ray.kill(handle)

    def _serve(self, wanted: Wanted) -> None:
        if wanted.sha256 == self._sha256:
            return
        self._sha256 = wanted.sha256
        try:
            sent = parcel.model(wanted.model, wanted.sha256)
        except BadInput as error:
            self._orders.tell("placement", f"model-{monotonic():.3f}", str(error))
            return
        self._model = self._ray.put(sent)
        for actor in self._actors.values():
            actor.handle.take.remote(self._model)

    def _started(self) -> Any:
        placement = self._settings.placement
        options: dict[str, Any] = {
            "num_cpus": placement.cpus,
            "num_gpus": placement.gpus,
            "resources": {k: v for k, v in needs(placement).items() if k not in ("CPU", "GPU")},
            "max_restarts": -1,
            "scheduling_strategy": "SPREAD",
            "max_concurrency": 4,  # a worker that leaves takes its time, and looks go on
        }
        if self._bad_nodes:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self._bad_nodes)})"}
        return self._class.options(**options).remote(self._installed, self._code, self._model)

    def _dismiss(self, number: int) -> None:
        actor = self._actors.pop(number)
        run_keys.shut_out(self._keys, actor.name)
        actor.handle.leave.remote()
        self._leaving.append((monotonic() + _LEAVE_S, actor.handle))

    def _end_leaving(self, now: float) -> None:
        for _, handle in [each for each in self._leaving if each[0] <= now]:
            self._ray.kill(handle)
        self._leaving = [each for each in self._leaving if each[0] > now]

    def _end_lost(self, worker: str) -> None:
        for actor in self._actors.values():
            if actor.name == worker and actor.begun:
                actor.handle.end_worker.remote()

    def _look(self, wait_s: float) -> None:
        for actor in self._actors.values():
            if actor.looking is None:
                actor.looking = actor.handle.look.remote()
        of = {actor.looking: number for number, actor in self._actors.items()}
        if not of:
            return
        ready, _ = self._ray.wait(list(of), num_returns=len(of), timeout=wait_s)
        for answer in ready:
            number = of[answer]
            self._actors[number].looking = None
            try:
                self._handle(number, self._ray.get(answer))
            except self._ray.exceptions.ActorUnavailableError:
                pass  # it is being started again
            except self._ray.exceptions.RayError as error:
                self._replace(number, error)

    def _replace(self, number: int, error: Exception) -> None:
        """Ray will not start it again."""
        actor, self._next_start = self._actors.pop(number), monotonic() + _AGAIN_S
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        text = f"{actor.name}: its actor has ended, another is started: {plain(first)}"
        self._orders.tell("placed_anew", f"{actor.name}-{monotonic():.3f}", text)

    def _handle(self, number: int, said: dict[str, Any]) -> None:
        actor, now = self._actors[number], monotonic()
        actor.heard = now
        if said["fault"]:
            self._avoid(number, said["node"], said["fault"])
            return
        if said["life"] != actor.life or not said["begun"]:
            actor.life, actor.begun, actor.joined = said["life"], now, False
            self._begin(actor, said["public"])
        actor.joined = actor.joined or _JOINED in said["said"]
        if not (actor.joined or actor.told) and now - actor.begun > _NO_ROUTE_S:
            actor.told = True
            where = address_of(self._ray, said["node"])
            what = plain(said["said"]) or "it says nothing"
            text = f"{actor.name} on node {where} does not come to {self._address}: {what}"
            text += "; see placement.route"
            self._orders.tell("no_route", f"{actor.name}-{now:.3f}", text)

    def _begin(self, actor: _Actor, public: bytes) -> None:
        """Let the worker in, and have it started."""
        try:
            run_keys.let_in(self._keys, actor.name, public)
            line_key = run_keys.line_key(self._keys)
        except (OSError, BadInput) as error:
            self._orders.tell("placement", f"keys-{monotonic():.3f}", plain(str(error)))
            return
        settings = self._settings
        nice = 0 if settings.line.speed == "max" else settings.worker.nice
        actor.handle.begin.remote(actor.name, self._address, line_key, nice)

    def _avoid(self, number: int, node: str, fault: str) -> None:
        """A node lacks something: no worker is started there any more."""
        self._ray.kill(self._actors.pop(number).handle)
        if node not in self._bad_nodes:
            self._bad_nodes.add(node)
            where = address_of(self._ray, node)
            self._orders.tell("bad_node", node, f"node {where} is left out: {plain(fault)}")
