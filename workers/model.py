"""A model: loaded from its file by hash, tried, and asked about pictures."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from line.errors import BadInput, ModelError, NotAdopted
from line.model.engine_calibration import EngineCalibration, calibration_of
from line.model.facts import LONGEST_REASON, ModelFacts, complaint_about_answer
from line.own_file import read_regular
from line.pictures import Picture
from line.plain_text import plain
from line.section import DEFAULT_ENGINE, EngineName
from pictures.class_names import complaint_about_names
from workers.engine import ANY, Answers, Engine, Takes
from workers.engines.opening import opened as opened_engine
from workers.engines.tempered import at_temperature
from workers.model_file import read
from workers.probe import Size, tried
from workers.torchscript import TorchScriptEngine

_LARGEST_INDEX = 10**6
_LONGEST_ENTRY = 10**6
_LARGEST_SIDE_PX = 4096


@dataclass(frozen=True)
class Model:
    """A loaded engine with its facts. `doubts`: pictures on which it failed when it was tried."""

    facts: ModelFacts
    engine: Engine
    takes: Takes = ANY
    doubts: tuple[str, ...] = ()
    calibration: EngineCalibration | None = None
    """for its engine; the default's is in the graph and in `default_threshold`"""

    @property
    def threshold(self) -> float:
        """The confidence from which its answers in this engine are to be trusted.

        Raises:
            BadInput: if the file names none, or not a number from 0 to 1.
        """
        named = self.named_threshold
        if named is not None:
            return named
        path, engine = plain(self.facts.path), self.facts.engine
        if engine == DEFAULT_ENGINE:
            raise BadInput(f"decision.threshold: {path} names none; give a number")
        raise BadInput(
            f"decision.threshold: {path} was not calibrated for {engine}; do so with `run_line.py "
            f"calibrate --engine {engine} --check FOLDER --model {path}`, or give a number"
        )

    @property
    def named_threshold(self) -> float | None:
        """As `threshold`; None if the file names none."""
        if self.facts.engine == DEFAULT_ENGINE:
            return self.default_threshold
        return None if self.calibration is None else self.calibration.threshold

    @property
    def default_threshold(self) -> float | None:
        """Of the default engine, whichever this is. Raises BadInput if it is not 0 to 1."""
        named = self.engine.metadata.get("threshold")
        if named is None:
            return None
        try:
            threshold = float(named)
        except ValueError:
            threshold = math.nan
        if not 0 <= threshold <= 1:
            raise BadInput(
                f"{self.facts.path}: scrapline.threshold {plain(repr(named), 40)} is not 0 to 1"
            )
        return threshold

    @property
    def novelty_energy(self) -> float | None:
        """The energy that its file calls the limit of what is known; None if it names none.

        Raises:
            BadInput: if that is no number.
        """
        named = self.engine.metadata.get("novelty_energy")
        if named is None or not self.engine.gives_energy:
            return None
        try:
            energy = float(named)
        except ValueError:
            energy = math.nan
        if not math.isfinite(energy):
            raise BadInput(
                f"{self.facts.path}: scrapline.novelty_energy {plain(repr(named), 40)} is no number"
            )
        return energy

    @property
    def size_px(self) -> Size | None:
        """Height and width of the network's view; None unless the file names two fair numbers."""
        return _named_size(self.engine)

    def chosen_because(self, reason: str) -> Model:
        """With the reason for its engine among its facts."""
        told = {"engine_reason": plain(reason, LONGEST_REASON)}
        return replace(self, facts=self.facts.model_copy(update=told))

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        """The probabilities of `answers`."""
        return self.answers(batch).probabilities

    def answers(self, batch: Picture) -> Answers:
        """`batch`: uint8 [n, height, width, 3].

        Raises:
            ModelError: if the model fails on it, any of the answers is no distribution, or any
                energy is no number.
        """
        count, height_px, width_px, _ = batch.shape
        if not self.takes.fits(height_px, width_px):
            raise ModelError(
                f"takes pictures of {self.takes.size} only, not {width_px}x{height_px}"
            )
        answers, energies = self.engine.classify(batch)
        classes = self.facts.classes
        if answers.ndim != 2 or len(answers) != count:
            raise ModelError(f"gives shape {list(answers.shape)} for {count} pictures")
        for answer in answers.tolist():
            if complaint := complaint_about_answer(answer, classes):
                raise ModelError(plain(complaint))
        if energies is not None and (energies.shape != (count,) or not np.isfinite(energies).all()):
            raise ModelError("gives energies that are not one number a picture")
        answers = answers.clip(0, 1)
        if self.calibration is not None:
            answers = at_temperature(answers, self.calibration.temperature)
        return Answers(answers, energies)

    @classmethod
    def load(
        cls,
        path: Path,
        engine: EngineName,
        sha256: str | None = None,
        *,
        size: Size | None = None,
        is_set: bool = True,
    ) -> Model:
        """Open a file and try the model, on pictures of `size` if that is known.

        `is_set`: the size is the camera's setting; other pictures come as they are.

        Raises:
            BadInput: naming the path and what is wrong with the file.
        """
        opened = cls.open(path, engine, sha256)
        try:
            found = tried(opened.classify, opened.takes, size, opened.size_px, is_set=is_set)
        except BadInput as error:
            raise BadInput(f"{plain(str(path))}: {error}") from None
        return replace(opened, takes=found.takes, doubts=found.doubts)

    @classmethod
    def open(cls, path: Path, engine: EngineName, sha256: str | None = None) -> Model:
        """Read `path` once and check its hash if one is given; for a file that was tried before.

        Raises:
            BadInput: naming the path and what is wrong with the file.
        """
        try:
            place = _text(path.resolve())
            data, actual = read(path, sha256)
            loaded = _loaded(path, data, engine)
            classes = _classes(path, loaded)
            calibration = None
            if engine != DEFAULT_ENGINE:
                calibration = calibration_of(loaded.metadata, engine)
        except NotAdopted as error:
            way = (
                f"`run_line.py adopt {plain(str(path))}` makes one that runs, if it is a classifier"
            )
            raise BadInput(f"{plain(str(path))}: {plain(str(error))}; {way}") from None
        except BadInput as error:
            raise BadInput(f"{plain(str(path))}: {plain(str(error))}") from None
        facts = ModelFacts(
            path=place,
            sha256=actual,
            classes=classes,
            engine=engine,
            gives_energy=loaded.gives_energy,
        )
        return cls(facts, loaded, loaded.takes, calibration=calibration)


