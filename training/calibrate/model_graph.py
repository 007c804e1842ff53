"""A temperature in an ONNX graph (logits · 1/T → Softmax): fitted, or taken over from a twin.

One multiplication of `[batch, classes]` numbers before the last Softmax is exact for any head, in
float or quantised, costs microseconds, stays visible as the node `temperature`, and can be changed
again. Scaling the last layer's weights would save it, but for a head that ends in something else.

A final fit on all pictures leaves none to calibrate it on. Its twin was fitted without val and
calibrated there; temperature, threshold and sets belong to the recipe and carry over.
"""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx import helper, numpy_helper
from rich.console import Console

from training.errors import BadInput
from training.evaluate.engines import maker
from training.evaluate.model_file import ModelFile

NODE = "temperature"
INVERSE = "inverse_temperature"


def divide_logits(model: onnx.ModelProto, temperature: float) -> None:
    """Change `model` in place so that its logits are divided by `temperature`.

    It multiplies with what earlier calls did. Where the output is not made by a Softmax, its
    logarithm takes the place of the logits: exact for probabilities, as softmax ignores the
    constant that they lack. Raises BadInput for an output that is not `[batch, classes]` floats.
    """
    graph = model.graph
    constant = next((t for t in graph.initializer if t.name == INVERSE), None)
    if constant is not None:
        inverse = numpy_helper.to_array(constant).astype(np.float64) / temperature
        _set(constant, inverse, constant.data_type)
        return
    output = graph.output[0]
    kind = output.type.tensor_type.elem_type
    if kind not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE):
        raise BadInput(f"output {output.name} is not of floating point")
    softmax = maker(graph, output.name)
    if softmax is None or softmax.op_type != "Softmax":
        softmax = _softmax_of_logarithm(graph, output.name)
    logits, softmax.input[0] = softmax.input[0], f"{NODE}_scaled"
    node = helper.make_node("Mul", [logits, INVERSE], [softmax.input[0]], name=NODE)
    graph.node.insert(list(graph.node).index(softmax), node)
    _set(graph.initializer.add(), np.array(1 / temperature), kind)
    onnx.checker.check_model(model)


def _softmax_of_logarithm(graph: onnx.GraphProto, output: str) -> onnx.NodeProto:
    """Put Log → Softmax behind the output, under its name; together they change nothing."""
    uncalibrated = f"{output}_uncalibrated"
    for node in graph.node:
        for names in (node.input, node.output):
            for position, name in enumerate(names):
                if name == output:
                    names[position] = uncalibrated
    logarithm = f"{output}_logarithm"
    graph.node.append(helper.make_node("Log", [uncalibrated], [logarithm]))
    graph.node.append(helper.make_node("Softmax", [logarithm], [output], axis=-1))
    softmax: onnx.NodeProto = graph.node[-1]
    return softmax


def _set(tensor: onnx.TensorProto, value: np.ndarray, kind: int) -> None:
    array = value.astype(helper.tensor_dtype_to_np_dtype(kind))
    tensor.CopyFrom(numpy_helper.from_array(array, INVERSE))


RECORD = "scrapline.calibration"
ALIKE = ("scrapline.classes", "scrapline.backbone", "scrapline.size")
TAKEN = (
    "scrapline.temperature",
    "scrapline.threshold",
    "scrapline.precision",
    "scrapline.coverage",
    "scrapline.conformal",
    "scrapline.novelty_energy",
)


def like_twin(model: ModelFile, twin: ModelFile, console: Console) -> onnx.ModelProto:
    """The model with the twin's temperature in its graph and the twin's figures in its facts.

    Raises BadInput if the twin is not calibrated, or not a twin.
    """
    ours, theirs = model.engine.facts, twin.engine.facts
    if RECORD not in theirs:
        raise BadInput(f"--like {twin.path}: is not calibrated itself")
    for fact in ALIKE:
        if ours.get(fact) != theirs.get(fact):
            raise BadInput(
                f"--like {twin.path}: {fact} is {theirs.get(fact)}, not {ours.get(fact)} as in "
                f"{model.path}"
            )
    proto = onnx.load(str(model.path))
    divide_logits(proto, twin.temperature / model.temperature)
    record = {**json.loads(theirs[RECORD]), "twin_sha256": twin.sha256}
    taken = {fact: theirs[fact] for fact in TAKEN if fact in theirs}
    helper.set_model_props(proto, {**ours, **taken, RECORD: json.dumps(record)})
    console.print(
        f"temperature {twin.temperature:.4f}, threshold {theirs['scrapline.threshold']} as in "
        f"{twin.path}",
        markup=False,
    )
    return proto
