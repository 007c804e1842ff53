"""Hand-made models of plain colours: logits are the mean red, green and blue ÷ `softness`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

COLOURS = ("blue", "green", "red")
SOFTNESS = 50.0

Rgb = tuple[int, int, int]


def red(value: int) -> Rgb:
    return (value, 0, 0)


def green(value: int) -> Rgb:
    return (0, value, 0)


def blue(value: int) -> Rgb:
    return (0, 0, value)


def sureness(value: int, temperature: float = 1.0) -> float:
    """Probability of the class of a picture in one pure colour of that value."""
    strength = float(np.exp(value / SOFTNESS / temperature))
    return strength / (strength + 2)


def colour_graph(softmax: bool = True) -> onnx.ModelProto:
    """The model; without a softmax at the end, the same probabilities by Exp and Div."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "sides"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "weight", "bias"], ["logits"], transB=1),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 2]), "sides"),
        # Channels are red, green, blue; classes are in alphabetical order.
        numpy_helper.from_array(np.eye(3, dtype=np.float32)[::-1] / np.float32(SOFTNESS), "weight"),
        numpy_helper.from_array(np.zeros(3, dtype=np.float32), "bias"),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    else:
        constants.append(numpy_helper.from_array(np.array([1]), "axis"))
        nodes += [
            helper.make_node("Exp", ["logits"], ["e"]),
            helper.make_node("ReduceSum", ["e", "axis"], ["sum"], keepdims=1),
            helper.make_node("Div", ["e", "sum"], ["probabilities"]),
        ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 3])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "colours", [image], [answer], constants)
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)])


def colour_model(path: Path, softmax: bool = True, **facts: str) -> Path:
    """Write the model with its class names, and further `scrapline.…` facts."""
    model = colour_graph(softmax)
    given = {"classes": json.dumps(COLOURS), "size": "[8, 8]", **facts}
    helper.set_model_props(model, {f"scrapline.{key}": value for key, value in given.items()})
    onnx.save(model, str(path))
    return path


def with_further_outputs(model: onnx.ModelProto, energy_scale: float = 1.0) -> onnx.ModelProto:
    """The same with the outputs `embedding`, mean blue, green and red, and `energy`."""
    graph = model.graph
    scale = np.array([-energy_scale], dtype=np.float32)
    graph.initializer.append(numpy_helper.from_array(scale, "energy_scale"))
    graph.initializer.append(numpy_helper.from_array(np.array([1]), "classes_axis"))
    graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0]), "backwards"))
    graph.node.extend(
        [
            helper.make_node("ReduceLogSumExp", ["logits", "classes_axis"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "energy_scale"], ["energy"]),
            helper.make_node("Gather", ["mean", "backwards"], ["embedding"], axis=1),
        ]
    )
    for name, shape in (("embedding", ["n", 3]), ("energy", ["n"])):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    return model


def write_colours(root: Path, pictures: Mapping[str, Sequence[Rgb]]) -> Path:
    """A folder of class folders, each with pictures of one plain colour, 8×6 pixels."""
    for name, colours in pictures.items():
        (root / name).mkdir(parents=True)
        for number, colour in enumerate(colours):
            Image.new("RGB", (8, 6), colour).save(root / name / f"{number:03}.png")
    return root
