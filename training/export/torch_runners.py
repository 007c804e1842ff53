"""Run what torch runs: an exported TorchScript file, and the network as it was trained."""

from __future__ import annotations

import io
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.export.runners import Runner
from training.export.served import resize
from training.transforms import eval_transform


def torchscript_runner(content: bytes) -> Runner:
    """Run a file's content with the TorchScript interpreter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.load(io.BytesIO(content), map_location="cpu")  # type: ignore[no-untyped-call]

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return scripted(torch.from_numpy(images)).numpy()  # type: ignore[no-any-return]

    return run


def reference(model: nn.Module, size_px: tuple[int, int]) -> Runner:
    """The trained network as it was judged in training: nothing folded, normalised in the open."""

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        planes = resize(torch.from_numpy(images), list(size_px))
        logits = model(eval_transform()(planes))
        return torch.softmax(logits, dim=1).numpy()

    return run
