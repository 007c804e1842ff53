"""Fine-tune a network while it rounds, to answer as it does without."""

from __future__ import annotations

import math

import torch
from rich.console import Console
from rich.progress import Progress
from torch import nn

from training import compute
from training.backbone import Network
from training.quantize.options import QuantizeSettings
from training.quantize.rounding import rounded, unrounded
from training.splits import Splits, train_batches
from training.train.options import TrainSettings

MAX_GRADIENT_NORM = 1.0


def tune(
    network: Network,
    splits: Splits,
    trained: TrainSettings,
    settings: QuantizeSettings,
    console: Console,
) -> Network:
    """A network whose answers survive rounding, fitted to those that `network` gives unrounded.

    It learns from the training pictures, augmented as they were in training; batch norm stands
    still. Ends with float weights: quantising them is still to be done.
    """
    torch.manual_seed(settings.seed)
    place = compute.choose(trained)
    teacher = network.model.to(place.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    learner = rounded(teacher)
    parameters = [p.requires_grad_() for p in learner.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.tune_rate, weight_decay=0.0)
    step, total = 0, 0
    for epoch in range(settings.tune_epochs):
        batches = train_batches(splits, trained, settings.seed + epoch)
        total = total or len(batches) * settings.tune_epochs
        losses = []
        _learn(learner)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
            bar = bars.add_task(f"tuning {epoch + 1}/{settings.tune_epochs}", total=len(batches))
            for pictures, _labels in batches:
                optimizer.param_groups[0]["lr"] = settings.tune_rate * _cosine(step / total)
                losses.append(_step(learner, teacher, optimizer, place.place(pictures)))
                step += 1
                bars.advance(bar)
        mean = sum(losses) / len(losses)
        console.print(f"tuning {epoch + 1}/{settings.tune_epochs}: divergence {mean:.4f} nats")
    tuned = unrounded(learner.cpu(), teacher.cpu())
    return Network(tuned.eval(), network.head)


def _step(
    learner: nn.Module, teacher: nn.Module, optimizer: torch.optim.Optimizer, pictures: torch.Tensor
) -> float:
    with torch.inference_mode():
        wanted = torch.log_softmax(teacher(pictures), dim=1)
    given = torch.log_softmax(learner(pictures), dim=1)
    loss = nn.functional.kl_div(given, wanted.clone(), reduction="batchmean", log_target=True)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(learner.parameters(), MAX_GRADIENT_NORM)
    optimizer.step()
    return float(loss.detach())


def _learn(learner: nn.Module) -> None:
    """Into training mode, for the ranges to follow; but no dropout, and norms as they are."""
    learner.eval()
    for name, module in learner.named_modules():
        if name.endswith("rounding"):
            module.train()


def _cosine(progress: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))
