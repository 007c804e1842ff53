"""From options to validated settings, and to a model that fits them."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from commands.run_setup.picture_sizes import Size, first_size, refuse_other_sizes
from line.config import ROOT, load
from line.errors import BadInput
from line.model.facts import ModelFacts
from line.plain_text import plain
from line.process.sockets import check_remote
from line.settings import Settings
from producers.sources import open_source
from workers.model_file import find

if TYPE_CHECKING:  # it loads ONNX Runtime, which most commands do without
    from workers.model import Model


def settings_of(
    config: Path | None,
    scenario: str | None,
    options: dict[str, object | None],
    assignments: list[str] | None,
) -> Settings:
    given = [(key, value) for key, value in options.items() if value is not None]
    return resolved(load(config, scenario, given, assignments or ()))


def resolved(settings: Settings) -> Settings:
    """With what depends on this machine, and on where the runner was called, put in."""
    changes: dict[str, dict[str, object]] = {}
    if settings.line.workers == "auto":
        changes["line"] = {"workers": _cores()}
    if Path(settings.source.spec).exists():
        changes["source"] = {"spec": str(Path(settings.source.spec).absolute())}
    if settings.transport.keys:
        changes["transport"] = {"keys": str(Path(settings.transport.keys).absolute())}
    return settings.replaced(changes)


def facts_of(settings: Settings, model: Model) -> ModelFacts:
    """What the line is told of the model; with its own threshold, where the settings ask for it."""
    if settings.decision.threshold != "model":
        return model.facts
    return model.facts.model_copy(update={"threshold": model.threshold})


def decided(settings: Settings, model: Model) -> Settings:
    """The settings with the model's own threshold, where they leave that to it."""
    if settings.decision.threshold != "model":
        return settings
    return settings.replaced({"decision": {"threshold": model.threshold}})


def load_model(settings: Settings, size: Size | None = None) -> Model:
    """`size`: of the pictures that it is to be tried on, if that is known."""
    path = Path(settings.model.path)
    shipped = ROOT / path
    if not (path.is_absolute() or _is_there(path)) and _is_there(shipped):
        path = shipped  # wherever the runner is called from
    from workers.model import Model

    return Model.load(
        find(path), settings.model.provider, size=size, is_set=settings.drawn_px is not None
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # not to be looked at, or a name that is too long: opening it will say so
        return False


def checked_model(settings: Settings) -> Model:
    """The model, if all else fits it and itself. Raises BadInput naming what does not."""
    with closing(open_source(settings)) as source:
        model = load_model(settings, first_size(source, settings))
        refuse_other_sizes(source, settings, model)
        classes = source.classes
    known = model.facts.classes
    names = plain(", ".join(known))
    strange = [name for name in classes or () if name not in known]
    if strange:
        raise BadInput(
            f"source.spec: {settings.source.spec} has the class {strange[0]!r}, "
            f"which the model {model.facts.path} does not know ({names})"
        )
    residue = settings.belt.residue_class
    check_remote(settings.transport)
    if residue and residue not in known:
        raise BadInput(f"belt.residue_class: {residue!r} is not a class of the model ({names})")
    return model


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
