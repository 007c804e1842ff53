"""Starts the line's processes, watches them, restarts them, and stops them in order.

It takes no part in the message plane: it knows its children by their leashes. A child that dies is
noticed when its leash breaks; one that hangs, when its heartbeat stops. Every death is told to the
dispatcher, which ends the leases of the dead, and to the alerts sink.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from line import child_log
from line.belts import Belts
from line.child import LOG, Child, Place
from line.console_access import ConsoleAccess
from line.control import ControlSocket
from line.crew import Crew
from line.errors import StageDied
from line.event_log import EventLog
from line.faults import Faults
from line.foreman import Foreman
from line.leash import Note
from line.model_orders import ModelOrders
from line.order_log import OrderLog
from line.run_folder import RunFolder
from line.runtime_dir import CONTROL
from line.session import Session
from line.signals import Interrupts
from line.status import Status
from line.status_note import status_note

LOOK_S = 0.1
"""Between two looks at everything; notes and deaths are heeded at once."""
_STOP_ORDER: tuple[Callable[[Place], bool], ...] = (
    lambda place: place.role == "camera",
    lambda place: place.role == "worker",
    lambda place: place.role == "dispatcher",
    lambda place: place.name == LOG,
    lambda place: place.follows,
)
"""Who feeds, who works, who writes, who reads what was written."""
_ASLEEP_S = 1.0
"""A supervisor that was itself held up for so long knows nothing of its children's heartbeats."""


