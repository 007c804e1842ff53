"""Where the arithmetic happens, and in which number format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from training.errors import BadInput
from training.train.options import TrainSettings


@dataclass(frozen=True)
class Compute:
    """A device, and whether matrix products run in bf16 there."""

    device: torch.device
    bf16: bool

    def autocast(self) -> torch.autocast:
        """Context in which products take the chosen format; weights stay float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def place(self, pictures: Tensor) -> Tensor:
        """Pictures `[batch, 3, h, w]` on the device; channels last is several times faster."""
        return pictures.to(self.device, non_blocking=True, memory_format=torch.channels_last)


@contextmanager
def exact() -> Iterator[None]:
    """Convolutions of float32 in float32: on a GPU cuDNN shortens them to 19 bits otherwise."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def choose(settings: TrainSettings) -> Compute:
    """The device asked for (`auto`: a GPU if there is one). BadInput if it does not exist."""
    name = settings.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadInput(f"--device {name}: not available") from error
    auto = settings.precision == "auto"
    return Compute(device, bf16=_multiplies_bf16(device) if auto else settings.precision == "bf16")


def _multiplies_bf16(device: torch.device) -> bool:
    """Without instructions for it bf16 is emulated, and slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
