"""What a model says of pictures: an embedding of each, and probabilities if it knows the classes.

A model is an exported ONNX file, a run folder or checkpoint of ours, a state dict, or `imagenet`.
The embedding is the input of the network's last dense layer or head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.errors import BadInput
from training.options import TrainSettings
from training.selection.choice import Vectors
from training.settings import load

Files = Sequence[Path]


@dataclass(frozen=True)
class Features:
    """Embeddings `[n, features]` and, from a trained head, probabilities `[n, classes]`."""

    embeddings: Vectors
    probabilities: NDArray[np.float32] | None


class Extractor(Protocol):
    """A model that has been opened. `key` names everything that its answers depend on."""

    key: str
    classes: tuple[str, ...]

    def features(self, files: Files) -> Features:
        """Look at every picture. Raises BadInput that names one that cannot be read."""


def open_extractor(option: str, model: str, backbone: str, size_px: int) -> Extractor:
    """Open a model; `backbone` and `size_px` say what a bare state dict does not.

    Raises BadInput that names `option` or the file.
    """
    # The two kinds bring torch or ONNX Runtime along; only the one that is asked for is loaded.
    if model.endswith(".onnx"):
        from training.selection.onnx_features import OnnxExtractor

        return OnnxExtractor(Path(model))
    from training.selection.network_features import NetworkExtractor, of_checkpoint

    if model not in {"imagenet", "none"}:
        path = Path(model)
        if not path.exists():
            raise BadInput(f"{option} {model}: no such file")
        if (trained := of_checkpoint(path)) is not None:
            return trained
    return NetworkExtractor(_bare(model, backbone, size_px))


def _bare(weights: str, backbone: str, size_px: int) -> TrainSettings:
    """Settings of a network that has no head for our classes; nothing is read or written."""
    nowhere = {"data": Path(), "out": Path()}
    named = {"weights": weights, "backbone": backbone, "size_px": size_px}
    return load(TrainSettings, {**nowhere, **named})