class Supervisor:
    """Runs one line from start to end. `watch` is called several times a second."""

    def __init__(
        self,
        places: Sequence[Place],
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
        self._crew = Crew(places, folder, session, self._settings, self._selector, access)
        self._children = self._crew.children
        self._belts = Belts(status)
        self._events = EventLog(folder.path)
        self._models = ModelOrders(
            self._crew, session, folder, status, self._events, self._selector
        )
        self._faults = Faults(status, session, self._children)
        self._control: ControlSocket | None = None
        self._next_look = 0.0

    def run(self, interrupts: Interrupts) -> str:
        """Until the belt has ended and everything is stored; returns how the run ended.

        Returns:
            "finished", "drained" (one interrupt) or "stopped" (a second one).

        Raises:
            StageDied: when no process of a role is left and none may be started again.
        """
        self._selector.register(interrupts.fileno(), selectors.EVENT_READ)
        try:
            with self._open_control(interrupts) as self._control:
                return self._run(interrupts)
        finally:
            self._models.close()
            self._crew.kill_all()
            self._selector.close()

    def _open_control(self, interrupts: Interrupts) -> ControlSocket:
        foreman = Foreman(
            self._crew,
            self._belts,
            self._models,
            self._session,
            self._folder,
            self._status,
            interrupts,
        )
        path = Path(self._session.runtime_dir) / CONTROL
        log = OrderLog(self._folder.path, lambda: self._belts.now_s)
        console = self._status.settings.console
        address = self._access.address(console.url) if self._access is not None else None
        return ControlSocket(path, self._selector, foreman.carry_out, log, address)

    def _run(self, interrupts: Interrupts) -> str:
        while not self._is_over():
            if interrupts.count > 1:
                return "stopped"
            if interrupts.count and self._status.phase != "draining":
                self._drain()
            self._turn()
        self._status.belt_ended = monotonic()
        self._stop(interrupts)
        return "drained" if interrupts.count else "finished"

    # -- one turn -----------------------------------------------------------------------------

    def _turn(self) -> None:
        """Wait for a note, a death, an interrupt, or the next look around."""
        self._crew.start_due()
        wake = min(self._next_look, self._crew.next_start)
        for key, _ in self._selector.select(max(0.0, wake - monotonic())):
            if callable(key.data):  # of the control socket
                key.data()
            elif key.data in self._children:
                self._listen(self._children[key.data])
        if monotonic() >= self._next_look:
            self._look_around()

    def _look_around(self) -> None:
        now = monotonic()
        was_asleep = now > self._next_look + _ASLEEP_S
        self._next_look = now + LOOK_S
        for child in list(self._children.values()):
            if was_asleep:
                child.heard = now
            limit_s = self._settings.hang_s if child.is_ready else self._settings.start_s
            if now - child.heard > limit_s * child.place.patience:
                child.kill()
            child.leash.flush()
            self._listen(child)
            child_log.turn(child.log, 1e6 * self._settings.log_mb)
        self._faults.end_due(now)
        self._models.look()
        self._events.flush()
        self._crew.record_if_behind()
        self._begin_belt_when_ready()
        self._status.processes = self._crew.states()
        self._show()
        if self._control is not None:
            self._control.look_around(lambda: status_note(self._status))

    def _show(self) -> None:
        """Whoever looks on may fail, and is not called again then; the line goes on."""
        try:
            self._watch(self._status)
        except Exception as error:
            self._watch = lambda _: None
            self._status.incidents.append(f"who looked on failed: {type(error).__name__}: {error}")

    def _listen(self, child: Child) -> None:
        """Heed what a child has said, to its last word if it died."""
        for note in child.notes():
            self._heed(child, note)
        how = child.ended()
        if how is not None:
            for note in child.notes():
                self._heed(child, note)
            self._bury(child, how)

    # -- what children say --------------------------------------------------------------------

    def _heed(self, child: Child, note: Note) -> None:
        self._status.take(child.place.name, note)
        match note["kind"]:
            case "ready":
                self._welcome(child)
            case "progress":
                self._belts.learn(child.place.name, note)
            case "finished":
                self._crew.finished.add(child.place.name)
            case "event":
                self._faults.begin(note["number"])
            case "suspect":
                self._kill_identity(note["process"])
            case "incident":
                self._events.append(note["id"], note["event"], f"{child.place.name} {note['text']}")
            case "error":
                child.last_words = note["text"]
                self._status.incidents.append(f"{child.place.name}: {note['text']}")

    def _welcome(self, child: Child) -> None:
        child.ready = monotonic()
        self._faults.greet(child)
        self._crew.record()
        if child.place.role == "camera" and self._belts.have_started:
            child.leash.send(**self._belts.start_note())
            if self._status.phase == "draining":
                child.leash.send("drain")

    def _kill_identity(self, identity: str) -> None:
        for child in self._children.values():
            if child.identity == identity:
                child.kill()

    # -- deaths -------------------------------------------------------------------------------

    def _bury(self, child: Child, how: str) -> None:
        name, role = child.place.name, child.place.role
        self._crew.bury(child)
        if name in self._crew.finished:
            return  # a camera whose belt has ended is not needed any more
        if self._crew.dispatcher is not None:
            self._crew.dispatcher.leash.send("died", role=role, process=child.identity)
        self._models.lost(child, how)
        if not self._crew.is_needed(child):
            return  # a worker that was told to leave
        if self._crew.restart(child):
            self._status.restarts[role] += 1
            self._session.restarts = dict(self._status.restarts)
            self._events.append(f"restart-{child.identity}", "restart", f"{name} {how}, restarted")
        else:
            self._events.append(f"given_up-{child.identity}", "given_up", f"{name} {how}, given up")
            self._check_stage(child, how)

    def _check_stage(self, child: Child, how: str) -> None:
        """Only workers stand in for one another; any other process is a stage by itself."""
        if child.place.only_looks_on:
            return
        if child.place.role != "worker" or not self._crew.workers_left:
            why = child.last_words or f"{how} too often; see {child.log}"
            raise StageDied(f"{child.place.name} was given up: {why}")

    # -- phases -------------------------------------------------------------------------------

    def _begin_belt_when_ready(self) -> None:
        if self._belts.have_started or not (self._crew.is_ready and self._status.has_workers):
            return
        self._belts.start()
        self._status.phase = "running"
        self._tell_cameras(**self._belts.start_note())

    def _drain(self) -> None:
        self._status.phase = "draining"
        self._tell_cameras("drain")

    def _is_over(self) -> bool:
        """Every belt has ended, or an interrupt came before any had started."""
        if not self._belts.have_started:
            return self._status.phase == "draining"
        return self._crew.cameras <= self._crew.finished

    def _stop(self, interrupts: Interrupts) -> None:
        """In the order above, all within one total time; says who of the followers was not done."""
        self._status.phase = "stopping"
        deadline = monotonic() + self._settings.stop_s
        self._crew.start_nobody()
        for is_meant in _STOP_ORDER:
            stopping = [child for child in self._children.values() if is_meant(child.place)]
            for child in stopping:
                child.leash.send("stop")
                self._crew.finished.add(child.place.name)
            while any(c.place.name in self._children for c in stopping):
                if monotonic() > deadline or interrupts.count > 1:
                    self._tell_who_is_behind()
                    return
                self._turn()

    def _tell_who_is_behind(self) -> None:
        """A follower that is killed now has not read all that was written."""
        for child in self._children.values():
            if child.place.follows:
                behind = self._status.behind.get(child.place.name)
                rows = "an unknown number of" if behind is None else behind
                text = f"{child.place.name} was ended {rows} rows behind {LOG}"
                self._events.append(f"behind-{child.identity}", "behind", text)
                self._status.incidents.append(text)

    def _tell_cameras(self, kind: str, **facts: Any) -> None:
        for camera in self._crew.of_role("camera"):
            camera.leash.send(kind, **facts)
