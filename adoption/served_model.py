"""The file that the line runs: the original graph with pixels' way in before it, softmax behind it.

    image          uint8   [batch, height, width, 3]   RGB, any size
    probabilities  float32 [batch, classes]            each row sums to 1

That is the contract of the trainer's files too. A bilinear resize stays in uint8 with the colours
last: ONNX Runtime then gives Pillow's levels to within one. ONNX Runtime has a bicubic one for
planes of floats alone.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

from adoption.answer_output import AnswerOutput
from adoption.foreign_model import ForeignModel
from adoption.preprocessing import LONGEST_SIDES, PAD_LEVEL, Size, Way
from line.errors import BadInput
from line.plain_text import plain

OPSET = 18
"""From which Resize knows `antialias`."""
INPUT, OUTPUT = "image", "probabilities"
INVERSE = "inverse_temperature"
"""The constant that `python -m training calibrate` looks for."""
_IR_VERSION = 8
_SMALLEST = float(np.finfo(np.float32).tiny)


class Nodes:
    """Nodes to be added to a graph; names with this prefix stand in no graph from elsewhere."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, gives: str = "", **facts: Any) -> str:
        """Name of what the new node gives."""
        gives = gives or f"{self._prefix}_{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [gives], **facts))
        return gives

    def constant(self, value: Any, kind: Any = np.int64, name: str = "") -> str:
        """Name of a new constant."""
        name = name or f"{self._prefix}_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name


def served(
    model: ForeignModel,
    answer: AnswerOutput,
    way: Way,
    size_px: Size,
    *,
    takes_batches: bool,
) -> onnx.ModelProto:
    """The model, without facts in its entries yet.

    Raises:
        BadInput: if its opset cannot be raised to one with the operators that are added.
    """
    proto = _raised(model)
    graph = proto.graph
    image, probabilities = _free(graph, INPUT), _free(graph, OUTPUT)
    front = Nodes("scrapline_in")
    _add_pixels(front, image, model, way, size_px)
    back = Nodes("scrapline_out")
    inverse = back.constant(1, np.float32, name=_free(graph, INVERSE))
    _add_answer(back, answer, model.batch or 1, inverse, probabilities)
    own = list(graph.node)
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend([*front.nodes, *own, *back.nodes])
    graph.initializer.extend([*front.constants, *back.constants])
    batch = "batch" if takes_batches else 1
    shape = [batch, "height", "width", 3]
    graph.input.append(helper.make_tensor_value_info(image, TensorProto.UINT8, shape))
    shape = [batch, answer.classes if answer.sums is None else answer.sums.shape[1]]
    graph.output.append(helper.make_tensor_value_info(probabilities, TensorProto.FLOAT, shape))
    proto.ir_version = max(proto.ir_version, _IR_VERSION)
    proto.producer_name = "scrapline adopt"
    return proto


def set_temperature(proto: onnx.ModelProto, temperature: float) -> None:
    """Have the logits divided by another one."""
    scaling = proto.graph.node[-2]  # the last but the softmax
    [tensor] = (t for t in proto.graph.initializer if t.name == scaling.input[1])
    value = np.array(1 / temperature, np.float32)
    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def _raised(model: ForeignModel) -> onnx.ModelProto:
    """A copy of the original, of an opset that has what is added."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model.proto)
    version = max((o.version for o in copy.opset_import if o.domain in ("", "ai.onnx")), default=1)
    if version >= OPSET:
        return copy
    try:
        return version_converter.convert_version(copy, OPSET)
    except Exception as error:  # the converter has a type for every operator it does not know
        why = plain(re.sub(r"\S+\.(?:cc|h|cpp):\d+:?\s*", "", str(error)), 120)
        raise BadInput(
            f"has opset {version}, which cannot be raised to {OPSET} "
            f"({why}): export it with opset {OPSET} or newer"
        ) from None


def _free(graph: onnx.GraphProto, name: str) -> str:
    """The name, or one like it that the graph does not use."""
    used = {value.name for value in (*graph.initializer, *graph.input)}
    used.update(name for node in graph.node for name in node.output)
    while name in used:
        name += "_"
    return name


def _add_pixels(g: Nodes, image: str, model: ForeignModel, way: Way, size_px: Size) -> None:
    """`image` → the original's own input."""
    levels = _sized(g, image, way, size_px)
    if way.bgr:
        levels = g.add("Gather", levels, g.constant([2, 1, 0]), axis=3)
    if not model.channels_last:
        levels = g.add("Transpose", levels, perm=[0, 3, 1, 2])
    if not way.is_plain:
        shape = (1, 1, 1, 3) if model.channels_last else (1, 3, 1, 1)
        mean = g.constant(np.reshape(way.mean, shape), np.float32)
        std = g.constant(np.reshape(way.std, shape), np.float32)
        levels = g.add("Cast", levels, to=TensorProto.FLOAT)
        levels = g.add("Div", g.add("Sub", levels, mean), std)
    if (model.batch or 1) > 1:
        # One picture as often as the file wants; the first answer counts.
        height, width = size_px
        sides = (height, width, 3) if model.channels_last else (3, height, width)
        levels = g.add("Expand", levels, g.constant([model.batch, *sides]))
    g.add("Cast", levels, to=model.element, gives=model.input_name)


