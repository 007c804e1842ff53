"""The network through which labels are judged, and what to keep in mind about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.audit.options import AuditSettings
from training.embedding.extractor import Extractor, Vector
from training.embedding.network import NetworkExtractor
from training.embedding.onnx_file import OnnxExtractor
from training.errors import BadInput

LEARNED_TOO = "it was trained on these pictures, it has learned wrong labels along with right ones"

Embed = Callable[[Sequence[Path]], Iterator[Vector]]


@dataclass(frozen=True)
class Embedder:
    """`embed(paths)` gives a vector `[features]` for each; `caution` is for who reads on."""

    name: str
    embed: Embed
    caution: str = ""

    @classmethod
    def of(cls, name: str, extractor: Extractor, caution: str = "") -> Embedder:
        """From a model of any kind."""
        return cls(name, lambda files: (s.embedding for s in extractor.look(files)), caution)


def open_embedder(settings: AuditSettings) -> Embedder | None:
    """The network that --model or --weights names; None if neither does.

    Raises BadInput for a file that is none, or that does not fit --backbone.
    """
    model, weights = settings.model, settings.weights
    if model is not None and weights != "none":
        raise BadInput("--model, --weights: only one of them")
    if model is not None and model.suffix == ".onnx":
        return Embedder.of(str(model), OnnxExtractor("--model", model), f"if {LEARNED_TOO}")
    if model is not None:
        network = NetworkExtractor.of_checkpoint(model, settings.device)
        here = network.trained_on and network.trained_on.resolve() == settings.data.resolve()
        caution = f"since {LEARNED_TOO}" if here else ""
        return Embedder.of(f"{network.backbone} of {model}", network, caution)
    if weights != "none":
        name, size_px = settings.backbone, settings.size_px
        network = NetworkExtractor.of_weights(weights, name, size_px, settings.device)
        return Embedder.of(f"{name} with {weights}", network)
    return None
