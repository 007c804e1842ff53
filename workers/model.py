"""A model file: found, hashed, loaded, and asked what it is."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from line.errors import BadInput
from line.model_facts import ModelFacts
from workers.engine import Engine, OnnxEngine, TorchScriptEngine, first_line

SUFFIXES = (".onnx", ".ts", ".pt")
"""In order of preference where a folder holds several."""


@dataclass(frozen=True)
class Model:
    """A loaded engine with its facts."""

    facts: ModelFacts
    engine: Engine

    @property
    def threshold(self) -> float:
        """The confidence from which the file's own maker trusted its answers.

        Raises:
            BadInput: if the file names none, or not a number from 0 to 1.
        """
        named = self.engine.metadata.get("threshold")
        if named is None:
            raise BadInput(f"decision.threshold: {self.facts.path} names none; give a number")
        try:
            threshold = float(named)
        except ValueError:
            threshold = math.nan
        if not 0 <= threshold <= 1:
            raise BadInput(f"{self.facts.path}: scrapline.threshold {named!r} is not 0 to 1")
        return threshold

    @classmethod
    def load(cls, path: Path, provider: str, sha256: str | None = None) -> Model:
        """Read `path` once, check its hash if one is given, and try the model on one picture.

        Raises:
            BadInput: naming the path and what is wrong with the file.
        """
        data = _read(path)
        actual = hashlib.sha256(data).hexdigest()
        if sha256 is not None and actual != sha256:
            raise BadInput(f"{path}: changed since the run began (sha256 {actual[:12]}…)")
        try:
            engine: Engine = (
                OnnxEngine(data, provider) if path.suffix == ".onnx" else TorchScriptEngine(data)
            )
            classes = _classes(path, engine)
            _check_names(classes)
            _try(engine, len(classes))
        except BadInput as error:
            raise BadInput(f"{path}: {error}") from None
        facts = ModelFacts(path=str(path.resolve()), sha256=actual, classes=classes)
        return cls(facts, engine)


def find(path: Path) -> Path:
    """The model at `path`: the file itself, or the one that a folder holds (.onnx preferred).

    Raises:
        BadInput: if there is none, or several of the preferred kind.
    """
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise BadInput(f"{path}: not a model file ({', '.join(SUFFIXES)})")
        return path
    if not path.is_dir():
        raise BadInput(f"{path}: no such model file or folder")
    for suffix in SUFFIXES:
        found = sorted(path.glob(f"*{suffix}"))
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise BadInput(f"{path}: several models ({names}); name one with --model")
        if found:
            return found[0]
    raise BadInput(f"{path}: holds no model ({', '.join(SUFFIXES)})")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None


def _classes(path: Path, engine: Engine) -> tuple[str, ...]:
    """Class names in the order of the outputs: from the file itself or the index beside it."""
    inside = engine.metadata.get("classes")
    if inside is not None:
        return _class_list(inside)
    index = path.with_suffix(".class_index.json")
    if not index.is_file():
        raise BadInput(f"names no classes, and there is no {index.name} beside it")
    try:
        names = json.loads(index.read_text(encoding="utf-8"))
        return tuple(str(names[str(number)]) for number in range(len(names)))
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{index.name} is not an object of number → class name") from None


def _class_list(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput("scrapline.classes is not a JSON list of class names")
    return tuple(names)


def _check_names(classes: tuple[str, ...]) -> None:
    for name in classes:
        if "|" in name:
            raise BadInput(f"class name {name!r} contains |, which separates the names in top3")


def _try(engine: Engine, classes: int) -> None:
    """One picture, then two together: a graph may be made for a single one."""
    for count, what in ((1, "a picture"), (2, "a batch of two pictures")):
        try:
            answer = engine.classify(np.zeros((count, 64, 64, 3), np.uint8))
        except Exception as error:  # whatever a graph may raise, it is the file's fault
            raise BadInput(f"fails on {what}: {first_line(error)}") from None
        if answer.shape != (count, classes):
            given = answer.shape[-1] if answer.ndim == 2 else f"shape {list(answer.shape)} as"
            raise BadInput(f"gives {given} probabilities for {classes} class names")
        if answer.min() < 0 or not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
            raise BadInput("gives scores instead of probabilities: they do not sum to 1")
