"""One pass over the pictures: to learn from them, or to be judged by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from training.compute import Compute
from training.ema import MovingAverage
from training.metrics import Confusion
from training.schedule import rate_factor, set_rate
from training.transforms import BatchMix

Batches = Iterable[tuple[Tensor, Tensor]]

MAX_GRADIENT_NORM = 5.0


@dataclass
class Learner:
    """What changes while training: the network, its average, the optimiser, the step count."""

    model: nn.Module
    average: MovingAverage
    optimizer: Optimizer
    loss: nn.Module
    mix: BatchMix
    total_steps: int
    warmup_steps: int
    step: int = 0


@dataclass(frozen=True)
class Judgement:
    """Mean loss and confusion of one evaluation."""

    loss: float
    confusion: Confusion


def train_one_epoch(
    learner: Learner, batches: Batches, compute: Compute, advance: Callable[[], None]
) -> float:
    """Learn from every batch once; returns the mean loss. `advance` is called after each."""
    losses = []
    for pictures, labels in batches:
        set_rate(
            learner.optimizer,
            rate_factor(learner.step, learner.total_steps, learner.warmup_steps),
        )
        pictures, labels = learner.mix(pictures, labels)
        with compute.autocast():
            logits = learner.model(compute.place(pictures))
        loss = learner.loss(logits.float(), labels.to(compute.device))
        learner.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learner.model.parameters(), MAX_GRADIENT_NORM)
        learner.optimizer.step()
        learner.average.update(learner.model)
        learner.step += 1
        losses.append(float(loss.detach()))
        advance()
    return float(np.mean(losses))


@torch.inference_mode()
def evaluate(
    model: nn.Module, batches: Batches, classes: tuple[str, ...], compute: Compute
) -> Judgement:
    """Judge a network in evaluation mode by labelled pictures."""
    losses: list[Tensor] = []
    true: list[Tensor] = []
    predicted: list[Tensor] = []
    for pictures, labels in batches:
        with compute.autocast():
            logits = model(compute.place(pictures))
        logits = logits.float().cpu()
        losses.append(nn.functional.cross_entropy(logits, labels, reduction="none"))
        predicted.append(logits.argmax(1))
        true.append(labels)
    confusion = Confusion.of(classes, torch.cat(true).numpy(), torch.cat(predicted).numpy())
    return Judgement(float(torch.cat(losses).mean()), confusion)
