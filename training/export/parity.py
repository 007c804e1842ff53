"""Whether an exported file answers as the trained network does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.errors import ParityError
from training.export.runners import Picture, Runner
from training.export.served import resize
from training.transforms import eval_transform


@dataclass(frozen=True)
class Parity:
    """Largest probability difference over `pictures`, and how many top classes differ.

    A top class that differs is not counted where the network itself holds the two classes to be
    as likely, within the limit.
    """

    pictures: int
    largest_difference: float
    other_top: int


def reference(model: nn.Module, size_px: tuple[int, int]) -> Runner:
    """The trained network as it was judged in training: nothing folded, normalised in the open."""

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        planes = resize(torch.from_numpy(images), list(size_px))
        logits = model(eval_transform()(planes))
        return torch.softmax(logits, dim=1).numpy()

    return run


def compare(wanted: Runner, given: Runner, pictures: Sequence[Picture], limit: float) -> Parity:
    """Run both on each picture. Raises ParityError beyond `limit` or at another top class."""
    expected = np.concatenate([wanted(picture[None]) for picture in pictures])
    answers = np.concatenate([given(picture[None]) for picture in pictures])
    rows = np.arange(len(pictures))
    margin = expected.max(1) - expected[rows, answers.argmax(1)]
    parity = Parity(
        pictures=len(pictures),
        largest_difference=float(np.abs(expected - answers).max()),
        other_top=int((margin > limit).sum()),
    )
    if parity.largest_difference > limit or parity.other_top:
        raise ParityError(
            f"the exported file differs from the network: by {parity.largest_difference:.4f} at "
            f"most (limit {limit}), another class on {parity.other_top} of {len(pictures)}"
        )
    return parity
