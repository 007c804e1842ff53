"""Starts the line's processes, watches them, restarts them, and stops them in order.

It takes no part in the message plane: it knows its children by their channels. A child that dies is
noticed when its channel breaks; one that hangs, when its heartbeat stops. Every death is told to
the dispatcher, which ends the leases of the dead, and written to `events.jsonl`.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

from line.errors import StageDied
from line.observe.console_access import ConsoleAccess
from line.observe.control_server import ControlSocket
from line.observe.status import Status
from line.observe.status_note import status_note
from line.process.runtime_dir import CONTROL
from line.process.signals import Interrupts
from line.run_files.line_logs import EventLog, OrderLog
from line.run_files.run_folder import RunFolder
from line.run_files.session import Session
from line.section import LOG, PLANT_SINKS
from line.supervise import child_log
from line.supervise.belts import Belts
from line.supervise.child import Child, ProcessSpec
from line.supervise.child_notes import ChildNotes
from line.supervise.child_watch import NOTES, ChildWatch
from line.supervise.deaths import Deaths
from line.supervise.fault_injection import Faults
from line.supervise.machine_watch import MachineWatch
from line.supervise.model_orders import ModelOrders
from line.supervise.order_handler import OrderHandler
from line.supervise.outages import Outages
from line.supervise.placement import Placement
from line.supervise.process_table import ProcessTable
from line.supervise.runtime_dir_guard import SocketFolder

_STOP_UNBEGUN_S = 1.0
"""For the stop of a line that has fed nothing."""
LOOK_S = 0.2
"""Between two looks at everything; deaths are handled at once, notes at the latest then."""
_CLOSE_LOOK_S = 1.0
"""Between two looks at what hardly ever changes."""
_STOP_ORDER: tuple[Callable[[ProcessSpec], bool], ...] = (
    lambda spec: spec.role == "camera",
    lambda spec: spec.role == "worker",
    lambda spec: spec.role in ("dispatcher", "placement"),
    lambda spec: spec.name == LOG,
    lambda spec: spec.follows and spec.name not in PLANT_SINKS,
    lambda spec: spec.name in PLANT_SINKS,
)
"""Who feeds, who works, who writes, who reads what was written, who takes it elsewhere."""
_ASLEEP_S = 1.0
"""A supervisor that was itself held up for so long knows nothing of its children's heartbeats."""


