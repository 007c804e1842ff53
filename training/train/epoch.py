"""One pass over the pictures: to learn from them, or to be judged by them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from training.compute import Compute, exact
from training.errors import Diverged
from training.metrics import Confusion
from training.train.schedule import Schedule, set_rate
from training.transforms import BatchMix


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
    schedule: Schedule
    step: int = 0

    @property
    def rate(self) -> float:
        """The head's learning rate at the latest step."""
        return float(max(group["lr"] for group in self.optimizer.param_groups))

    def load_optimizer(self, state: dict[str, Any]) -> None:
        """Take over the optimiser's memory, but not its options: those may have been changed."""
        options = [{**group} for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(copy.deepcopy(state))  # it would go on in these tensors
        for group, wanted in zip(self.optimizer.param_groups, options, strict=True):
            group["peak"], group["weight_decay"] = wanted["peak"], wanted["weight_decay"]


@dataclass(frozen=True)
class Judgement:
    """Mean loss, confusion and probabilities (float32 `[pictures, classes]`) of one evaluation."""

    loss: float
    confusion: Confusion
    probabilities: NDArray[np.float32]


def train_one_epoch(
    learner: Learner,
    batches: Batches,
    rate: Callable[[int], float],
    compute: Compute,
    advance: Callable[[], None],
) -> float:
    """Learn from every batch once; returns the mean loss.

    `rate` gives the share of the peak rate at a step; `advance` is called after each. Raises
    Diverged at the first step whose loss is not a finite number.
    """
    losses: list[float] = []
    for pictures, labels in batches:
        set_rate(learner.optimizer, rate(learner.step))
        pictures, labels = learner.mix(pictures, labels)
        with compute.autocast():
            logits = learner.model(compute.place(pictures))
        loss = learner.loss(logits.float(), labels.to(compute.device))
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise Diverged(f"the loss of step {len(losses)} is {losses[-1]}")
        learner.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learner.model.parameters(), MAX_GRADIENT_NORM)
        learner.optimizer.step()
        learner.average.update(learner.model)
        learner.step += 1
        advance()
    return float(np.mean(losses))


def check_weights(learner: Learner) -> None:
    """Raise Diverged if a weight, or the average of one, is not a finite number."""
    for state in (learner.model.state_dict(), learner.average.model.state_dict()):
        for key, value in state.items():
            if not bool(torch.isfinite(value).all()):
                raise Diverged(f"{key} is not all numbers")


@torch.inference_mode()
def evaluate(
    model: nn.Module, batches: Batches, classes: tuple[str, ...], compute: Compute
) -> Judgement:
    """Judge a network in evaluation mode by labelled pictures, in float32 as its files compute.

    In the arithmetic of training another epoch might be the best one. Raises Diverged if an answer
    is not a finite number.
    """
    losses: list[Tensor] = []
    true: list[Tensor] = []
    answers: list[Tensor] = []
    with exact():
        for pictures, labels in batches:
            logits = model(compute.place(pictures)).float().cpu()
            if not bool(torch.isfinite(logits).all()):
                raise Diverged("an answer on val is not a number")
            losses.append(nn.functional.cross_entropy(logits, labels, reduction="none"))
            answers.append(logits.softmax(1))
            true.append(labels)
    probabilities = torch.cat(answers).numpy()
    confusion = Confusion.of(classes, torch.cat(true).numpy(), probabilities.argmax(1))
    return Judgement(float(torch.cat(losses).mean()), confusion, probabilities)
