"""The network of an eight-bit file in plain float32, as it was before somebody quantised it.

Weights are what the eight bits stand for. Where an activation was rounded to levels from 0 up, the
graph clips instead, as the network's own ReLU6 did; other roundings go. So the arithmetic is that
of a plain export of the same network, and its answers differ from the trained network's by what
rounding the weights costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_QUANTISE, _DEQUANTISE = "QuantizeLinear", "DequantizeLinear"


def plain_float(data: bytes) -> bytes:
    """From the content of a file with pairs of QuantizeLinear and DequantizeLinear (QDQ)."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    made = {output: node for node in graph.node for output in node.output}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == _QUANTISE:
            continue
        if node.op_type != _DEQUANTISE:
            nodes.append(node)
        elif node.input[0] in constants:
            value = _dequantised(node, constants)
            graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
        else:
            nodes += _instead(node, made.get(node.input[0]), constants, graph)
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    return bytes(model.SerializeToString())


def _dequantised(node: onnx.NodeProto, constants: dict[str, Any]) -> Any:
    """A constant's value, float32."""
    value, scale = constants[node.input[0]], constants[node.input[1]]
    zero = constants[node.input[2]] if len(node.input) > 2 else np.zeros_like(scale)
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    if scale.ndim:
        shape = [-1 if side == axis % value.ndim else 1 for side in range(value.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return ((value.astype(np.float32) - zero.astype(np.float32)) * scale).astype(np.float32)


def _instead(
    node: onnx.NodeProto,
    before: onnx.NodeProto | None,
    constants: dict[str, Any],
    graph: onnx.GraphProto,
) -> list[onnx.NodeProto]:
    """Of a value that is computed: clipped or as it was; of levels, as pictures are: in float32."""
    [gives], scale = node.output, float(constants[node.input[1]])
    zero = constants[node.input[2]]

    def constant(name: str, value: float) -> str:
        graph.initializer.append(
            numpy_helper.from_array(np.array(value, np.float32), f"{gives}_{name}")
        )
        return f"{gives}_{name}"

    if before is None or before.op_type != _QUANTISE:
        cast = helper.make_node("Cast", [node.input[0]], [f"{gives}_float"], to=TensorProto.FLOAT)
        moved = [cast.output[0], constant("zero", float(zero))]
        return [
            cast,
            helper.make_node("Sub", moved, [f"{gives}_moved"]),
            helper.make_node("Mul", [f"{gives}_moved", constant("scale", scale)], [gives]),
        ]
    if zero == np.iinfo(zero.dtype).min:
        most = scale * (np.iinfo(zero.dtype).max - int(zero))
        limits = [constant("least", 0.0), constant("most", most)]
        return [helper.make_node("Clip", [before.input[0], *limits], [gives])]
    return [helper.make_node("Identity", [before.input[0]], [gives])]


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
