"""A run in virtual time: the twin in the place of the line, the same folder and accounts."""

from __future__ import annotations

import os
from pathlib import Path

from rich.status import Status

from commands.plan_output.profiles import fitting_profile
from commands.printing import err
from commands.run_setup.settings import promising
from line.errors import BadInput, DiskFull
from line.model.facts import ModelFacts
from line.outcome import Outcome
from line.run_files.results import FILE as RESULTS
from line.run_files.results import HEADER, encode_rows
from line.run_files.run_folder import RunFolder
from line.settings import Settings
from line.supervise.runner import Ended
from planner.profile import Profile, newest
from planner.sim.line_figures import Figures
from planner.sim.twin import check, simulate
from producers.sources import keep_pictures

_BATCH_ROWS = 1000


def profile_for(settings: Settings, path: Path | None, model: Path | None) -> tuple[Path, Profile]:
    """The profile asked for, or the newest, and its path.

    Raises:
        BadInput: if there is none, if it does not fit the settings or the model asked for, or if
            something is set that has no meaning in virtual time.
    """
    _refuse_the_real(settings)
    path = (path or newest(settings)).absolute()
    profile = fitting_profile(settings, path, model)
    check(settings, profile)
    return path, profile


def with_thresholds(settings: Settings, profile: Profile) -> Settings:
    """With the engine of the profile, and the thresholds that are left to it and to promises."""
    settings = settings.replaced({"model": {"engine": profile.engine}})
    if settings.decision.threshold == "model":
        settings = settings.replaced({"decision": {"threshold": profile.threshold}})
    return promising(settings, profile.short_hash, profile.classes)


def run(settings: Settings, path: Path, profile: Profile, folder: RunFolder, quiet: bool) -> Ended:
    """Simulate the line and leave what a run leaves: settings, rows, `run.json`.

    A line that died leaves them, too.

    Raises:
        BadInput: if the folder cannot be made, or the line cannot be simulated.
        DiskFull: if there is no room for what it leaves.
    """
    os.umask(settings.results.umask)
    model = ModelFacts(
        path=profile.model_path,
        sha256=profile.model_sha256,
        classes=profile.classes,
        engine=profile.engine,
    )
    folder.make(settings, model)
    keep_pictures(settings, folder.path)
    try:
        with _Rows(folder.path / RESULTS, quiet) as rows:
            figures = simulate(settings, profile, on_row=rows.add)
        folder.write_json("run.json", _facts(settings, path, model, figures))
    except OSError as error:
        raise DiskFull(f"{folder.path}: {error.strerror or error}") from None
    return _ended(figures)


def _ended(figures: Figures) -> Ended:
    return Ended("finished") if figures.died is None else Ended("died", figures.died)


class _Rows:
    """results.csv, written many rows at a time. Shows how far it is, unless `quiet`."""

    def __init__(self, path: Path, quiet: bool) -> None:
        self._file = path.open("wb")
        self._file.write(HEADER.encode())
        self._pending: list[Outcome] = []
        self._written = 0
        self._status = Status("virtual time begins", console=err) if not quiet else None

    def __enter__(self) -> _Rows:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()
        if self._status is not None:
            self._status.stop()

    def add(self, outcome: Outcome) -> None:
        self._pending.append(outcome)
        if len(self._pending) == _BATCH_ROWS:
            self._flush()
            if self._status is not None:
                belt_s = outcome.scheduled_s
                self._status.update(f"{belt_s:.0f} s of belt, {self._written} items")

    def _flush(self) -> None:
        self._file.write(encode_rows(self._pending))
        self._written += len(self._pending)
        self._pending.clear()


def _facts(
    settings: Settings, profile: Path, model: ModelFacts, figures: Figures
) -> dict[str, object]:
    """As of a real run, less what only real processes have."""
    ended = _ended(figures)
    roles = ("camera", "dispatcher", "worker", "sink")
    return {
        "clock": "virtual",
        "profile": str(profile),
        "ended": ended.how,
        "error": None if ended.error is None else str(ended.error),
        "sessions": 1,
        "fed": figures.fed + figures.unaccounted,
        "wall_s": round(figures.wall_s, 3),
        "belt_s": round(figures.belt_s, 3),
        "workers": settings.line.workers,
        "speed": settings.line.speed,
        "model": model.told,
        "restarts": {role: figures.restarts[role] for role in roles},
        "faults": [_fault(settings, number) for number in figures.injected],
        "trigger_jitter_ms": None,
        "processor": _processor(figures),
        "machine": None,
    }


def _processor(figures: Figures) -> dict[str, object] | None:
    """As of a real run, with one part; None where the profile knows of none."""
    if not figures.processor_s:
        return None
    seconds = {name: {"foretold": round(s, 4)} for name, s in figures.processor_s.items()}
    return {"items": figures.fed, "seconds": seconds}


def _fault(settings: Settings, number: int) -> dict[str, object]:
    event = settings.events[number]
    facts: dict[str, object] = event.model_dump(mode="json", exclude={"role", "index"})
    return {**facts, "process": event.process}


def _refuse_the_real(settings: Settings) -> None:
    """Raises BadInput for what only a line of processes can do."""
    real = {
        "source.replays": (settings.source.replays, "a recorded belt has no lane to simulate"),
        "transport.listen": (settings.transport.listen, "nobody comes in from outside"),
        "placement.kind": (settings.placement.is_on_cluster, "no worker is started"),
        "metrics.port": (settings.metrics.port, "it is over before anybody could ask"),
        "record.enabled": (settings.record.enabled, "there are no pictures to keep"),
        "postgres.enabled": (settings.postgres.enabled, "`run_line.py sink` takes its rows there"),
        "mqtt.enabled": (settings.mqtt.enabled, "nobody waits for what comes all at once"),
    }
    for key, (value, reason) in real.items():
        if value:
            raise BadInput(f"{key}: not in virtual time, {reason}")
