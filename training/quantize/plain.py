"""The yardstick: the network as `torch.onnx.export` gives it, normalisation in the open."""

from __future__ import annotations

import onnx
import torch
from torch import Tensor, nn

from training.export.contract import INPUT, OUTPUT
from training.export.onnx_file import OPSET
from training.quantize.judge import TIMED_SIDE_PX
from training.transforms import MEAN, STD


class Plain(nn.Module):
    """uint8 `[batch, h, w, 3]` of the network's size → probabilities, as one writes it first."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Turn the planes to the front, normalise, classify."""
        planes = image.permute(0, 3, 1, 2).float()
        return torch.softmax(self.model((planes - self.mean) / self.std), dim=1)


def plain_export(model: nn.Module) -> onnx.ModelProto:
    """The network in float32 for pictures of 224 × 224, with Sub and Div in its graph."""
    program = torch.onnx.export(
        Plain(model).eval(),
        (torch.zeros(2, TIMED_SIDE_PX, TIMED_SIDE_PX, 3, dtype=torch.uint8),),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # it is only where the exporter writes the file itself
    return program.model_proto
