"""A network in half precision: half the file, and faster where the hardware computes in float16.

A GPU does. A CPU without such arithmetic turns every number back into float32 and is slower.
"""

from __future__ import annotations

import onnx
from onnxruntime.transformers import float16
from onnxruntime.transformers.onnx_model import OnnxModel


def in_half(bare: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a bare network with float16 weights and arithmetic; inputs and outputs float32.

    What stands around it, resizing, centring, softmax and energy, stays in float32.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(bare)
    half: onnx.ModelProto = float16.convert_float_to_float16(copy, keep_io_types=True)
    OnnxModel(half).topological_sort()  # the casts at the edges were put at the end
    return half
