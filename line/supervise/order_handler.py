"""Carries out the orders that come in at the control socket."""

from __future__ import annotations

from concurrent.futures import Future
from time import monotonic
from typing import Any

from line.errors import BadInput
from line.observe.orders import (
    BeltOrder,
    Drain,
    Kill,
    Order,
    Shadow,
    ShadowOff,
    Stop,
    Swap,
    Threshold,
    Workers,
)
from line.observe.status import Status
from line.process.signals import Interrupts
from line.run_files.run_folder import RunFolder
from line.run_files.runtime_overrides import RuntimeOverrides
from line.run_files.session import Session
from line.supervise.belts import Belts, Planned
from line.supervise.model_orders import ModelOrders
from line.supervise.placement import Placement
from line.supervise.process_table import ProcessTable

_TELL_S = 0.1
"""Wall time to tell the cameras, with plenty to spare."""
_TRIES = 5
"""To write down a change of the belts before its moment; each looks twice as far ahead."""


class OrderHandler:
    """What an order changes is in session.json before anybody hears of it."""

    def __init__(
        self,
        table: ProcessTable,
        belts: Belts,
        models: ModelOrders,
        placement: Placement,
        session: Session,
        folder: RunFolder,
        status: Status,
        interrupts: Interrupts,
    ) -> None:
        self._table = table
        self._belts = belts
        self._models = models
        self._placement = placement
        self._session = session
        self._folder = folder
        self._status = status
        self._interrupts = interrupts
        self._write_s = 0.0
        """how long session.json took when it was last written for the belts"""

    def carry_out(self, order: Order) -> dict[str, Any] | Future[dict[str, Any]]:
        """Do it; returns what was done, or will have been when it is known.

        Raises:
            BadInput: why it cannot be done; then nothing was. So does what is returned.
        """
        match order:
            case Threshold(value=value):
                self._hold(threshold=value)
                if self._table.dispatcher is not None:
                    self._table.dispatcher.channel.send("judge")
                return {"threshold": value}
            case Workers(count=count):
                return self._set_workers(count)
            case Kill(process=process):
                return self._kill(process)
            case Swap() | Shadow() | ShadowOff():
                return self._models.carry_out(order, self._hold)
            case Drain() | Stop():
                self._hold()
                self._interrupts.raise_to(2 if isinstance(order, Stop) else 1)
                return {}
            case _:
                return self._change_belts(order)

    def _change_belts(self, order: BeltOrder) -> dict[str, Any]:
        """Its moment has to lie ahead when it is written down: a slow disk asks for a later one.

        A camera runs no further than it has heard, so one that is told in time follows.
        """
        before = self._session.overrides.model_copy()
        ahead_s = self._write_s
        for _ in range(_TRIES):
            planned = self._belts.plan(order, ahead_s)
            began = monotonic()
            self._hold(changes=[*before.changes, planned.change])
            self._write_s = monotonic() - began
            if self._belts.left_s(planned) > _TELL_S:
                self._tell_cameras(planned)
                return {"at_s": round(planned.change.at_s, 3)}
            self._restore(before)
            ahead_s = 2 * max(ahead_s, self._write_s)
        self._keep()
        raise BadInput("session.json: the disk is too slow; nothing was done")

    def _tell_cameras(self, planned: Planned) -> None:
        """One that may hear of it too late begins its belt again, by what is written down."""
        for camera in self._table.of_role("camera"):
            camera.channel.send("changes", **self._belts.changes_note())
            if camera.channel.pending or self._belts.left_s(planned) <= 0:
                camera.kill()

    def _set_workers(self, count: int) -> dict[str, Any]:
        if self._status.phase == "stopping":
            raise BadInput("the line is stopping")
        if count == 0 and not self._status.settings.transport.listen:
            raise BadInput("workers.count: 0 needs transport.listen, for workers elsewhere")
        if self._models.is_swapping:
            raise BadInput("a swap is under way")
        before = self._status.workers if self._placement.is_on else len(self._table.workers_left)
        self._hold(workers=count)
        if self._placement.is_on:
            self._placement.set_workers(count)
        else:
            self._table.set_workers(count, self._models.serving.short_hash)
        return {"workers": count, "before": before}

    def _kill(self, process: str) -> dict[str, Any]:
        child = self._table.children.get(process)
        if child is None:
            living = ", ".join(self._table.children)
            raise BadInput(f"kill.process: there is no {process!r} now; there are {living}")
        self._hold()
        child.kill()
        return {"process": process, "pid": child.pid}

    def _hold(self, **changes: object) -> None:
        """Write down what holds from now on, and that there was one more order."""
        overrides = self._session.overrides
        before = overrides.model_copy()
        for name, value in {**changes, "orders": overrides.orders + 1}.items():
            setattr(overrides, name, value)
        try:
            self._keep()
        except BadInput:
            self._restore(before)
            raise

    def _restore(self, before: RuntimeOverrides) -> None:
        for name in RuntimeOverrides.model_fields:
            setattr(self._session.overrides, name, getattr(before, name))

    def _keep(self) -> None:
        try:
            self._session.keep(self._folder)
        except OSError as error:
            raise BadInput(f"session.json: {error.strerror or error}; nothing was done") from None
