"""The actors that keep the line's workers, as the runner's side sees them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import BadInput
from line.plain_text import plain
from line.remote import run_keys
from line.settings import Settings
from placement import failed_starts, kept_worker, on_node, own_machine, parcel
from placement.actor import Actor, held, least_needed
from placement.cluster import actor_options, address_of
from placement.left_out import LeftOut
from placement.orders import Orders, Wanted
from placement.own_machine import OwnMachine
from placement.spread import Move, Spread

NAME = "ray-"
"""What the names of placed workers begin with."""
_NO_ROUTE_S = 10.0
"""A worker that lives for so long and has not joined has no way to the line."""
_JOINED = ": joined "
_LEAVE_S = 10.0
"""An actor that is to have its worker leave is ended then at the latest."""
_AGAIN_S = 2.0
"""After an actor that Ray gave up, until the next one is made."""
_MOVE_S = 60.0
"""A worker that has not joined by then on the node it is to move to does not move."""
_FRESH_S = 3.0
"""What an actor said so lately still holds."""
_SENT = (on_node, own_machine, failed_starts, kept_worker)


class Actors:
    """Keeps as many as are wanted, spread over the nodes. `ray`: connected."""

    def __init__(
        self,
        ray: Any,
        settings: Settings,
        keys: Path,
        address: str,
        own: OwnMachine | None,
        orders: Orders,
    ) -> None:
        """`keys`: the folder of the run's keys. `address`: the dispatcher's, as nodes reach it.

        `own`: this machine, if workers on it are to use its memory.
        """
        self._ray = ray
        self._settings = settings
        self._keys = keys
        self._address = address
        self._own = own
        self._orders = orders
        self._actors: dict[int, Actor] = {}
        self._leaving: list[tuple[float, Any, Any]] = []
        """when they are ended at the latest, their handles, the answers of those that are done"""
        self._left_out = LeftOut()
        self._spread = Spread()
        self._move: Move | None = None
        for module in _SENT:
            ray.cloudpickle.register_pickle_by_value(module)
        self._class = ray.remote(kept_worker.KeptWorker)
        self._installed = parcel.installed(parcel.OF_WORKERS)
        self._code = ray.put(parcel.code(parcel.OF_WORKERS))
        self._served = self._sha256 = ""
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

    def keep(
        self, wanted: Wanted, wait_s: float, rooms: Mapping[str, int], *, is_lost: bool
    ) -> None:
        """Add, remove and move actors, and hear for `wait_s` how those fare that there are.

        `rooms`: node → the workers that it can have. `is_lost`: the cluster does not answer.
        """
        self._serve(wanted)
        if self._model is None:
            return
        self._follow_move(monotonic())
        while len(self._actors) > wanted.count + (self._move is not None):
            self._dismiss(least_needed(self._actors))
        while len(self._actors) < wanted.count and monotonic() >= self._next_start:
            self._add()
        while self._orders.lost:
            self._end_lost(self._orders.lost.popleft())
        self._end_leaving(monotonic())
        self._look(wait_s)
        self._begin_move(wanted.count, rooms, monotonic(), is_lost=is_lost)

    def end(self) -> None:
        """All of them, at once."""
        leaving = (handle for _, handle, _ in self._leaving)
        for handle in [*(actor.handle for actor in self._actors.values()), *leaving]:
            self._ray.kill(handle)

    def _serve(self, wanted: Wanted) -> None:
        if wanted.told != self._served:
            self._served = wanted.told
            if self._left_out.another_model():
                for number in [n for n, actor in self._actors.items() if not actor.heard]:
                    self._ray.kill(self._actors.pop(number).handle)  # it may wait for another node
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

    def _add(self, node: str = "") -> int:
        """Another actor, on the node if one is given; returns its number."""
        number = next(n for n in count() if n not in self._actors)
        options = actor_options(self._settings.placement, node, self._left_out.nodes)
        made = self._class.options(**options)
        handle = made.remote(self._installed, self._code, self._model)
        self._actors[number] = Actor(f"{NAME}{number}", handle)
        return number

    def _begin_move(
        self, wanted: int, rooms: Mapping[str, int], now: float, *, is_lost: bool
    ) -> None:
        """If all is well and the nodes are not: the new worker first, then the old one leaves."""
        is_on_its_way = bool(self._move or self._leaving) or len(self._actors) != wanted
        all_serve = all(a.serves and now - a.heard < _FRESH_S for a in self._actors.values())
        is_well = all_serve and not (is_lost or is_on_its_way)
        usable = {node: room for node, room in rooms.items() if node not in self._left_out}
        node = self._spread.target(held(self._actors), usable, now, is_well=is_well)
        if node is not None:
            self._move = Move(self._add(node), node, now + _MOVE_S)

    def _follow_move(self, now: float) -> None:
        if (move := self._move) is None:
            return
        new = self._actors.get(move.number)
        if new is not None and new.serves:
            self._move, number = None, least_needed(self._actors)
            where = [address_of(self._ray, node) for node in (self._actors[number].node, new.node)]
            text = f"a worker moves from node {where[0]} to node {where[1]}, which has room"
            self._orders.tell("moved", f"{new.name}-{now:.3f}", text)
            self._dismiss(number)
        elif new is None or now > move.until:
            self._move = None
            self._spread.failed(move.node, now)
            if new is not None:
                self._dismiss(move.number)

    def _dismiss(self, number: int) -> None:
        actor = self._actors.pop(number)
        run_keys.shut_out(self._keys, actor.name)
        self._leaving.append((monotonic() + _LEAVE_S, actor.handle, actor.handle.leave.remote()))

    def _end_leaving(self, now: float) -> None:
        for each in list(self._leaving):
            until, handle, left = each
            if now > until or self._ray.wait([left], timeout=0)[0]:
                self._ray.kill(handle)
                self._leaving.remove(each)

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
                self._actors[number].serves = False  # it is being started again
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
        actor.heard, actor.node = now, said["node"]
        if reason := said["fault"] or said["failure"]:
            self._avoid(number, said["node"], reason, for_good=bool(said["fault"]))
            return
        if said["life"] != actor.life or not said["begun"]:
            actor.life, actor.begun, actor.joined = said["life"], now, False
            self._begin(actor, said["public"])
        actor.serves = _JOINED in said["said"]
        actor.joined = actor.joined or actor.serves
        if not (actor.joined or actor.told) and said["alive_s"] > _NO_ROUTE_S:
            actor.told = True
            self._tell_of_no_route(actor, said)

    def _tell_of_no_route(self, actor: Actor, said: dict[str, Any]) -> None:
        where = address_of(self._ray, actor.node)
        what = plain(said["said"]) or "it says nothing"
        text = f"{actor.name} on node {where} does not come to {said['address']}: {what}"
        text += "; see placement.route"
        self._orders.tell("no_route", f"{actor.name}-{monotonic():.3f}", text)

    def _begin(self, actor: Actor, public: bytes) -> None:
        """Let the worker in, and have it started."""
        try:
            run_keys.let_in(self._keys, actor.name, public)
            line_key = run_keys.line_key(self._keys)
        except (OSError, BadInput) as error:
            self._orders.tell("placement", f"keys-{monotonic():.3f}", plain(str(error)))
            return
        settings = self._settings
        nice = 0 if settings.line.speed == "max" else settings.worker.nice
        actor.handle.begin.remote(actor.name, self._address, line_key, nice, self._own)

    def _avoid(self, number: int, node: str, reason: str, *, for_good: bool) -> None:
        """No worker can serve on the node: none is started there any more, or with this model."""
        self._ray.kill(self._actors.pop(number).handle)
        if self._left_out.add(node, reason, for_good=for_good):
            where, now = address_of(self._ray, node), monotonic()
            text = f"node {where} is left out: {plain(reason)}"
            self._orders.tell("bad_node", f"{node}-{now:.3f}", text)
