"""Fine-tune a network while it rounds, to answer as it does without.

Weights are rounded per output channel, which batch norm's scale does not change, so it need not be
folded first. Activations are rounded where an eight-bit file stores them: behind a convolution with
its norm and activation, behind a residual sum, behind the head.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torchvision.ops.misc import Conv2dNormActivation  # type: ignore[import-untyped]

from training import compute
from training.backbone import Network
from training.errors import Diverged
from training.quantize.options import QuantizeSettings
from training.train.batches import TrainBatches
from training.train.options import TrainSettings
from training.train.splits import Splits

MOMENTUM = 0.05
SMALLEST_SCALE = 1e-8


class RoundedWeight(nn.Module):
    """Weights `[out, …]` to the nearest of 255 steps, symmetric, a scale for each output."""

    def forward(self, weight: Tensor) -> Tensor:
        """The rounded weights; a gradient goes through unchanged."""
        largest = weight.detach().abs().flatten(1).amax(1)
        scale = (largest / 127).clamp_min(SMALLEST_SCALE)
        zero = torch.zeros_like(scale, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)


class RoundedActivation(nn.Module):
    """Activations to the nearest of 256 steps between the least and the greatest seen lately."""

    low: Tensor
    high: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        """The rounded values; in training the range follows them."""
        if self.training:
            self._follow(values.detach())
        scale = ((self.high - self.low) / 255).clamp_min(SMALLEST_SCALE)
        zero = torch.round(-self.low / scale).to(torch.int32)
        return torch.fake_quantize_per_tensor_affine(values, scale, zero, 0, 255)

    def _follow(self, values: Tensor) -> None:
        # Zero is always in the range, as padding is zero.
        low, high = values.amin().clamp_max(0), values.amax().clamp_min(0)
        share = MOMENTUM if bool(self.high > self.low) else 1.0
        self.low.lerp_(low, share)
        self.high.lerp_(high, share)


def rounded(model: nn.Module) -> nn.Module:
    """A copy that rounds; `unrounded` gives its weights back to a network of the first shape."""
    copied = copy.deepcopy(model)
    stored = [module for module in copied.modules() if _is_stored(module)]
    for module in stored:
        module.add_module("rounding", RoundedActivation())
        module.register_forward_hook(_round_output)
    for module in list(copied.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            parametrize.register_parametrization(module, "weight", RoundedWeight())
    return copied


def unrounded(copied: nn.Module, like: nn.Module) -> nn.Module:
    """A copy of `like` with the weights that `rounded(like)` has learnt, not rounded."""
    learnt = copied.state_dict()
    result = copy.deepcopy(like)
    result.load_state_dict(
        {key: learnt.get(key, learnt.get(_original(key))) for key in result.state_dict()}
    )
    return result


def _original(key: str) -> str:
    """`a.b.weight` → where parametrisation keeps it."""
    return f"{key.removesuffix('.weight')}.parametrizations.weight.original"


def _is_stored(module: nn.Module) -> bool:
    """Whether an eight-bit file stores what this module gives."""
    sums = bool(getattr(module, "use_res_connect", False)) or hasattr(module, "downsample")
    plain = isinstance(module, nn.ReLU) and not hasattr(module, "rounding")
    return isinstance(module, Conv2dNormActivation | nn.Linear) or sums or plain


def _round_output(module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    rounding: nn.Module = module.get_submodule("rounding")
    result: Tensor = rounding(output)
    return result


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
    batches = TrainBatches(splits, trained, console)
    step, total = 0, len(batches) * settings.tune_epochs
    for epoch in range(settings.tune_epochs):
        losses = []
        _learn(learner)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
            bar = bars.add_task(f"tuning {epoch + 1}/{settings.tune_epochs}", total=len(batches))
            for pictures, _labels in batches.epoch(settings.seed + epoch):
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
    if not bool(torch.isfinite(loss)):
        raise Diverged("tuning: the divergence is not a number; a lower --tune-rate may help")
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