class Supervisor:
    """Runs one line from start to end. `watch` is called several times a second."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        folder: RunFolder,
        session: Session,
        status: Status,
        watch: Callable[[Status], None],
        access: ConsoleAccess | None = None,
    ) -> None:
        self._folder = folder
        self._session = session
        self._status = status
        self._watch = watch
        self._settings = status.settings.supervisor
        self._selector = selectors.DefaultSelector()
        self._access = access
        self._child_watch = ChildWatch(self._selector)
        self._table = ProcessTable(
            specs, folder, session, self._settings, self._child_watch, access
        )
        self._children = self._table.children
        self._belts = Belts(status)
        self._events = EventLog(folder.path)
        self._outages = Outages(self._events)
        self._models = ModelOrders(
            self._table, session, folder, status, self._events, self._selector
        )
        self._placement = Placement(
            self._table,
            status,
            self._events,
            Path(session.runtime_dir),
            lambda: self._models.serving,
        )
        self._models.on_swap = self._placement.order
        self._faults = Faults(status, session, self._children)
        self._machine = MachineWatch(status, folder.path)
        self._control: ControlSocket | None = None
        self._sockets: SocketFolder | None = None
        self._next_look = self._next_close_look = 0.0
        self._lost_sockets = 0
        self._notes = ChildNotes(
            self._table,
            status,
            self._belts,
            self._events,
            self._outages,
            self._faults,
            self._models,
            self._placement,
        )
        self._deaths = Deaths(self._table, status, session, self._outages, self._models)

    def run(self, interrupts: Interrupts) -> str:
        """Until the belt has ended and everything is stored; returns how the run ended.

        Returns:
            "finished", "drained" (one interrupt) or "stopped" (a second one).

        Raises:
            StageDied: when no process of a role is left and none may be started again, or when
                rows of the log are gone.
        """
        self._selector.register(interrupts.fileno(), selectors.EVENT_READ)
        try:
            runtime_dir = Path(self._session.runtime_dir)
            token = self._session.token
            sockets = SocketFolder(
                runtime_dir, self._folder.path, token, is_on_cluster=self._placement.is_on
            )
            with (
                closing(sockets) as self._sockets,
                self._open_control(interrupts) as self._control,
            ):
                return self._run(interrupts)
        except OSError as error:  # none is expected, and the items are accounted for all the same
            where = f"{error.filename}: " if error.filename else ""
            raise StageDied(f"the supervisor: {where}{error.strerror or error}") from error
        finally:
            self._models.close()
            self._machine.close()
            self._table.kill_all()
            self._child_watch.close()
            self._selector.close()

    def _open_control(self, interrupts: Interrupts) -> ControlSocket:
        order_handler = OrderHandler(
            self._table,
            self._belts,
            self._models,
            self._placement,
            self._session,
            self._folder,
            self._status,
            interrupts,
        )
        path = Path(self._session.runtime_dir) / CONTROL
        log = OrderLog(self._folder.path, lambda: self._belts.now_s)
        console = self._status.settings.console
        address = self._access.address(console.url) if self._access is not None else None
        overrides = self._session.overrides
        return ControlSocket(
            path,
            self._selector,
            order_handler.carry_out,
            lambda: overrides.orders,
            log,
            address,
        )

    def _run(self, interrupts: Interrupts) -> str:
        if (number := self._session.number) > 1:
            text = f"a runner has taken up the run again; it is the {number}. one"
            self._events.append(f"resumed-{number}", "resumed", text)
        self._placement.make_keys()
        while not self._is_over():
            if interrupts.count > 1:
                return "stopped"
            if interrupts.count and self._status.phase != "draining":
                self._drain()
            self._turn()
        self._status.end_belt()
        self._machine.end(monotonic(), self._table.pids)
        self._stop(interrupts)
        return "drained" if interrupts.count else "finished"

    # -- one turn -----------------------------------------------------------------------------

    def _turn(self) -> None:
        """Wait for a note, a death, an interrupt, or the next look around."""
        for failed in self._table.start_due():
            self._deaths.count_failed(failed)
        self._faults.end_due(monotonic())
        self._child_watch.listen(at_once=not self._is_calm)
        wake = min(self._next_look, self._table.next_start, self._faults.next_end)
        for key, _ in self._selector.select(max(0.0, wake - monotonic())):
            if callable(key.data):  # of the control socket
                key.data()
            elif key.data == NOTES:
                self._listen_to_speakers()
            elif key.data in self._children:  # it has ended
                self._listen(self._children[key.data])
        if monotonic() >= self._next_look:
            self._listen_to_speakers()
            self._look_around()

    @property
    def _is_calm(self) -> bool:
        """Children have nothing to say that cannot wait for the next look."""
        is_running = self._status.phase == "running" and self._table.is_ready
        return is_running and not self._status.settings.events

    def _look_around(self) -> None:
        now = monotonic()
        was_asleep = now > self._next_look + _ASLEEP_S
        self._next_look = now + LOOK_S
        for child in list(self._children.values()):
            if was_asleep:
                child.heard = now
            limit_s = self._settings.hang_s if child.is_ready else self._settings.start_s
            if now - child.heard > limit_s * child.spec.patience:
                child.kill_hung()
            if child.channel.pending:
                child.channel.flush()
        self._outages.look(self._children, self._table.specs.keys() - self._table.finished)
        self._models.look()
        self._placement.look()
        self._events.flush()
        self._table.record_if_behind()
        self._begin_belt_when_ready()
        self._deaths.check_workers(now)
        if now >= self._next_close_look:
            self._next_close_look = now + _CLOSE_LOOK_S
            self._look_closely(now)
        self._machine.look(now, self._table.pids)
        self._status.note_movement(now)
        self._status.processes = self._table.states()
        self._show()
        if self._control is not None:
            self._control.look_around(lambda: status_note(self._status))

    def _look_closely(self, now: float) -> None:
        for child in list(self._children.values()):
            self._listen(child)  # a death that left its channel open
            child_log.turn(child.log, 1e6 * self._settings.log_mb)
        self._check_sockets()

    def _check_sockets(self) -> None:
        """A folder of sockets that was removed or emptied is made again."""
        if self._sockets is None or self._control is None:
            return
        dispatcher = self._table.dispatcher
        is_ready = dispatcher is not None and dispatcher.is_ready
        if self._sockets.is_whole(dispatcher_is_ready=is_ready):
            return
        self._lost_sockets += 1
        runtime_dir = Path(self._session.runtime_dir)
        try:
            self._sockets.restore()
            (runtime_dir / CONTROL).unlink(missing_ok=True)
            self._control.bind_again()
        except OSError as error:
            raise StageDied(
                f"{runtime_dir}: the folder of sockets is gone and cannot be made again: "
                f"{error.strerror or error}"
            ) from None
        self._events.append(
            f"sockets-{self._session.number}-{self._lost_sockets}",
            "sockets_lost",
            f"the folder of sockets {runtime_dir} was removed or emptied; it was made again",
        )
        self._placement.make_keys()
        if dispatcher is not None:
            dispatcher.kill()  # the next one binds its sockets in the new folder
        self._table.record()

    def _show(self) -> None:
        """Whoever looks on may fail, and is not called again then; the line goes on."""
        try:
            self._watch(self._status)
        except Exception as error:
            self._watch = lambda _: None
            self._status.incidents.append(f"who looked on failed: {type(error).__name__}: {error}")

    def _listen_to_speakers(self) -> None:
        for name in self._child_watch.speakers():
            if name in self._children:
                self._listen(self._children[name])

    def _listen(self, child: Child) -> None:
        """Handle what a child has said, to its last word if it died."""
        self._notes.take(child)
        how = child.ended()
        if how is not None:
            self._notes.take(child)
            self._deaths.reap(child, how)

    # -- phases -------------------------------------------------------------------------------

    def _begin_belt_when_ready(self) -> None:
        if self._belts.have_started or not (self._table.is_ready and self._status.has_workers):
            return
        if not self._placement.is_ready:
            return
        if not all(camera.is_prepared for camera in self._table.of_role("camera")):
            return
        self._belts.start()
        self._status.bill.begin_belt()
        self._status.phase = "running"
        self._tell_cameras(**self._belts.start_note())

    def _drain(self) -> None:
        self._status.phase = "draining"
        self._tell_cameras("drain")

    def _is_over(self) -> bool:
        """Every belt has ended; or it shall end, and has not begun."""
        draining = self._status.phase == "draining"
        if not self._belts.have_started:
            return draining
        feeding = self._table.cameras - self._table.finished
        if draining:
            feeding -= {name for name in feeding if self._has_nothing_to_drain(name)}
        return not feeding

    def _has_nothing_to_drain(self, camera: str) -> bool:
        """It is not there, and has fed nothing in this session: nobody waits for its return."""
        child = self._children.get(camera)
        if child is not None and child.is_ready:
            return False
        belt = self._status.belts.get(camera)
        return belt is None or int(belt["fed"]) == 0

    def _stop(self, interrupts: Interrupts) -> None:
        """In the order above, all within one total time; says who of the followers was not done.

        A follower that has died is started again, for it has not read all that was written, and
        nobody would later.
        """
        self._status.phase = "stopping"
        has_begun = self._belts.have_started
        deadline = monotonic() + (self._settings.stop_s if has_begun else _STOP_UNBEGUN_S)
        self._table.finish(lambda spec: not (spec.follows and has_begun))
        for is_meant in _STOP_ORDER:
            while self._table.awaits(is_meant):
                for child in self._children.values():
                    if is_meant(child.spec) and not child.is_to_end:
                        self._tell_to_end(child, has_begun=has_begun)
                if monotonic() > deadline or interrupts.count > 1:
                    self._tell_who_is_behind()
                    return
                self._turn()

    def _tell_to_end(self, child: Child, *, has_begun: bool) -> None:
        child.is_to_end = True
        child.channel.send("stop")
        if not child.is_ready and not (child.spec.follows and has_begun):
            child.kill()  # it holds nothing, and would first become ready

    def _tell_who_is_behind(self) -> None:
        """A follower that has not ended has not read all that was written."""
        for name, spec in self._table.specs.items():
            if spec.follows and name not in self._table.finished | self._table.given_up:
                behind = self._status.behind.get(name)
                rows = "an unknown number of" if behind is None else behind
                text = f"{name} was ended {rows} rows behind {LOG}"
                self._events.append(f"behind-{self._session.number}-{name}", "behind", text)
                self._status.incidents.append(text)

    def _tell_cameras(self, kind: str, **facts: Any) -> None:
        for camera in self._table.of_role("camera"):
            camera.channel.send(kind, **facts)
