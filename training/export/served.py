"""The network as it is served: normalisation folded in, pixels in, probabilities out.

Training normalises by (pixel/255 - mean) / std. The scale goes into the weights of the first
convolution, exactly. The mean does not go into its bias: the convolution pads with zeros, which
after normalisation mean "an average pixel" and before it mean black, so the border would differ.
It is subtracted instead, one cheap pass, and zero keeps its meaning.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from training.errors import BadInput
from training.pictures import MEAN_PIXEL, STD


def fold_scale(model: nn.Module) -> nn.Module:
    """A copy that takes `pixel - MEAN_PIXEL` (float32 `[batch, 3, h, w]`) and gives logits.

    Raises BadInput if the network does not begin with a convolution of the three channels.
    """
    folded = copy.deepcopy(model).eval().requires_grad_(False)
    first = next((m for m in folded.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or first.in_channels != len(STD) or first.groups != 1:
        raise BadInput("this backbone does not begin with a convolution of red, green and blue")
    scale = torch.tensor([1 / (255 * std) for std in STD])
    first.weight.mul_(scale.view(1, -1, 1, 1))
    return folded


class ServedModel(nn.Module):
    """The contract in PyTorch: uint8 `[batch, h, w, 3]` → probabilities `[batch, classes]`."""

    mean_pixel: Tensor

    def __init__(self, model: nn.Module, size_px: tuple[int, int]) -> None:
        super().__init__()
        self.network = fold_scale(model).to(memory_format=torch.channels_last)
        self.size_px = list(size_px)
        self.register_buffer("mean_pixel", torch.tensor(MEAN_PIXEL).view(1, -1, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Resize in uint8, as Pillow and the ONNX graph do, then centre and classify."""
        planes = resize(image, self.size_px)
        return torch.softmax(self.network(planes.float() - self.mean_pixel), dim=1)


def resize(image: Tensor, size_px: list[int]) -> Tensor:
    """uint8 `[batch, h, w, 3]` → uint8 `[batch, 3, *size_px]`, resized, antialiased."""
    planes = image.permute(0, 3, 1, 2)
    return nn.functional.interpolate(planes, size=size_px, mode="bilinear", antialias=True)