def _sized(g: Nodes, image: str, way: Way, size_px: Size) -> str:
    """`image` → uint8 [batch, height, width, 3] of the network's size."""
    target = way.resized_px(size_px)
    wanted = g.constant(target)
    if way.resize == "squash":
        sizes = wanted
    else:
        sides = g.add("Shape", image, start=1, end=3)
        turned = g.add("Gather", sides, g.constant([1, 0]))
        scaled = g.add("Mul", sides, g.constant(target[::-1]))  # height · wanted width, and so on
        if way.resize == "crop":
            longest = g.constant([LONGEST_SIDES * side for side in target])
            sizes = g.add("Min", g.add("Max", wanted, g.add("Div", scaled, turned)), longest)
        else:
            two = g.constant([2])
            rounded = g.add("Add", g.add("Mul", scaled, two), turned)
            rounded = g.add("Div", rounded, g.add("Mul", turned, two))
            sizes = g.add("Max", g.add("Min", wanted, rounded), g.constant([1]))
    levels = _resized(g, image, sizes, way)
    if way.resize == "letterbox":
        spare = g.add("Sub", wanted, sizes)
        before = g.add("Div", spare, g.constant([2]))
        pads = g.add("Concat", before, g.add("Sub", spare, before), axis=0)
        grey = g.constant(PAD_LEVEL, np.uint8)
        return g.add("Pad", levels, pads, grey, g.constant([1, 2]))
    if way.resize == "squash" and target == size_px:
        return levels
    cut = g.constant(size_px)
    spare = g.add("Cast", g.add("Sub", sizes, cut), to=TensorProto.FLOAT)
    half = g.add("Round", g.add("Mul", spare, g.constant(0.5, np.float32)))
    start = g.add("Cast", half, to=TensorProto.INT64)
    return g.add("Slice", levels, start, g.add("Add", start, cut), g.constant([1, 2]))


def _resized(g: Nodes, image: str, sizes: str, way: Way) -> str:
    facts: dict[str, Any] = {
        "coordinate_transformation_mode": "half_pixel",
        "antialias": 1,
        "exclude_outside": 1,
    }
    if way.interpolation == "bilinear":
        return g.add("Resize", image, "", "", sizes, mode="linear", axes=[1, 2], **facts)
    planes = g.add("Cast", g.add("Transpose", image, perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    facts["cubic_coeff_a"] = -0.5  # Pillow's
    low, high = g.constant(0, np.float32), g.constant(255, np.float32)
    last = g.constant([1])
    # Sizes of all four sides: with `axes`, ONNX Runtime moves the transposes and loses count.
    kept = g.add("Shape", planes, start=0, end=3)  # first the width, then the height, as Pillow
    width = g.add("Concat", kept, g.add("Gather", sizes, last), axis=0)
    kept = g.add("Shape", planes, start=0, end=2)
    for wanted in (width, g.add("Concat", kept, sizes, axis=0)):
        planes = g.add("Resize", planes, "", "", wanted, mode="cubic", **facts)
        planes = g.add("Clip", g.add("Round", planes), low, high)
    levels = g.add("Cast", planes, to=TensorProto.UINT8)
    return g.add("Transpose", levels, perm=[0, 2, 3, 1])


def _add_answer(g: Nodes, answer: AnswerOutput, batch: int, inverse: str, gives: str) -> None:
    """The original's answer → `gives`. Logarithms of probabilities serve as logits.

    So do those of sums of exponentials: classes that go into one bin are added up before the
    temperature is applied.
    """
    scores = g.add("Flatten", g.add("Cast", answer.name, to=TensorProto.FLOAT), axis=1)
    if batch > 1:
        first = g.constant([0])
        scores = g.add("Slice", scores, first, g.constant([1]), first)
    if answer.sums is not None:
        if answer.is_logits:
            most = g.add("ReduceMax", scores, g.constant([1]))
            scores = g.add("Exp", g.add("Sub", scores, most))
        scores = g.add("MatMul", scores, g.constant(answer.sums, np.float32))
    if not answer.is_logits or answer.sums is not None:
        scores = g.add("Log", g.add("Clip", scores, g.constant(_SMALLEST, np.float32)))
    g.add("Softmax", g.add("Mul", scores, inverse), axis=1, gives=gives)