def _loaded(path: Path, data: bytes, engine: EngineName) -> Engine:
    if path.suffix == ".onnx":
        return opened_engine(engine, data)
    if engine != DEFAULT_ENGINE:
        raise BadInput(f"model.engine: {engine} runs ONNX files, and this is TorchScript")
    return TorchScriptEngine(data)


def _text(path: Path) -> str:
    """Raises BadInput for a path that model.json could not hold."""
    try:
        return str(path).encode().decode()
    except UnicodeError:
        raise BadInput("the name is no UTF-8") from None


def _classes(path: Path, engine: Engine) -> tuple[str, ...]:
    """Class names in the order of the outputs: from the file itself or the index beside it."""
    for key, value in engine.metadata.items():
        if len(value) > _LONGEST_ENTRY:
            raise BadInput(f"scrapline.{plain(key, 40)} is longer than {_LONGEST_ENTRY} characters")
    inside = engine.metadata.get("classes")
    names = _index_beside(path) if inside is None else _class_list(inside)
    if complaint := complaint_about_names(names):
        raise BadInput(complaint)
    return names


def _index_beside(path: Path) -> tuple[str, ...]:
    index = path.with_suffix(".class_index.json")
    if not index.is_file():
        # An ONNX file that comes so far takes what the line gives; of TorchScript nobody knows.
        kind = BadInput if path.suffix == ".onnx" else NotAdopted
        raise kind(f"names no classes, and there is no {index.name} beside it")
    try:
        names = json.loads(read_regular(index, _LARGEST_INDEX, follow_links=True))
        found = tuple(names[str(number)] for number in range(len(names)))
    except OSError as error:
        raise BadInput(f"{index.name}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if found is None or not all(isinstance(name, str) for name in found):
        raise BadInput(f"{index.name} is not an object of number → class name")
    return found


def _class_list(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput("scrapline.classes is not a JSON list of class names")
    return tuple(names)


def _named_size(engine: Engine) -> Size | None:
    try:
        height, width = json.loads(engine.metadata.get("size", "null"))
    except (ValueError, TypeError, RecursionError):
        return None
    fair = all(type(side) is int and 1 <= side <= _LARGEST_SIDE_PX for side in (height, width))
    return (height, width) if fair else None
