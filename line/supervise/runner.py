"""One run, from validated settings to a finished run folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from line.errors import DiskFull, StageDied
from line.model.facts import ModelFacts
from line.observe.console_access import ConsoleAccess
from line.observe.status import Status
from line.process.runtime_dir import make_runtime_dir, mark, new_token, remove_marked
from line.process.signals import Interrupts
from line.run_files.run_folder import RunFolder
from line.run_files.runtime_overrides import RuntimeOverrides
from line.run_files.session import Session
from line.settings import Settings
from line.supervise.child import ProcessSpec
from line.supervise.fault_injection import describe
from line.supervise.model_orders import shadow_spec
from line.supervise.placement import placement_spec
from line.supervise.process_table import worker_spec
from line.supervise.resume import session_of
from line.supervise.run_lock import RunLock
from line.supervise.supervisor import Supervisor


@dataclass(frozen=True)
class Ended:
    """How a run ended. `how` is finished, drained, stopped or died (then `error` says of what)."""

    how: str
    error: StageDied | None = None


Watch = Callable[[Status], None]
Prepare = Callable[[Path], None]
"""Puts into a new run folder what the run's processes read besides the settings."""


def run(
    settings: Settings,
    model: ModelFacts,
    folder: RunFolder,
    prepare: Prepare,
    watch: Watch,
    access: ConsoleAccess | None = None,
) -> Ended:
    """Make the folder, run the line in it, and leave `run.json` beside what the sinks wrote.

    `settings.line.workers` must be a number. `watch` is called several times a second.
    `access` is for the console, where there is one.

    Raises:
        BadInput: if the folder cannot be made; nothing has been started then.
    """
    os.umask(settings.results.umask)
    with _runtime_dir() as runtime_dir:
        folder.make(settings, model)
        prepare(folder.path)
        with RunLock(folder.path) as lock:
            session = Session(runtime_dir=str(runtime_dir), token=new_token())
            if model.standby is not None:
                session.overrides.models[model.standby.short_hash] = model.standby
            return _go(settings, model, folder, session, lock, watch, access)


def resume(
    settings: Settings,
    model: ModelFacts,
    folder: RunFolder,
    watch: Watch,
    access: ConsoleAccess | None = None,
) -> Ended:
    """Go on with a run whose runner is gone; `reopen` has the arguments.

    Of `settings` only what whoever resumes has a say in may differ from those of the folder.

    Raises:
        BadInput: if another runner is at work in the folder, or the session's file is damaged.
    """
    os.umask(settings.results.umask)
    with _runtime_dir() as runtime_dir, RunLock(folder.path) as lock:
        session = session_of(folder.path, settings, model)
        remove_marked(Path(session.runtime_dir), folder.path, session.token)
        (folder.path / "run.json").unlink(missing_ok=True)
        folder.keep_settings(settings)
        later = session.successor(runtime_dir, new_token())
        return _go(settings, model, folder, later, lock, watch, access)


@contextmanager
def _runtime_dir() -> Iterator[Path]:
    """A folder for the sockets of one session; gone with it."""
    path = make_runtime_dir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _go(
    settings: Settings,
    model: ModelFacts,
    folder: RunFolder,
    session: Session,
    lock: RunLock,
    watch: Watch,
    access: ConsoleAccess | None,
) -> Ended:
    mark(Path(session.runtime_dir), folder.path, session.token)
    folder.inherited_fds = lock.inherited_fds

    def look(status: Status) -> None:
        lock.keep()
        folder.inherited_fds = lock.inherited_fds
        watch(status)

    status = Status(settings)
    status.restarts.update(session.restarts)
    status.overrides = session.overrides
    serving = session.overrides.serving(model).short_hash
    specs = _process_specs(settings, status.workers, serving, session.overrides)
    supervisor = Supervisor(specs, folder, session, status, look, access)
    try:
        with Interrupts() as interrupts:
            ended = Ended(supervisor.run(interrupts))
    except StageDied as error:
        ended = Ended("died", error)
    try:
        folder.write_json("run.json", _facts(status, model, session, ended))
    except OSError as error:
        raise DiskFull(f"{folder.path / 'run.json'}: {error.strerror or error}") from None
    return ended


def _process_specs(
    settings: Settings, workers: int, model: str, overrides: RuntimeOverrides
) -> list[ProcessSpec]:
    """Every process that the line needs; `model`: short hash of what the workers load."""
    shadow = overrides.shadow
    return [
        ProcessSpec("dispatcher", "dispatcher", 0, "line.dispatch"),
        *(ProcessSpec("sink", name, index, "sinks") for index, name in enumerate(settings.sinks)),
        *_workers(settings, workers, model),
        *(
            ProcessSpec("camera", f"camera-{n}", n, "producers")
            for n in range(settings.line.cameras)
        ),
        *([ProcessSpec("console", "console", 0, "console")] if settings.console.on == "on" else []),
        *([shadow_spec(shadow.model.short_hash)] if shadow is not None else []),
    ]


def _workers(settings: Settings, workers: int, model: str) -> list[ProcessSpec]:
    """Those of this machine, or who has them run elsewhere."""
    if settings.placement.is_on_cluster:
        return [placement_spec()]
    return [worker_spec(n, model) for n in range(workers)]


def _facts(status: Status, model: ModelFacts, session: Session, ended: Ended) -> dict[str, object]:
    roles = ("camera", "dispatcher", "worker", "sink")
    return {
        "ended": ended.how,
        "error": str(ended.error) if ended.error else None,
        "sessions": session.number,
        "replays": status.settings.source.replays or None,
        "fed": status.fed,
        "wall_s": round(status.wall_s, 3),
        "belt_s": round(status.belt_s, 3),
        "workers": status.workers,
        "speed": status.settings.line.speed,
        "model": model.told,
        "models": [each.told for each in session.overrides.all_models(model)],
        "restarts": {role: status.restarts[role] for role in roles},
        "faults": describe(status.settings.events, session),
        "orders": session.overrides.orders,
        "trigger_jitter_ms": status.jitter_ms(),
        "pictures": status.pictures,
        "processor": status.bill.facts(status.rows_written),
        "machine": status.machine_facts(),
        "malformed_messages": status.malformed,
        "refused_connections": status.strangers,
    }
