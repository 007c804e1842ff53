"""Which engine `model.engine = "auto"` takes: the fastest of those that may be taken, and why.

Another than the default may be taken if it is faster by more than 5% here, and was calibrated for
the model: on enough pictures, with the installed version, on a processor with the same flags, and
with the class of the default engine on nearly all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput, ModelError
from line.model.engine_calibration import EngineCalibration, calibration_of
from line.section import DEFAULT_ENGINE, EngineName
from workers.engines import speed_cache
from workers.engines.opening import engine_version, is_installed
from workers.engines.speeds import processor_flags, speeds_ms
from workers.model import Model
from workers.probe import Size, noise

LEAD = 1.05
LEAST_PICTURES = 300
LEAST_SAME = 0.99
_OTHERS: tuple[EngineName, ...] = ("openvino", "cuda")
_USUAL_PX = (224, 224)


@dataclass(frozen=True, slots=True)
class Choice:
    """`reason`: for people, and for the run's file."""

    engine: EngineName
    reason: str


def choose(model: Model, size: Size | None) -> Choice:
    """`model`: in the default engine; `size`: height and width of its pictures, if known."""
    others = [name for name in _OTHERS if is_installed(name)]
    if not model.facts.path.endswith(".onnx"):
        return Choice(DEFAULT_ENGINE, "auto: TorchScript is run by torch")
    if not others:
        return Choice(DEFAULT_ENGINE, "auto: no other engine is installed")
    ms = _speeds(model, others, model.takes.within(*(size or model.size_px or _USUAL_PX)))
    if DEFAULT_ENGINE not in ms:
        return Choice(DEFAULT_ENGINE, "auto: nothing could be measured")
    objections = {name: _objection(model, name, ms) for name in others if name in ms}
    fit = [name for name, objection in objections.items() if not objection]
    chosen = min(fit, key=lambda name: ms[name], default=DEFAULT_ENGINE)
    said = [
        f"{name} takes {ms[name]:.2f} ms for a picture, {DEFAULT_ENGINE} {ms[DEFAULT_ENGINE]:.2f}"
        + objection
        for name, objection in objections.items()
    ]
    said += [f"{name} cannot run it" for name in others if name not in ms]
    return Choice(chosen, "auto: " + "; ".join(said))


def _objection(model: Model, engine: EngineName, ms: Mapping[EngineName, float]) -> str:
    """Goes on from what it takes; empty if it may be taken."""
    if ms[DEFAULT_ENGINE] <= LEAD * ms[engine]:
        return ", which is not more than 5% faster"
    try:
        fault = complaint(calibration_of(model.engine.metadata, engine), engine)
    except BadInput as error:
        fault = f"its calibration is damaged: {error}"
    return f", but {fault}" if fault else ""


def complaint(calibration: EngineCalibration | None, engine: EngineName) -> str:
    """Why an engine must not be taken on this machine with this calibration; empty if it may."""
    if calibration is None:
        return f"the model was not calibrated for it (run_line.py calibrate --engine {engine})"
    pictures, same = calibration.pictures, calibration.same_class
    if pictures < LEAST_PICTURES:
        return (
            f"the model was calibrated for it on {pictures} pictures, {LEAST_PICTURES} are needed"
        )
    if same < LEAST_SAME * pictures:
        return f"only {same} of {pictures} pictures get the class that they get by default"
    if calibration.version != engine_version(engine):
        return f"the model was calibrated for its version {calibration.version}"
    if calibration.processor != processor_flags():
        return "the model was calibrated for it on another processor"
    return ""


def _speeds(model: Model, others: list[EngineName], size: Size) -> dict[EngineName, float]:
    """As kept, else as measured now; an engine that cannot run the model is left out."""
    situation = speed_cache.Situation(
        sha256=model.facts.sha256,
        picture_px=size,
        processor=processor_flags(),
        versions={name: engine_version(name) for name in (DEFAULT_ENGINE, *others)},
    )
    known = speed_cache.kept(situation)
    if known is not None and DEFAULT_ENGINE in known:
        return known
    models: dict[EngineName, Model] = {DEFAULT_ENGINE: model}
    for name in others:
        try:
            found = Model.open(Path(model.facts.path), name, model.facts.sha256)
            found.classify(noise(*size))
        except (BadInput, ModelError):
            continue
        models[name] = found
    try:
        ms = speeds_ms(models, size)
    except ModelError:
        return {}
    speed_cache.keep(situation, ms)
    return ms
