"""An exponential moving average of a network's weights, which is what gets evaluated."""

from __future__ import annotations

import copy

import torch
from torch import nn


class MovingAverage:
    """Average of a network's parameters and buffers over the steps of a run.

    The decay grows from 0.1 to its full value, so that the random start is soon forgotten. With a
    decay of 0 the average is the network's latest state.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.steps = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after one step."""
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        latest = model.state_dict()
        for name, average in self.model.state_dict().items():
            if average.is_floating_point():
                average.lerp_(latest[name], 1 - decay)
            else:
                average.copy_(latest[name])
