"""The learning rate over a run: a straight climb, then half a cosine down to nothing."""

from __future__ import annotations

import math

from torch.optim import Optimizer


def rate_factor(step: int, total: int, warmup: int) -> float:
    """Share of the peak rate at `step` of `total`; a pure function, so a resumed run agrees."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Give each parameter group `factor` of its own peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
