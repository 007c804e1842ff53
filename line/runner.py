"""One run, from validated settings to a finished run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from line.child import Place
from line.errors import StageDied
from line.model_facts import ModelFacts
from line.run_folder import RunFolder
from line.runtime_dir import make_runtime_dir
from line.settings import SINKS, Settings
from line.signals import Interrupts
from line.status import Status
from line.supervisor import Supervisor


@dataclass(frozen=True)
class Ended:
    """How a run ended. `how` is finished, drained, stopped or died (then `error` says of what)."""

    how: str
    error: StageDied | None = None


def run(
    settings: Settings, model: ModelFacts, folder: RunFolder, watch: Callable[[Status], None]
) -> Ended:
    """Make the folder, run the line in it, and leave `run.json` beside what the sinks wrote.

    `settings.line.workers` must be a number. `watch` is called several times a second.

    Raises:
        BadInput: if the folder cannot be made; nothing has been started then.
    """
    runtime_dir = make_runtime_dir()
    folder.make(settings, model)
    status = Status(settings)
    supervisor = Supervisor(_places(settings), folder, runtime_dir, status, watch)
    try:
        with Interrupts() as interrupts:
            ended = Ended(supervisor.run(interrupts))
    except StageDied as error:
        ended = Ended("died", error)
    finally:
        shutil.rmtree(runtime_dir, ignore_errors=True)
    folder.write_json("run.json", _facts(status, model, ended))
    return ended


def _places(settings: Settings) -> list[Place]:
    """Every process that the line needs."""
    assert isinstance(settings.line.workers, int)
    sinks = SINKS if settings.review.enabled else SINKS[:-1]
    return [
        Place("dispatcher", "dispatcher", 0, "line"),
        *(Place("sink", name, index, "sinks") for index, name in enumerate(sinks)),
        *(Place("worker", f"worker-{n}", n, "workers") for n in range(settings.line.workers)),
        *(Place("camera", f"camera-{n}", n, "producers") for n in range(settings.line.cameras)),
    ]


def _facts(status: Status, model: ModelFacts, ended: Ended) -> dict[str, object]:
    roles = ("camera", "dispatcher", "worker", "sink")
    return {
        "ended": ended.how,
        "error": str(ended.error) if ended.error else None,
        "fed": status.fed,
        "wall_s": round(status.wall_s, 3),
        "belt_s": round(status.belt_s, 3),
        "workers": status.settings.line.workers,
        "speed": status.settings.line.speed,
        "model": {"path": model.path, "sha256": model.sha256, "classes": model.classes},
        "restarts": {role: status.restarts[role] for role in roles},
        "trigger_jitter_ms": status.jitter_ms(),
        "malformed_messages": status.flow.get("malformed", 0),
    }
