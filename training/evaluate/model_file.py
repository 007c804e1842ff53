"""A model file of any kind: found, opened, hashed, and tried on one picture."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.errors import BadInput
from training.evaluate.engines import Engine, onnx_engine
from training.settings import best_of

SUFFIXES = (".onnx", ".ts", ".pt")


@dataclass(frozen=True)
class ModelFile:
    """An opened model. `aspect` is height ÷ width of the network's view of a picture.

    `temperature` is what the file divides the trained network's logits by.
    """

    path: Path
    sha256: str
    size_bytes: int
    classes: tuple[str, ...]
    aspect: float
    temperature: float
    engine: Engine

    @classmethod
    def open(cls, path: Path) -> ModelFile:
        """Open a .onnx or .ts file, a checkpoint, or a run folder (its best checkpoint).

        Raises:
            BadInput: naming the file and what is wrong with it.
        """
        file = best_of(path)
        if file.suffix not in SUFFIXES:
            raise BadInput(f"{path}: not a model ({', '.join(SUFFIXES)} or a run folder)")
        try:
            data = file.read_bytes()
        except OSError as error:
            raise BadInput(f"{file}: {error.strerror or error}") from error
        if file.suffix == ".pt":
            from training.evaluate.torch_engines import checkpoint_engine

            engine = checkpoint_engine(file)  # names the file by itself
            return cls._of(file, data, engine)
        try:
            return cls._of(file, data, _engine_of(file, data))
        except BadInput as error:
            raise BadInput(f"{file}: {error}") from error

    @classmethod
    def _of(cls, file: Path, data: bytes, engine: Engine) -> ModelFile:
        classes = _classes(file, engine)
        _try(engine, len(classes))
        return cls(
            path=file,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            classes=classes,
            aspect=_aspect(engine),
            temperature=_temperature(engine),
            engine=engine,
        )


def _engine_of(file: Path, data: bytes) -> Engine:
    if file.suffix == ".onnx":
        return onnx_engine(data)
    from training.evaluate.torch_engines import torchscript_engine

    return torchscript_engine(data)


def _classes(file: Path, engine: Engine) -> tuple[str, ...]:
    """Class names in the order of the outputs: from inside the file, or the index beside it."""
    index = file.with_suffix(".class_index.json")
    inside = engine.facts.get("scrapline.classes")
    if inside is None and not index.is_file():
        raise BadInput(f"names no classes, and there is no {index.name} beside it")
    try:
        if inside is not None:
            return tuple(str(name) for name in json.loads(inside))
        names = json.loads(index.read_text(encoding="utf-8-sig"))
        return tuple(str(names[str(number)]) for number in range(len(names)))
    except (ValueError, KeyError, TypeError) as error:
        where = index.name if inside is None else "scrapline.classes"
        raise BadInput(f"{where} does not hold class names") from error


def _aspect(engine: Engine) -> float:
    try:
        height, width = json.loads(engine.facts.get("scrapline.size", "[1, 1]"))
        aspect = float(height / width)
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise BadInput("scrapline.size is not [height, width]") from error
    if not 0 < aspect < float("inf"):
        raise BadInput("scrapline.size is not [height, width]")
    return aspect


def _temperature(engine: Engine) -> float:
    text = engine.facts.get("scrapline.temperature", "1.0")
    try:
        temperature = float(text)
    except ValueError:
        temperature = 0.0
    if not 0 < temperature < float("inf"):
        raise BadInput(f"scrapline.temperature {text!r} is not a positive number")
    return temperature


def _try(engine: Engine, classes: int) -> None:
    try:
        answer = engine.ask(np.zeros((1, 64, 64, 3), np.uint8)).probabilities
    except Exception as error:  # whatever a graph may raise, it is the file's fault
        raise BadInput("fails on a picture of 64×64 pixels") from error
    if answer.ndim != 2 or answer.shape[1] != classes:
        raise BadInput(f"gives an answer of shape {list(answer.shape)} for {classes} class names")
    if answer.min() < 0 or not np.allclose(answer.sum(axis=1), 1, atol=1e-3):
        raise BadInput("gives scores instead of probabilities: they do not sum to 1")
