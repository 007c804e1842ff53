"""What a model says of pictures: an embedding of each, and probabilities if it knows the classes.

A model is an exported ONNX file, a run folder or checkpoint of ours, a state dict, or `imagenet`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.errors import BadInput

Files = Sequence[Path]
Vector = NDArray[np.float32]  # [features]


@dataclass(frozen=True)
class Seen:
    """One picture: its embedding `[features]` and, from a trained head, `[classes]`."""

    embedding: Vector
    probabilities: NDArray[np.float32] | None


@dataclass(frozen=True)
class Features:
    """Many: embeddings `[n, features]` and, from a trained head, `[n, classes]`."""

    embeddings: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None


class Extractor(Protocol):
    """A model that has been opened. `key` names everything that its answers depend on."""

    key: str
    classes: tuple[str, ...]

    def look(self, files: Files) -> Iterator[Seen]:
        """Look at every picture in turn. Raises BadInput that names one that cannot be read."""


def look_at(extractor: Extractor, files: Files) -> Iterator[Seen]:
    """Look at every picture in turn, at numbers only.

    Raises BadInput as the extractor does, and for a picture that it answers with what is no number.
    """
    for file, seen in zip(files, extractor.look(files), strict=True):
        known = () if seen.probabilities is None else (seen.probabilities,)
        if not all(np.isfinite(part).all() for part in (seen.embedding, *known)):
            raise BadInput(f"{file}: the model's answer to it is not a number")
        yield seen


def features(extractor: Extractor, files: Files) -> Features:
    """Look at one picture or more. Raises BadInput as `look_at` does."""
    seen = list(look_at(extractor, files))
    known = [one.probabilities for one in seen if one.probabilities is not None]
    return Features(np.stack([one.embedding for one in seen]), np.stack(known) if known else None)


def open_extractor(option: str, model: str, backbone: str, size_px: int) -> Extractor:
    """Open a model; `backbone` and `size_px` say what a bare state dict does not.

    Raises BadInput that names `option` or the file.
    """
    if model.endswith(".onnx"):
        from training.embedding.onnx_file import OnnxExtractor

        return OnnxExtractor(option, Path(model))
    from training.embedding.network import NetworkExtractor, is_checkpoint

    if model not in {"imagenet", "none"}:
        path = Path(model)
        if not path.exists():
            raise BadInput(f"{option} {model}: no such file")
        if is_checkpoint(path):
            return NetworkExtractor.of_checkpoint(path)
    return NetworkExtractor.of_weights(model, backbone, size_px)
