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


def with_threshold(found: ModelFacts, own: ModelFacts) -> ModelFacts:
    """With thresholds of its own only where the settings leave them to the model.

    Raises:
        BadInput: if the file names none for its engine.
    """
    if own.threshold is None:
        return found.model_copy(update={"threshold": None, "standby_threshold": None})
    if found.threshold is not None:
        return found
    lacks = "names no threshold"
    if found.engine != DEFAULT_ENGINE:
        lacks = f"was not calibrated for {found.engine}"
    raise BadInput(f'{found.path}: {lacks}, and decision.threshold is "model"')
