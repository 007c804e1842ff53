"""The learning rate over a run: a straight climb, then down by a cosine or by steps.

Each is a pure function of the step and of what the epochs before it gave, so a resumed run agrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch.optim import Optimizer


@dataclass(frozen=True)
class Schedule:
    """How the rate falls; `plateau_epochs` without a lower loss multiply it by `plateau_factor`."""

    kind: Literal["cosine", "plateau"]
    total_steps: int
    warmup_steps: int
    plateau_factor: float
    plateau_epochs: int

    def after(self, losses: Sequence[float]) -> Callable[[int], float]:
        """Share of the peak rate at each step of the epoch that follows; `losses` are val's."""
        if self.kind == "cosine":
            return self._cosine
        height = plateau(losses, self.plateau_factor, self.plateau_epochs)
        return lambda step: height * climb(step, self.warmup_steps)

    def _cosine(self, step: int) -> float:
        if step < self.warmup_steps:
            return climb(step, self.warmup_steps)
        progress = (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def climb(step: int, warmup: int) -> float:
    """From nothing up to 1 in `warmup` steps, then 1."""
    return min(1.0, (step + 1) / (warmup + 1))


def plateau(losses: Sequence[float], factor: float, patience: int) -> float:
    """`factor` to the power of how often `patience` epochs in a row brought no lower loss."""
    height, lowest, waited = 1.0, math.inf, 0
    for loss in losses:
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == patience:
            height, waited = height * factor, 0
    return height


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Give each parameter group `factor` of its own peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
