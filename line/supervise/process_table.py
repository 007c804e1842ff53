"""The processes of one line: which are needed, which live, who is started again.

The supervisor decides when; here is how it is done, and where it is written down.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from line.observe import console_access
from line.observe.console_access import ConsoleAccess
from line.observe.status import ProcessState
from line.process.runtime_dir import CONTROL
from line.run_files.process_list import ProcessEntry, start_of
from line.run_files.run_folder import RunFolder, now_iso
from line.run_files.session import Session
from line.settings import SupervisorSettings
from line.supervise.child import Child, ProcessSpec
from line.supervise.child_watch import ChildWatch
from line.supervise.picture_memory import PictureMemory
from line.supervise.restarts import Death, Restarts


def worker_spec(number: int, model: str) -> ProcessSpec:
    """A worker on this machine; `model`: short hash of what it loads."""
    return ProcessSpec("worker", f"worker-{number}", number, "workers", model)


@dataclass(frozen=True, slots=True)
class FailedStart:
    """A process that the machine could not start: no descriptor, no memory, no process left."""

    spec: ProcessSpec
    identity: str
    why: str


class ProcessTable:
    """Has its living children watched."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        folder: RunFolder,
        session: Session,
        settings: SupervisorSettings,
        watch: ChildWatch,
        access: ConsoleAccess | None = None,
    ) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self.children: dict[str, Child] = {}
        self.given_up: set[str] = set()
        self.finished: set[str] = set()
        """those that have done all they were to do, or were told to end"""
        self._leaving: set[str] = set()
        """workers that are not wanted any more"""
        self._changing: set[str] = set()
        """workers that leave to come back with another model"""
        self._due: dict[str, float] = dict.fromkeys(self.specs, 0.0)
        """process → monotonic time of its next start"""
        self._folder = folder
        self._session = session
        self._settings = settings
        self._runtime_dir = Path(session.runtime_dir)
        self._pictures = PictureMemory(specs)
        self._watch = watch
        self._access = access
        self._restarts = {name: Restarts(settings) for name in self.specs}
        self._must_record = False  # a file is behind
        self._is_open = True
        self._entry = _own_entry()

    # -- who is there -------------------------------------------------------------------------

    def of_role(self, role: str) -> list[Child]:
        """The living of a role."""
        return [child for child in self.children.values() if child.spec.role == role]

    @property
    def pids(self) -> dict[str, int]:
        """By name, of the living."""
        return {name: child.pid for name, child in self.children.items()}

    @property
    def dispatcher(self) -> Child | None:
        return self.children.get("dispatcher")

    @property
    def cameras(self) -> set[str]:
        """Names of all cameras, living or not."""
        return {name for name, spec in self.specs.items() if spec.role == "camera"}

    @property
    def is_ready(self) -> bool:
        """Everybody who is needed and was not given up is there, and ready."""
        needed = {name for name, spec in self.specs.items() if not spec.only_looks_on}
        ready = {name for name, child in self.children.items() if child.is_ready}
        return needed - self.given_up <= ready

    @property
    def workers_left(self) -> list[str]:
        """Workers that serve, or will again."""
        return [
            name
            for name, spec in self.specs.items()
            if spec.role == "worker" and name not in self.given_up | self._leaving
        ]

    # -- who comes and goes -------------------------------------------------------------------

    @property
    def next_start(self) -> float:
        """Monotonic time; infinite if nobody is to be started."""
        return min(self._due.values(), default=math.inf)

    def start_due(self) -> list[FailedStart]:
        """Start whoever is due; returns who could not be started."""
        now = monotonic()
        failed: list[FailedStart] = []
        for name in [name for name, due in self._due.items() if due <= now]:
            del self._due[name]
            incarnation = self._session.next_incarnation(name)
            try:
                self._start(self.specs[name], incarnation)
            except OSError as error:
                why = f"cannot be started: {error.strerror or error}"
                failed.append(FailedStart(self.specs[name], f"{name}#{incarnation}", why))
            else:
                self.record()
        return failed

    def _start(self, spec: ProcessSpec, incarnation: int) -> None:
        """Raises OSError."""
        rings = self._pictures.known_to(spec)
        child = Child(spec, incarnation, self._folder, self._runtime_dir, rings)
        try:
            self._watch.add(child)
        except OSError:
            child.kill()
            child.close()
            raise
        self.children[spec.name] = child
        if spec.role == "console" and self._access is not None:
            child.channel.send(console_access.NOTE, **self._access.facts())

    def finish(self, is_meant: Callable[[ProcessSpec], bool]) -> None:
        """Have none of those started any more."""
        self.finished |= {name for name, spec in self.specs.items() if is_meant(spec)}
        for name in self.finished & self._due.keys():
            del self._due[name]

    def awaits(self, is_meant: Callable[[ProcessSpec], bool]) -> bool:
        """Whether one of those lives, or is to be started."""
        return any(is_meant(self.specs[name]) for name in self.children.keys() | self._due.keys())

    def reap(self, child: Child) -> None:
        """It has ended. One that was told to leave is not needed any more."""
        name = child.spec.name
        self._watch.remove(child)
        child.close()
        del self.children[name]
        if name in self._leaving:
            self._forget(name)
        elif name in self._changing:
            self._changing.remove(name)
            if name not in self.finished:
                self._due[name] = 0.0
        self.record()

    def is_needed(self, name: str) -> bool:
        """Whether one that was reaped has to be replaced, and is not about to be."""
        return name in self.specs and name not in self.finished and name not in self._due

    def restart(self, child: Child, *, worked: bool) -> str:
        """Have one that was reaped started again, sooner or later; or why it is given up."""
        if child.gave_up:
            self.given_up.add(child.spec.name)
            return "gave up"
        return self._start_later(child.spec.name, child.served_s, child.death, worked)

    def start_again(self, failed: FailedStart) -> str:
        """As `restart`, of one that could not be started."""
        return self._start_later(failed.spec.name, 0.0, Death.FAILED, worked=False)

    def _start_later(self, name: str, served_s: float, death: Death, worked: bool) -> str:
        record, now = self._restarts[name], monotonic()
        delay_s = record.delay_s(now, served_s, death, worked=worked)
        if delay_s is None:
            self.given_up.add(name)
            return record.why
        self._due[name] = now + delay_s
        return ""

    def set_workers(self, count: int, model: str) -> None:
        """So many of them: hire at once, or have the last ones finish what they hold and leave."""
        working = self.workers_left
        for name in working[count:]:
            self.dismiss(name)
        for _ in range(count - len(working)):
            self.hire(model)

    def hire(self, model: str) -> str:
        """One worker more, with the model of that short hash; returns its name."""
        numbers = (n for n in range(10**6) if f"worker-{n}" not in self.specs)
        spec = worker_spec(next(numbers), model)
        self.add(spec)
        return spec.name

    def dismiss(self, name: str) -> None:
        """Have it finish what it holds and leave."""
        self._leaving.add(name)
        self._changing.discard(name)
        child = self.children.get(name)
        if child is None:
            self._forget(name)
        else:
            child.channel.send("leave")

    def change_model(self, name: str, model: str) -> None:
        """Have a worker finish what it holds, leave, and come back with another model."""
        self.specs[name] = replace(self.specs[name], model=model)
        child = self.children.get(name)
        if child is not None and child.spec.model != model:
            self._changing.add(name)
            child.channel.send("leave")

    def kill_all(self) -> None:
        """SIGKILL, and the files say so."""
        for child in self.children.values():
            child.kill()
            child.ended()
            child.close()
        self.children.clear()
        self._pictures.close()
        self._is_open = False
        self.record()

    def add(self, spec: ProcessSpec) -> None:
        """One process more, or again one that was given up; it is started at once."""
        self.given_up.discard(spec.name)
        self.specs[spec.name] = spec
        self._restarts[spec.name] = Restarts(self._settings)
        self._due[spec.name] = 0.0

    def _forget(self, name: str) -> None:
        del self.specs[name]
        self._leaving.discard(name)
        self.given_up.discard(name)
        self._due.pop(name, None)

    # -- for observers ------------------------------------------------------------------------

    def record(self) -> None:
        """Bring processes.json and session.json up to date; without room, once there is some."""
        entries: Iterable[ProcessEntry] = (child.entry for child in self.children.values())
        control = self._runtime_dir / CONTROL if self._is_open else None
        try:
            self._folder.write_processes([self._entry, *entries], control)
            self._session.keep(self._folder)
        except OSError:  # whatever lacks it in earnest will say so
            self._must_record = True
        else:
            self._must_record = False

    def record_if_behind(self) -> None:
        if self._must_record:
            self.record()

    def states(self) -> list[ProcessState]:
        """Of every process that is needed."""
        return [self._state(spec) for spec in self.specs.values()]

    def _state(self, spec: ProcessSpec) -> ProcessState:
        child = self.children.get(spec.name)
        if child is not None:
            leaves = spec.name in self._leaving | self._changing
            state = "leaving" if leaves else child.state
        else:
            state = "restarting" if spec.name in self._due else "gone"
        pid = child.pid if child else 0
        incarnation = self._session.incarnations.get(spec.name, 0)
        heard = child.heard if child else None
        model = child.spec.model if child else spec.model
        return ProcessState(
            spec.name, spec.role, pid, incarnation, state, heard, model, spec.only_looks_on
        )


def _own_entry() -> ProcessEntry:
    pid = os.getpid()
    return ProcessEntry(
        name="supervisor",
        role="supervisor",
        pid=pid,
        incarnation=1,
        since=now_iso(),
        ready=True,
        started=start_of(pid),
    )
