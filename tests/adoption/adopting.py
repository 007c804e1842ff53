"""Adopts a file as the command does, and asks the result as a worker does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from adoption.adopt_model import Adopted, adopt
from adoption.assumptions import Wishes
from adoption.conventions import Told, convention_of
from adoption.foreign_model import ForeignModel
from tests.adoption.foreign_files import NAMES
from workers.model import Model

TOLD = Told("MIT", "a test")


def adopted(path: Path, **wishes: Any) -> Adopted:
    """What `adopt` makes of a file; class names are NAMES unless the wishes say otherwise."""
    model = ForeignModel.read(path, wishes.get("size_px") or (224, 224))
    convention = convention_of(model)
    if convention.names is None:
        wishes.setdefault("classes", ",".join(NAMES))
    return adopt(model, convention, TOLD, TOLD, Wishes(**wishes))


def loaded(path: Path, **wishes: Any) -> Model:
    """The adopted model, written and loaded as the line loads it."""
    out = path.with_suffix(".adopted.onnx")
    out.write_bytes(adopted(path, **wishes).content)
    return Model.load(out, "onnxruntime")


def original(path: Path, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities that the original file gives for its own input, of one picture."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (value, *_) = session.run(None, {session.get_inputs()[0].name: numbers})
    scores = np.asarray(value[0], np.float64)
    if abs(scores.sum() - 1) < 1e-2 and scores.min() >= 0:
        return scores
    exponentials = np.exp(scores - scores.max())
    return np.asarray(exponentials / exponentials.sum())
