"""Starts the line's processes, watches them, restarts them, and stops them in order.

It takes no part in the message plane: it knows its children by their leashes. A child that dies is
noticed when its leash breaks; one that hangs, when its heartbeat stops. Every death is told to the
dispatcher, which ends the leases of the dead, and to the alerts sink.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from line import child_log
from line.child import Child, Place
from line.errors import StageDied
from line.faults import Faults
from line.leash import Note
from line.notices import Notices
from line.restarts import Restarts
from line.run_folder import ProcessEntry, RunFolder, now_iso
from line.session import FILE as SESSION_FILE
from line.session import Session, elapsed_s
from line.signals import Interrupts
from line.status import ProcessState, Status

LOOK_S = 0.1
"""Between two looks at everything; notes and deaths are heeded at once."""
_STOP_ORDER = ("camera", "worker", "dispatcher", "sink")
_START_DELAY_S = 0.3
"""From the last process's readiness to belt second 0: greetings need a moment."""
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
    ) -> None:
        self._folder = folder
        self._session = session
        self._runtime_dir = Path(session.runtime_dir)
        self._status = status
        self._watch = watch
        self._settings = status.settings.supervisor
        self._places = {place.name: place for place in places}
        self._children: dict[str, Child] = {}
        self._restarts = {name: Restarts(self._settings) for name in self._places}
        self._lanes: dict[str, Note] = {}
        """camera → how far its lane had come when it was last started"""
        self._start: Note = {}
        """the note that starts a belt; empty before"""
        self._due: dict[str, float] = dict.fromkeys(self._places, 0.0)
        """process → monotonic time of its next start"""
        self._given_up: set[str] = set()
        self._finished: set[str] = set()
        self._notices = Notices(self._children)
        self._faults = Faults(status.settings, session, self._children)
        self._selector = selectors.DefaultSelector()
        self._next_look = 0.0
        self._must_write = False  # processes.json is behind
        self._entry = ProcessEntry("supervisor", "supervisor", os.getpid(), 1, now_iso(), True)

    def run(self, interrupts: Interrupts) -> str:
        """Until the belt has ended and everything is stored; returns how the run ended.

        Returns:
            "finished", "drained" (one interrupt) or "stopped" (a second one).

        Raises:
            StageDied: when no process of a role is left and none may be started again.
        """
        self._selector.register(interrupts.fileno(), selectors.EVENT_READ)
        try:
            while not self._is_over():
                if interrupts.count > 1:
                    return "stopped"
                if interrupts.count and self._status.phase != "draining":
                    self._drain()
                self._turn()
            self._status.belt_ended = monotonic()
            self._stop(interrupts)
            return "drained" if interrupts.count else "finished"
        finally:
            self._kill_all()
            self._selector.close()

    # -- one turn -----------------------------------------------------------------------------

    def _turn(self) -> None:
        """Wait for a note, a death, an interrupt, or the next look around."""
        self._start_due()
        now = monotonic()
        wake = min([self._next_look, *self._due.values()])
        for key, _ in self._selector.select(max(0.0, wake - now)):
            child = self._children.get(key.data)
            if child is not None:
                self._listen(child)
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
            if now - child.heard > limit_s:
                child.kill()
            child.leash.flush()
            self._listen(child)
            child_log.turn(child.log, 1e6 * self._settings.log_mb)
        self._faults.end_due(now)
        if self._must_write:
            self._write_processes()
        self._begin_belt_when_ready()
        self._status.processes = [self._state(place) for place in self._places.values()]
        self._watch(self._status)

    def _start_due(self) -> None:
        now = monotonic()
        for name in [name for name, due in self._due.items() if due <= now]:
            del self._due[name]
            incarnation = self._session.next_incarnation(name)
            child = Child(self._places[name], incarnation, self._folder, self._runtime_dir)
            self._children[name] = child
            self._selector.register(child.leash.fileno(), selectors.EVENT_READ, data=name)
            self._write_processes()

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
                self._lanes[child.place.name] = note
            case "finished":
                self._finished.add(child.place.name)
            case "event":
                self._faults.begin(note["number"])
            case "suspect":
                self._kill_identity(note["process"])
            case "notice_done":
                self._notices.settle(note["id"])
            case "disk_full":
                self._notices.add(
                    note["id"], "disk_full", f"{child.place.name} waits: {note['text']}"
                )
            case "error":
                child.last_words = note["text"]
                self._status.incidents.append(f"{child.place.name}: {note['text']}")

    def _welcome(self, child: Child) -> None:
        child.ready = monotonic()
        self._faults.greet(child)
        self._write_processes()
        if child.place.role == "dispatcher":
            self._notices.tell(child)
        if child.place.role == "camera" and self._start:
            child.leash.send(**self._start)
            if self._status.phase == "draining":
                child.leash.send("drain")

    def _kill_identity(self, identity: str) -> None:
        for child in self._children.values():
            if child.identity == identity:
                child.kill()

    # -- deaths -------------------------------------------------------------------------------

    def _bury(self, child: Child, how: str) -> None:
        name, role = child.place.name, child.place.role
        self._selector.unregister(child.leash.fileno())
        child.close()
        del self._children[name]
        self._write_processes()
        if name in self._finished:
            return  # a camera whose belt has ended is not needed any more
        dispatcher = self._children.get("dispatcher")
        if dispatcher is not None:
            dispatcher.leash.send("died", role=role, process=child.identity)
        now = monotonic()
        delay_s = None if child.gave_up else self._restarts[name].delay_s(now, child.served_s)
        if delay_s is None:
            self._given_up.add(name)
            self._notices.add(f"given_up-{child.identity}", "given_up", f"{name} {how}, given up")
            self._check_stage(child, how)
        else:
            self._status.restarts[role] += 1
            self._due[name] = now + delay_s
            self._notices.add(f"restart-{child.identity}", "restart", f"{name} {how}, restarted")

    def _check_stage(self, child: Child, how: str) -> None:
        """Only workers stand in for one another; any other process is a stage by itself."""
        workers_left = {n for n, p in self._places.items() if p.role == "worker"} - self._given_up
        if child.place.role != "worker" or not workers_left:
            why = child.last_words or f"{how} too often; see {child.log}"
            raise StageDied(f"{child.place.name} was given up: {why}")

    # -- phases -------------------------------------------------------------------------------

    def _begin_belt_when_ready(self) -> None:
        everyone = len(self._children) == len(self._places) - len(self._given_up)
        if self._status.belt_started is not None or not (everyone and self._status.has_workers):
            return
        if all(child.is_ready for child in self._children.values()):
            begin = monotonic() + _START_DELAY_S
            self._status.belt_started = begin - elapsed_s(self._lanes.values())
            self._status.phase = "running"
            self._start = {"kind": "start", "zero": self._status.belt_started, "begin": begin}
            self._tell_cameras(**self._start)

    def _drain(self) -> None:
        self._status.phase = "draining"
        self._tell_cameras("drain")

    def _is_over(self) -> bool:
        """Every belt has ended, or an interrupt came before any had started."""
        if self._status.belt_started is None:
            return self._status.phase == "draining"
        return all(n in self._finished for n, p in self._places.items() if p.role == "camera")

    def _stop(self, interrupts: Interrupts) -> None:
        """First who feeds, then who works, then who writes; all within one total time."""
        self._status.phase = "stopping"
        deadline = monotonic() + self._settings.stop_s
        while self._notices and monotonic() < deadline - self._settings.stop_s / 2:
            self._turn()
        self._due.clear()
        for role in _STOP_ORDER:
            stopping = [c for c in self._children.values() if c.place.role == role]
            for child in stopping:
                child.leash.send("stop")
                self._finished.add(child.place.name)
            while any(c.place.name in self._children for c in stopping):
                if monotonic() > deadline or interrupts.count > 1:
                    return
                self._turn()

    def _tell_cameras(self, kind: str, **facts: Any) -> None:
        for child in self._children.values():
            if child.place.role == "camera":
                child.leash.send(kind, **facts)

    # -- for onlookers ------------------------------------------------------------------------

    def _kill_all(self) -> None:
        for child in self._children.values():
            child.kill()
            child.ended()
            child.close()
        self._children.clear()
        self._write_processes()

    def _write_processes(self) -> None:
        children = [child.entry for child in self._children.values()]
        self._session.restarts = dict(self._status.restarts)
        try:
            self._folder.write_processes([self._entry, *children])
            self._folder.write_json(SESSION_FILE, self._session.model_dump())
        except OSError:  # no room; whatever lacks it in earnest will say so
            self._must_write = True
        else:
            self._must_write = False

    def _state(self, place: Place) -> ProcessState:
        child = self._children.get(place.name)
        if child is not None:
            state = "ready" if child.is_ready else "starting"
        else:
            state = "restarting" if place.name in self._due else "gone"
        pid = child.entry.pid if child else 0
        incarnation = self._session.incarnations.get(place.name, 0)
        heard = child.heard if child else None
        return ProcessState(place.name, place.role, pid, incarnation, state, heard)
