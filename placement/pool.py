"""Jobs on a Ray cluster, as on a pool of local processes; a job whose node dies is done again."""

from __future__ import annotations

import hashlib
import pickle
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Condition, Thread
from typing import Any

from line.connection_settings import PlacementSettings
from line.errors import BadInput
from line.plain_text import plain
from placement import on_node, parcel
from placement.cluster import Nodes, connect

_A_CALL = 4
"""Jobs; enough that what a call costs is little beside them, and few enough to be spread evenly."""
_AHEAD = 2
"""Calls for each processor that the cluster is given; the rest wait here."""
_LOOK_S = 0.5

_Job = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class RayPool(Executor):
    """`submit` works as that of any pool. Functions and arguments are those of the project's code.

    Every process that does jobs calls `initializer` with `initargs` first.

    Raises:
        BadInput: there is no cluster that could be used, or it has no room.
    """

    def __init__(
        self,
        settings: PlacementSettings,
        initializer: Callable[..., None],
        initargs: tuple[Any, ...] = (),
    ) -> None:
        self._ray = connect(settings)
        self._settings = settings
        if not self._room:
            raise BadInput(f"placement.cpus: no node of the cluster has {settings.cpus:g} CPUs")
        self._ray.cloudpickle.register_pickle_by_value(on_node)
        start = pickle.dumps((initializer, initargs))
        put = self._ray.put
        self._constant = (
            put(parcel.installed(parcel.OF_PLANS)),
            put(parcel.code(parcel.OF_PLANS)),
            put((hashlib.sha256(start).hexdigest(), start)),
        )
        options = {"num_cpus": settings.cpus, "max_retries": -1, "scheduling_strategy": "SPREAD"}
        self._do = self._ray.remote(on_node.do).options(**options)
        self._waiting: deque[_Job] = deque()
        self._changed = Condition()
        self._is_open = True
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def _room(self) -> int:
        return Nodes.of(self._ray.nodes(), self._settings).room

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Without keyword arguments."""
        assert not kwargs
        future: Future[Any] = Future()
        with self._changed:
            self._waiting.append((future, fn, args))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._changed:
            while cancel_futures and self._waiting:
                self._waiting.popleft()[0].cancel()
            self._is_open = False
            self._changed.notify()
        if wait:
            self._thread.join()
        self._ray.shutdown()

    def _run(self) -> None:
        """A thread, until there is nothing left to do and nobody may submit any more."""
        called: dict[Any, list[_Job]] = {}
        try:
            while self._begin_more(called):
                ready, _ = self._ray.wait(list(called), timeout=_LOOK_S)
                for answer in ready:
                    self._settle(called.pop(answer), answer)
        except Exception as error:  # whatever Ray raises without its cluster
            with self._changed:
                left = [*self._waiting, *(job for jobs in called.values() for job in jobs)]
                self._waiting.clear()
            for future, _, _ in left:
                future.set_exception(_failed(error))

    def _begin_more(self, called: dict[Any, list[_Job]]) -> bool:
        """Call as much as the cluster is to have; False when all is over."""
        room = _AHEAD * max(1, self._room)
        with self._changed:
            while not (self._waiting or called) and self._is_open:
                self._changed.wait()
            while self._waiting and len(called) < room:
                jobs = [self._waiting.popleft() for _ in range(min(_A_CALL, len(self._waiting)))]
                packed = pickle.dumps([(function, arguments) for _, function, arguments in jobs])
                called[self._do.remote(*self._constant, packed)] = jobs
            return bool(called)

    def _settle(self, jobs: list[_Job], answer: Any) -> None:
        try:
            results = pickle.loads(self._ray.get(answer))  # noqa: S301 - of the cluster we ask
        except Exception as error:  # of the job, or of the cluster
            for future, _, _ in jobs:
                future.set_exception(_failed(error))
        else:
            for (future, _, _), result in zip(jobs, results, strict=True):
                future.set_result(result)


def _failed(error: Exception) -> BadInput:
    """In one line: the last one of what Ray says has the cause."""
    *_, last = str(error).strip().splitlines() or [type(error).__name__]
    return BadInput(f"placement.address: a job on the cluster failed: {plain(last)}")
