"""Whether a run can take another model, in the engine that it is to have."""

from __future__ import annotations

from line.errors import BadInput
from line.model.facts import ModelFacts
from line.section import DEFAULT_ENGINE


def fitting(found: ModelFacts | BadInput, own: ModelFacts) -> ModelFacts:
    """`own`: the run's. Raises BadInput unless the other knows its classes, and no others."""
    if isinstance(found, BadInput):
        raise found
    for name in [*own.classes, *found.classes]:
        if name not in found.classes:
            raise BadInput(f"{found.path}: lacks the class {name!r} of the run's model")
        if name not in own.classes:
            raise BadInput(f"{found.path}: knows a class {name!r}, the run's model does not")
    return found


def with_limits(found: ModelFacts, own: ModelFacts, novelty_energy: float | str) -> ModelFacts:
    """With limits of its own only where the settings leave them to the model.

    `novelty_energy`: as the settings of the run have it.

    Raises:
        BadInput: if the file names none for its engine, or gives no energy where that has a limit.
    """
    return _with_threshold(_with_novelty_energy(found, own, novelty_energy), own)


def _with_novelty_energy(
    found: ModelFacts, own: ModelFacts, novelty_energy: float | str
) -> ModelFacts:
    if novelty_energy != "off" and not found.gives_energy:
        raise BadInput(f"{found.path}: gives no energy, and decision.novelty_energy is a limit")
    if own.novelty_energy is None:
        return found.model_copy(update={"novelty_energy": None})
    if found.novelty_energy is None:
        raise BadInput(f'{found.path}: names no limit, and decision.novelty_energy is "model"')
    return found


def _with_threshold(found: ModelFacts, own: ModelFacts) -> ModelFacts:
    if own.threshold is None:
        return found.model_copy(update={"threshold": None, "standby_threshold": None})
    if found.threshold is not None:
        return found
    lacks = "names no threshold"
    if found.engine != DEFAULT_ENGINE:
        lacks = f"was not calibrated for {found.engine}"
    raise BadInput(f'{found.path}: {lacks}, and decision.threshold is "model"')
