"""What an engine makes of a model's answers: beside the default engine, and against labels.

Temperature and threshold are found as `adopt --calibrate` finds them. How well they hold is judged
out of fold: on each fifth of the pictures by what the other four say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from adoption.calibration import PRECISION, Calibration, calibrate
from adoption.check import MOVED, NamedPicture
from line.errors import BadInput, ModelError
from line.model.engine_calibration import EngineCalibration, entry_of
from line.plain_text import plain
from line.section import EngineName
from workers.engines.graph_ports import PREFIX
from workers.engines.opening import engine_version
from workers.engines.speeds import processor_flags
from workers.engines.tempered import at_temperature
from workers.model import Model

Answers = NDArray[np.float32]
Labels = NDArray[np.int64]

_FOLDS = 5
_SEED = 17
_Z_95 = 1.959963984540054
"""97.5% quantile of the normal distribution."""


@dataclass(frozen=True)
class EngineFit:
    """`fitted`: on all pictures; `kept`: what the file is to keep."""

    fitted: Calibration
    kept: EngineCalibration

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share right of the sure, out of fold: Wilson's, at 95%."""
        n, right = self.kept.sure, self.kept.right
        if not n:
            return 0.0, 1.0
        share, zz = right / n, _Z_95**2
        half = _Z_95 * sqrt(share * (1 - share) / n + zz / (4 * n * n))
        centre = share + zz / (2 * n)
        return (centre - half) / (1 + zz / n), (centre + half) / (1 + zz / n)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What is doubtful."""
        if self.interval[1] >= PRECISION:
            return self.fitted.cautions
        seen = f"{self.kept.right} of {self.kept.sure} sure answers are right"
        return (*self.fitted.cautions, f"out of fold {seen}, fewer than {PRECISION:.0%}")


def both_answers(
    default: Model, other: Model, pictures: Iterable[NamedPicture]
) -> tuple[Answers, Answers]:
    """Probabilities [n, classes] of the same file in both engines, as each gives them by itself.

    Raises:
        BadInput: naming the engine and the picture that it fails on.
    """
    given: tuple[list[Answers], list[Answers]] = ([], [])
    for entry in pictures:
        for answers, model in zip(given, (default, other), strict=True):
            try:
                answers.append(model.classify(entry.picture[None])[0])
            except ModelError as error:
                where = f"{plain(entry.name)}: in {model.facts.engine} the model"
                raise BadInput(f"{where} {error}") from None
    return np.array(given[0]), np.array(given[1])


def fit(
    engine: EngineName,
    default: Answers,
    other: Answers,
    labels: Labels,
    default_threshold: float | None,
) -> EngineFit:
    """`default`, `other`: as `both_answers`; `default_threshold`: of the file, if it names one.

    Raises:
        BadInput: if no threshold makes answers as often right as they have to be.
    """
    fitted = calibrate(_at_temperatures(other), labels)
    surest = default.max(axis=1), other.max(axis=1)
    reached = [confidence >= (default_threshold or 0.0) for confidence in surest]
    sure, right = _out_of_fold(other, labels)
    kept = EngineCalibration(
        temperature=fitted.temperature,
        threshold=fitted.threshold,
        pictures=len(labels),
        same_class=int((default.argmax(axis=1) == other.argmax(axis=1)).sum()),
        moved=int((np.abs(default - other).max(axis=1) > MOVED).sum()),
        crossed=int((reached[0] != reached[1]).sum()),
        sure=sure,
        right=right,
        version=engine_version(engine),
        processor=processor_flags(),
    )
    return EngineFit(fitted, kept)


def with_calibration(content: bytes, engine: EngineName, kept: EngineCalibration) -> bytes:
    """A model file's content with what it is to keep of an engine; its graph stays as it is."""
    proto = onnx.load_model_from_string(content)
    entries = {entry.key: entry.value for entry in proto.metadata_props}
    entries[PREFIX + entry_of(engine)] = kept.model_dump_json()
    helper.set_model_props(proto, entries)
    return bytes(proto.SerializeToString())


def _at_temperatures(answers: Answers) -> Callable[[float], NDArray[np.float64]]:
    return lambda temperature: at_temperature(answers, temperature).astype(np.float64)


def _out_of_fold(answers: Answers, labels: Labels) -> tuple[int, int]:
    """Pictures that reach the threshold, and those of them that are right."""
    sure = right = 0
    for held_out in _folds(labels):
        try:
            found = calibrate(_at_temperatures(answers[~held_out]), labels[~held_out])
        except BadInput:
            continue  # no threshold, and nothing is sure
        judged = at_temperature(answers[held_out], found.temperature)
        reached = judged.max(axis=1) >= np.float32(found.threshold)
        sure += int(reached.sum())
        right += int((judged.argmax(axis=1) == labels[held_out])[reached].sum())
    return sure, right


def _folds(labels: Labels) -> Iterator[NDArray[np.bool_]]:
    """Which pictures are held out, [n]: of each class as many in every fold, nearly."""
    rng = np.random.default_rng(_SEED)
    fold = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        places = rng.permutation(np.flatnonzero(labels == label))
        fold[places] = (np.arange(len(places)) + label) % _FOLDS
    for number in range(_FOLDS):
        yield fold == number
