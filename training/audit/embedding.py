"""Pictures as vectors: what a network makes of them just before it decides.

The network stands still; it comes from a `train` checkpoint, a state dict, or an exported file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training import backbone, compute
from training.audit.onnx_features import onnx_features
from training.checkpoint import load_checkpoint
from training.errors import BadInput
from training.options import AuditSettings, TrainSettings
from training.pictures import read_square
from training.settings import load
from training.transforms import eval_transform

BATCH = 32

LEARNED_TOO = "it was trained on these pictures, it has learned wrong labels along with right ones"

Vector = NDArray[np.float32]
Embed = Callable[[Sequence[Path]], Iterator[Vector]]


@dataclass(frozen=True)
class Embedder:
    """`embed(paths)` gives a vector `[features]` for each; `caution` is for who reads on."""

    name: str
    embed: Embed
    caution: str = ""


def open_embedder(settings: AuditSettings) -> Embedder | None:
    """The network that --model or --weights names; None if neither does.

    Raises BadInput for a file that is none, or that does not fit --backbone.
    """
    if settings.model is not None and settings.weights != "none":
        raise BadInput("--model, --weights: only one of them")
    if settings.model is not None and settings.model.suffix == ".onnx":
        features = onnx_features(settings.model)
        caution = f"if {LEARNED_TOO}"
        return Embedder(
            str(settings.model), lambda paths: (features(path) for path in paths), caution
        )
    if settings.model is not None:
        return _of_checkpoint(settings.model, settings)
    if settings.weights != "none":
        return _of_weights(settings)
    return None


def _of_checkpoint(path: Path, settings: AuditSettings) -> Embedder:
    checkpoint = load_checkpoint(path)
    trained = checkpoint.train_settings()
    network = backbone.build(trained, len(checkpoint.classes))
    network.model.load_state_dict(checkpoint.weights)
    caution = ""
    if trained.data.resolve() == settings.data.resolve():
        caution = f"since {LEARNED_TOO}"
    here = trained.model_copy(update={"device": settings.device})
    return Embedder(f"{trained.backbone} of {path}", _batches(network, here), caution)


def _of_weights(settings: AuditSettings) -> Embedder:
    wanted = load(
        TrainSettings,
        {name: getattr(settings, name) for name in ("data", "out", "backbone", "weights")}
        | {name: getattr(settings, name) for name in ("size_px", "device")},
    )
    network = backbone.build(wanted, 1)
    # Classes that no checkpoint has: whatever head the file holds is not looked at.
    backbone.load_weights(network, wanted, ("",))
    return Embedder(f"{wanted.backbone} with {wanted.weights}", _batches(network, wanted))


def _batches(network: backbone.Network, settings: TrainSettings) -> Embed:
    machine = compute.choose(settings)
    network.model.set_submodule(network.head, nn.Identity())
    model = network.model.eval().to(machine.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    transform = eval_transform()

    def embed(paths: Sequence[Path]) -> Iterator[Vector]:
        for start in range(0, len(paths), BATCH):
            part = paths[start : start + BATCH]
            pictures = torch.stack([transform(read_square(p, settings.size_px)) for p in part])
            with torch.inference_mode(), machine.autocast():
                vectors = model(machine.place(pictures)).flatten(1)
            yield from vectors.float().cpu().numpy()

    return embed
