"""Embeddings and probabilities from a network in PyTorch: a checkpoint or bare weights."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training import backbone, compute
from training.backbone import Network
from training.checkpoint import load_checkpoint, read_stored
from training.dataset import read_square
from training.embedding.extractor import Files, Seen
from training.options import load
from training.train.options import TrainSettings
from training.transforms import eval_transform


class WithEmbedding(nn.Module):
    """A copy of a network: float32 `[batch, 3, h, w]` → logits `[batch, classes]`, embedding.

    The embedding `[batch, features]` is the input of the head, for a dense head that of its first
    linear layer.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.body = copy.deepcopy(network.model)
        self.head = self.body.get_submodule(network.head)
        self.body.set_submodule(network.head, nn.Identity())

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits first, as those who know of one output alone expect."""
        embedding = self.body(pictures)
        return self.head(embedding), embedding


BATCH = 32


def is_checkpoint(path: Path) -> bool:
    """Whether it is a run folder or one of our checkpoints. BadInput if not even bare weights."""
    return path.is_dir() or "weights" in read_stored(path, "weights")


class NetworkExtractor:
    """A network in evaluation mode; without classes its head is random and not asked.

    `trained_on` is the folder that a checkpoint was trained on, None for bare weights.
    """

    def __init__(
        self,
        settings: TrainSettings,
        classes: tuple[str, ...] = (),
        state: dict[str, Any] | None = None,
    ) -> None:
        self.classes = classes
        self.backbone = settings.backbone
        self.trained_on = settings.data if state is not None else None
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
        self._model = (
            WithEmbedding(network)
            .eval()
            .to(
                self._compute.device,
                memory_format=torch.channels_last,  # type: ignore[call-overload]
            )
        )
        self.key = _key(settings, classes, network)

    @classmethod
    def of_checkpoint(cls, path: Path, device: str = "auto") -> NetworkExtractor:
        """Of a run folder or checkpoint file. Raises BadInput that names it."""
        checkpoint = load_checkpoint(path)
        settings = checkpoint.train_settings().model_copy(update={"device": device})
        return cls(settings, checkpoint.classes, checkpoint.weights)

    @classmethod
    def of_weights(
        cls, weights: str, name: str, size_px: int, device: str = "auto"
    ) -> NetworkExtractor:
        """Of a state dict, `imagenet` or `none`, in backbone `name`. Raises BadInput."""
        # `data` and `out` are neither read nor written.
        given = {"data": Path(), "out": Path(), "weights": weights, "backbone": name}
        return cls(load(TrainSettings, {**given, "size_px": size_px, "device": device}))

    def look(self, files: Files) -> Iterator[Seen]:
        """Look at every picture, resized to the network's square, some at a time."""
        for start in range(0, len(files), BATCH):
            yield from self._look_at_once(files[start : start + BATCH])

    @torch.inference_mode()
    def _look_at_once(self, files: Files) -> list[Seen]:
        transform = eval_transform()
        batch = torch.stack([transform(read_square(file, self._size_px)) for file in files])
        logits, embeddings = self._model(self._compute.place(batch))
        vectors = embeddings.flatten(1).float().cpu().numpy()
        if not self.classes:
            return [Seen(vector, None) for vector in vectors]
        known = logits.softmax(1).cpu().numpy()
        return [Seen(vector, row) for vector, row in zip(vectors, known, strict=True)]


def _key(settings: TrainSettings, classes: tuple[str, ...], network: backbone.Network) -> str:
    facts = json.dumps([settings.backbone, settings.size_px, list(classes)])
    digest = hashlib.sha256(facts.encode())
    for name, value in network.model.state_dict().items():
        if classes or not network.in_head(name):
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
