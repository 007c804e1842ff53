"""Let the first convolution take bytes: no subtraction, no conversion, no pass over the picture.

An eight-bit convolution reads `(pixel - zero_point) · scale` of a byte, so with scale 1 the picture
itself is its input. There is one zero point for red, green and blue, whose means differ; what is
left of each mean goes into the bias. Only where the convolution pads, with the zero point, is a
border pixel up to 13 steps of 255 off the average colour.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.errors import BadInput
from training.export.onnx_file import CENTRED, PLANES
from training.export.served import MEAN_PIXEL

ZERO_POINT = round(sum(MEAN_PIXEL) / len(MEAN_PIXEL))


def take_pixels_less_zero_point(bare: onnx.ModelProto) -> None:
    """Change a bare float network, in place, to expect `pixel - ZERO_POINT` for `centred`.

    Raises BadInput if anything but one convolution reads its input.
    """
    readers = [node for node in bare.graph.node if CENTRED in node.input]
    if [node.op_type for node in readers] != ["Conv"]:
        raise BadInput("quantize: this backbone does not begin with one convolution")
    [conv] = readers
    tensors = {tensor.name: tensor for tensor in bare.graph.initializer}
    kernel = numpy_helper.to_array(tensors[conv.input[1]])
    offset = (ZERO_POINT - np.array(MEAN_PIXEL)) @ kernel.sum(axis=(2, 3)).T
    if len(conv.input) < 3:
        conv.input.append("first_bias")
        tensors["first_bias"] = bare.graph.initializer.add()
        bias = np.zeros(len(kernel), np.float32)
    else:
        bias = numpy_helper.to_array(tensors[conv.input[2]])
    corrected = (bias + offset).astype(np.float32)
    tensors[conv.input[2]].CopyFrom(numpy_helper.from_array(corrected, conv.input[2]))


def take_bytes(quantised: onnx.ModelProto, size_px: tuple[int, int]) -> None:
    """Cut the quantisation of the input away, in place: the network then takes `planes`, uint8."""
    graph = quantised.graph
    [cut] = [n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == CENTRED]
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name == cut.output[0]:
                node.input[position] = PLANES
    graph.node.remove(cut)
    stale = {CENTRED, cut.output[0]}
    kept = [info for info in graph.value_info if info.name not in stale]
    del graph.value_info[:], graph.input[:]
    graph.value_info.extend(kept)
    graph.input.append(
        helper.make_tensor_value_info(PLANES, TensorProto.UINT8, ["batch", 3, *size_px])
    )
