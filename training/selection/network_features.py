"""Embeddings and probabilities from a torchvision network: a checkpoint or bare weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training import backbone, compute
from training.checkpoint import load_checkpoint
from training.options import TrainSettings
from training.pictures import read_square
from training.selection.features import Features, Files
from training.stored import read_stored
from training.transforms import eval_transform

BATCH = 32


def of_checkpoint(path: Path) -> NetworkExtractor | None:
    """The network of a run folder or checkpoint; None for a file of bare weights."""
    if path.is_file() and "weights" not in read_stored(path, "weights"):
        return None
    checkpoint = load_checkpoint(path)
    settings = checkpoint.train_settings().model_copy(update={"device": "auto", "weights": "none"})
    return NetworkExtractor(settings, checkpoint.classes, checkpoint.weights)


class NetworkExtractor:
    """A network in evaluation mode; without classes its head is random and not asked."""

    def __init__(
        self,
        settings: TrainSettings,
        classes: tuple[str, ...] = (),
        state: dict[str, Any] | None = None,
    ) -> None:
        self.classes = classes
        # In float32 everywhere: a ranking turns on small differences.
        settings = settings.model_copy(update={"precision": "fp32"})
        network = backbone.build(settings, max(len(classes), 1))
        if state is None:
            torch.manual_seed(settings.seed)
            # Classes that no file was trained on: whatever head it holds is left out.
            backbone.load_weights(network, settings, ("",))
        else:
            network.model.load_state_dict(state)
        self._compute = compute.choose(settings)
        self._size_px = settings.size_px
        self._model = network.model.eval().to(
            self._compute.device,
            memory_format=torch.channels_last,  # type: ignore[call-overload]
        )
        self._head = network.model.get_submodule(network.head)
        self.key = _key(settings, classes, network)

    @torch.inference_mode()
    def features(self, files: Files) -> Features:
        """Look at every picture, squashed to the network's square."""
        embeddings: list[Tensor] = []
        probabilities: list[Tensor] = []

        def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            embeddings.append(given[0].flatten(1).cpu())

        transform = eval_transform()
        with self._head.register_forward_pre_hook(keep):
            for start in range(0, len(files), BATCH):
                pictures = [read_square(f, self._size_px) for f in files[start : start + BATCH]]
                batch = torch.stack([transform(picture) for picture in pictures])
                logits = self._model(self._compute.place(batch))
                probabilities.append(logits.softmax(1).cpu())
        seen = np.asarray(torch.cat(embeddings), dtype=np.float32)
        known = np.asarray(torch.cat(probabilities), dtype=np.float32) if self.classes else None
        return Features(seen, known)


def _key(settings: TrainSettings, classes: tuple[str, ...], network: backbone.Network) -> str:
    facts = json.dumps([settings.backbone, settings.size_px, list(classes)])
    digest = hashlib.sha256(facts.encode())
    for name, value in network.model.state_dict().items():
        if classes or not network.in_head(name):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
