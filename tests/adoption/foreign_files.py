"""Classifiers as other people's tools write them, small and made by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

NAMES = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
CELLS = 4
"""The picture is averaged in so many cells each way: what is cut off matters."""
Head = Literal["logits", "softmax", "sigmoid"]


def network(
    path: Path,
    *,
    channels_last: bool = False,
    element: int = TensorProto.FLOAT,
    batch: int | str = "n",
    size: int | None = 32,
    opset: int = 17,
    head: Head = "logits",
    classes: int = len(NAMES),
    sharpness: float = 2.0,
    entries: dict[str, str] | None = None,
    input_sides: Sequence[int | str | None] | None = None,
) -> Path:
    """A linear layer over a picture's cells; over its mean colour where `size` is None."""
    inner = TensorProto.FLOAT16 if element == TensorProto.FLOAT16 else TensorProto.FLOAT
    kind = helper.tensor_dtype_to_np_dtype(inner)
    rng = np.random.default_rng(classes + opset)
    cells = CELLS if size else 1
    weights = rng.normal(0, sharpness, (3 * cells * cells, classes))
    weights = (weights - weights.mean(axis=0)).astype(kind)  # brightness alone says nothing
    if element == TensorProto.UINT8:
        weights = (weights / 64).astype(kind)
    constants = {"weights": weights, "bias": rng.normal(0, 1, classes).astype(kind)}
    nodes = [helper.make_node("Cast", ["pixels"], ["numbers"], to=inner)]
    planes = "numbers"
    if channels_last:
        nodes.append(helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]))
        planes = "planes"
    if size:
        sides = [size // CELLS, size // CELLS]
        pool = helper.make_node(
            "AveragePool", [planes], ["cells"], kernel_shape=sides, strides=sides
        )
    else:
        pool = helper.make_node("GlobalAveragePool", [planes], ["cells"])
    nodes += [
        pool,
        helper.make_node("Flatten", ["cells"], ["row"], axis=1),
        helper.make_node("MatMul", ["row", "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "bias"], ["logits"]),
    ]
    output = "logits"
    if head != "logits":
        operator = {"softmax": "Softmax", "sigmoid": "Sigmoid"}[head]
        facts: dict[str, Any] = {"axis": 1} if head == "softmax" else {}
        nodes.append(helper.make_node(operator, ["logits"], ["answer"], **facts))
        output = "answer"
    high, wide = (size, size) if size else ("h", "w")
    shape = [batch, high, wide, 3] if channels_last else [batch, 3, high, wide]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("pixels", element, input_sides or shape)],
        [helper.make_tensor_value_info(output, inner, [batch, classes])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 22 else 10
    )
    helper.set_model_props(model, entries or {})
    path.write_bytes(model.SerializeToString())
    return path


def changed(path: Path, change: Any) -> Path:
    """The model at `path`, changed in place."""
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def giving(path: Path, *outputs: tuple[str, Sequence[int]], value: float = 0.5) -> Path:
    """A model that gives constants of these shapes, whatever it is shown."""
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
    ]
    constants = [numpy_helper.from_array(np.float32(0), "nothing")]
    for name, shape in outputs:
        constants.append(numpy_helper.from_array(np.full(shape, value, np.float32), f"of_{name}"))
        nodes.append(helper.make_node("Add", [f"of_{name}", "zero"], [name]))
    graph = helper.make_graph(
        nodes,
        "giving",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def pictures(count: int = 6, seed: int = 3) -> list[NDArray[np.uint8]]:
    """Soft pictures of several sizes and shapes."""
    rng = np.random.default_rng(seed)
    sizes = [(240, 320), (384, 512), (77, 201), (300, 120), (600, 401), (2, 90)]
    found = []
    for number in range(count):
        height, width = sizes[number % len(sizes)]
        coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8))
        found.append(np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)))
    return found


def save_pictures(folder: Path, classes: Sequence[str], each: int = 3) -> Path:
    """A folder of class folders, `each` pictures in each."""
    shown = iter(pictures(each * len(classes), seed=8))
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(each):
            Image.fromarray(next(shown)).save(folder / name / f"{number}.png")
    return folder


def write_json(path: Path, table: object) -> Path:
    path.write_text(json.dumps(table))
    return path
