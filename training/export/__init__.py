"""From a checkpoint to files that need no trainer: ONNX, TorchScript, class index, card."""

from __future__ import annotations
