"""A network that shows what enters its head."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from training.backbone import Network


class Tapped(nn.Module):
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
