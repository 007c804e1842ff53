"""A correction of the logits, in the graph of an ONNX file.

    logits → Add(Gemm(embedding)) → Mul(inverse temperature) → Softmax

It stands before the temperature, so that `calibrate` goes on to change that.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from training.calibrate.model_graph import INVERSE, NODE, divide_logits
from training.errors import BadInput
from training.evaluate.answers import Floats
from training.evaluate.engines import tap
from training.refit.head import Correction


def add_correction(model: onnx.ModelProto, correction: Correction, temperature: float) -> None:
    """Change `model` in place: (its logits + correction) ÷ `temperature` is what it answers by.

    Its logits are those that its softmax gets now. Raises BadInput for an output that is not
    float32.
    """
    if model.graph.output[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise BadInput(f"output {model.graph.output[0].name} is not float32")
    embedding = _embedding(model)
    already = _inverse_temperature(model.graph)
    divide_logits(model, temperature)
    _add(model.graph, embedding, correction.weight / already, correction.bias / already)
    onnx.checker.check_model(model)


def _embedding(model: onnx.ModelProto) -> str:
    copy = onnx.ModelProto()  # what is looked for becomes an output
    copy.CopyFrom(model)
    found = tap(copy.graph).embedding
    if found is None:
        raise BadInput("no dense layer to take embeddings from")
    return found


def _inverse_temperature(graph: onnx.GraphProto) -> float:
    found = next((t for t in graph.initializer if t.name == INVERSE), None)
    return 1.0 if found is None else float(numpy_helper.to_array(found))


def _add(graph: onnx.GraphProto, embedding: str, weight: Floats, bias: Floats) -> None:
    """Add to what the temperature's node takes."""
    vector, weight_name, bias_name = "refit_vector", "refit_weight", "refit_bias"
    added, corrected = "refit_added", "refit_logits"
    graph.initializer.extend(
        numpy_helper.from_array(value.astype(np.float32), value_name)
        for value, value_name in ((weight, weight_name), (bias, bias_name))
    )
    [scaled] = [node for node in graph.node if node.name == NODE]
    logits, scaled.input[0] = scaled.input[0], corrected
    nodes = [
        helper.make_node("Flatten", [embedding], [vector], name=vector, axis=1),
        helper.make_node("Gemm", [vector, weight_name, bias_name], [added], name=added),
        helper.make_node("Add", [logits, added], [corrected], name=corrected),
    ]
    place = list(graph.node).index(scaled)
    for node in reversed(nodes):
        graph.node.insert(place, node)
