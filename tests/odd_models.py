"""Models of the right contract that fail in one way or another: copies of the tiny one, changed."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.tiny_model import write_tiny_model

BRIGHT = 200
"""Mean level from which a picture is too bright for some."""
SMALLEST_PX = 40

_NUMBERS = count()

Change = Callable[[onnx.ModelProto], None]


def changed(path: Path, *changes: Change) -> Path:
    """A tiny model with these changes, at `path`."""
    model = onnx.load(write_tiny_model(path))
    for change in changes:
        change(model)
    path.write_bytes(model.SerializeToString())
    return path


def only_of(height_px: int | None = None, width_px: int | None = None) -> Change:
    """Takes pictures of this height and width alone."""

    def change(model: onnx.ModelProto) -> None:
        dims = model.graph.input[0].type.tensor_type.shape.dim
        for number, side in ((1, height_px), (2, width_px)):
            if side is not None:
                dims[number].dim_value = side

    return change


def batches_of(size: int) -> Change:
    """Takes so many pictures at a time alone."""

    def change(model: onnx.ModelProto) -> None:
        for value in (model.graph.input[0], model.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = size

    return change


def entry(key: str, value: str) -> Change:
    """With another entry in the file; an empty one is taken out."""

    def change(model: onnx.ModelProto) -> None:
        entries = {p.key: p.value for p in model.metadata_props}
        entries[f"scrapline.{key}"] = value
        helper.set_model_props(model, {k: v for k, v in entries.items() if v})

    return change


def wrong_answer(value: float, brighter_than: float = BRIGHT) -> Change:
    """Every probability of a picture that is brighter than this is `value`."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        graph.node[-1].output[0] = "right"
        graph.node.extend(
            [
                helper.make_node("ReduceMean", ["mean_level"], ["level"], axes=[1], keepdims=1),
                helper.make_node("Greater", ["level", "bright"], ["is_bright"]),
                helper.make_node("Where", ["is_bright", "wrong", "right"], ["probabilities"]),
            ]
        )
        constant(model, "bright", np.float32(brighter_than))
        constant(model, "wrong", np.float32(value))

    return change


def the_other_way_round() -> Change:
    """After `wrong_answer`: those are wrong that are no brighter."""

    def change(model: onnx.ModelProto) -> None:
        (where,) = (node for node in model.graph.node if node.op_type == "Where")
        where.input[1], where.input[2] = where.input[2], where.input[1]

    return change


def wrong_in_openvino(brighter_than: float = BRIGHT) -> Change:
    """No number for a picture that is brighter than this, where float64 is counted in float32."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        graph.node[-1].output[0] = "right"
        graph.node.extend(
            [
                helper.make_node("ReduceMean", ["mean_level"], ["level"], axes=[1], keepdims=1),
                helper.make_node("Sub", ["level", "bright"], ["over"]),
                helper.make_node("Relu", ["over"], ["excess"]),
                helper.make_node("Cast", ["excess"], ["exact"], to=TensorProto.DOUBLE),
                helper.make_node("Mul", ["exact", "huge"], ["large"]),
                helper.make_node("Div", ["large", "huge"], ["small"]),
                helper.make_node("Cast", ["small"], ["rounded"], to=TensorProto.FLOAT),
                helper.make_node("Mul", ["rounded", "zero"], ["nothing_more"]),
                helper.make_node("Add", ["right", "nothing_more"], ["probabilities"]),
            ]
        )
        constant(model, "bright", np.float32(brighter_than))
        constant(model, "huge", np.float64(1e300))
        constant(model, "zero", np.float32(0))

    return change


def fails_below(height_px: int = SMALLEST_PX) -> Change:
    """The graph raises on pictures that are not as high as this."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        softmax = graph.node[-1]
        nodes = [
            helper.make_node("Gather", ["levels", "last_row"], ["row"], axis=1, name="rows"),
            helper.make_node("ReduceMean", ["row"], ["row_level"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Mul", ["row_level", "zero"], ["no_level"]),
            helper.make_node("Constant", [], ["last_axis"], value_ints=[1]),
            helper.make_node("Unsqueeze", ["no_level", "last_axis"], ["no_levels"]),
            helper.make_node("Add", [softmax.input[0], "no_levels"], ["watched_logits"]),
        ]
        softmax.input[0] = "watched_logits"
        del graph.node[-1]
        graph.node.extend([*nodes, softmax])
        constant(model, "last_row", np.array([height_px - 1]))
        constant(model, "zero", np.float32(0))

    return change


def constant(model: onnx.ModelProto, name: str, value: np.generic) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def operator(name: str, domain: str) -> Change:
    """With a last step that somebody else's library would have to do."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.node[-1].output[0] = "before"
        step = helper.make_node(name, ["before"], ["probabilities"], domain=domain)
        model.graph.node.append(step)
        model.opset_import.append(helper.make_opsetid(domain, 1))

    return change


def with_weights_beside(path: Path) -> Path:
    """Saved as two files, of which the second is gone."""
    model = onnx.load(write_tiny_model(path))
    onnx.save_model(
        model, str(path), save_as_external_data=True, location="w.bin", size_threshold=0
    )
    (path.parent / "w.bin").unlink()
    return path


def detector() -> bytes:
    """Two outputs, of which the first are boxes."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 3])
    boxes = helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", "h", "w", 3])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])
    nodes = [
        helper.make_node("Cast", ["image"], ["boxes"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["boxes"], ["scores"], axes=[1, 2], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "detector", [image], [boxes, scores])
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return bytes(model.SerializeToString())


def script(body: str, extra: dict[str, str] | None = None) -> bytes:
    """A TorchScript program of three classes; `body` computes the answer from `image`."""
    torch = pytest.importorskip("torch")
    kind = type(f"Odd{next(_NUMBERS)}", (torch.nn.Module,), {})  # each name may be defined once
    told = {"scrapline.classes": '["a", "b", "c"]'} if extra is None else extra
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        scripted = torch.jit.script(kind())
        scripted.define(f"def forward(self, image):\n    {body}\n")
        torch.jit.save(scripted, buffer, _extra_files={"scrapline.json": json.dumps(told)})
    return buffer.getvalue()
