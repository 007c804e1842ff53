"""The engines that need torch: for TorchScript files and for checkpoints."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training import backbone
from training.checkpoint import load_checkpoint
from training.embedding.network import WithEmbedding
from training.errors import BadInput
from training.evaluate.engines import Answer, Ask, Engine, energy_of, first_line
from training.export.contract import EXTRA_FILE
from training.export.served import resize
from training.transforms import eval_transform


def torchscript_engine(data: bytes) -> Engine:
    """Load a TorchScript file. Raises BadInput for bytes that are none."""
    extra: dict[str, Any] = {EXTRA_FILE: ""}
    try:
        with warnings.catch_warnings():
            # torch calls TorchScript deprecated; here it is a format that users ask for by name.
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            scripted = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
        facts = {str(k): str(v) for k, v in json.loads(extra[EXTRA_FILE] or "{}").items()}
    except (RuntimeError, ValueError, AttributeError) as error:
        raise BadInput(f"not a TorchScript model: {first_line(error)}") from error

    @_alone()
    def ask(images: NDArray[np.uint8]) -> Answer:
        return Answer(scripted(torch.from_numpy(images)).float().numpy())

    return Engine("TorchScript", facts, ask, embeds=False)


def checkpoint_engine(path: Path) -> Engine:
    """Load a checkpoint, or a run folder's best one, and run it as it was judged in training."""
    checkpoint = load_checkpoint(path)
    settings = checkpoint.train_settings()
    network = backbone.build(settings, len(checkpoint.classes))
    backbone.restore(network, checkpoint.weights, path)
    size_px = [settings.size_px, settings.size_px]
    facts = {
        "scrapline.classes": json.dumps(checkpoint.classes),
        "scrapline.size": json.dumps(size_px),
        "scrapline.backbone": settings.backbone,
    }
    ask = _network_ask(WithEmbedding(network).eval(), size_px)
    return Engine("checkpoint", facts, ask, embeds=True)


def _network_ask(network: WithEmbedding, size_px: list[int]) -> Ask:
    normalise = eval_transform()

    @_alone()
    def ask(images: NDArray[np.uint8]) -> Answer:
        logits, embedding = network(normalise(resize(torch.from_numpy(images), size_px)))
        return Answer(
            probabilities=torch.softmax(logits, dim=1).numpy(),
            energy=energy_of(logits.numpy()),
            embedding=embedding.flatten(1).numpy(),
        )

    return ask


@contextmanager
def _alone() -> Iterator[None]:
    """Inference on one thread, whatever training is set to."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
