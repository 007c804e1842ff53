"""A model small enough for tests: it keeps the contract of the line's ONNX files and knows nothing.

The mean colour of a picture goes through a fixed linear layer and a softmax. `work` makes it slow
on purpose, so that a line is overloaded by few items and the camera has little to do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("cardboard", "glass", "metal", "paper", "plastic", "trash")
OPSET = 17
IR_VERSION = 8
SEED = 20_240_501
SHARPNESS = 12.0
"""Spread of the logits: most colours get a clear answer, a few a doubtful one."""
WORK_SIZE = 640
"""Rows and columns of the matrices that `work` multiplies; about 5 to 10 ms a product."""


def write_tiny_model(
    path: Path,
    classes: Sequence[str] = CLASSES,
    *,
    work: int = 0,
    metadata: bool = True,
    limit: float | None = None,
) -> Path:
    """Write the model to `path` and return the path.

    Args:
        classes: names of the outputs, in order.
        work: matrix products computed for every picture of a batch, beside its answer.
        metadata: whether the `scrapline.…` entries travel inside the file.
        limit: of its energy; None: it gives none.
    """
    weights, bias = _linear(len(classes))
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["levels"], ["mean_level"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["mean_level", "white"], ["colour"]),
        helper.make_node("MatMul", ["colour", "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "bias"], ["logits"]),
    ]
    constants = {"white": np.float32(255), "weights": weights, "bias": bias}
    logits = "logits"
    if work:
        logits = _add_work(nodes, constants, work)
    nodes.append(helper.make_node("Softmax", [logits], ["probabilities"], axis=1))
    image = ("image", TensorProto.UINT8, ["batch", "height", "width", 3])
    outputs = [("probabilities", TensorProto.FLOAT, ["batch", len(classes)])]
    if limit is not None:
        constants["last_axis_of_two"] = np.array([1])
        nodes += [
            helper.make_node("Exp", [logits], ["exponentials"]),
            helper.make_node(
                "ReduceSum", ["exponentials", "last_axis_of_two"], ["sum"], keepdims=0
            ),
            helper.make_node("Log", ["sum"], ["log_of_sum"]),
            helper.make_node("Neg", ["log_of_sum"], ["energy"]),
        ]
        outputs.append(("energy", TensorProto.FLOAT, ["batch"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*image)],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    if metadata:
        entries = _metadata(classes)
        if limit is not None:
            entries["scrapline.novelty_energy"] = str(limit)
        helper.set_model_props(model, entries)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


def tiny_probabilities(
    batch: NDArray[np.uint8], classes: int = len(CLASSES)
) -> NDArray[np.float32]:
    """What the model answers, computed by numpy: float32 [n, classes] for uint8 [n, h, w, 3]."""
    weights, bias = _linear(classes)
    logits = batch.mean(axis=(1, 2), dtype=np.float64) / 255 @ weights + bias
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


def tiny_energies(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As `tiny_probabilities`: the energies, float32 [n]."""
    weights, bias = _linear(len(CLASSES))
    logits = batch.mean(axis=(1, 2), dtype=np.float64) / 255 @ weights + bias
    return np.asarray(-np.log(np.exp(logits).sum(axis=1)), np.float32)


def _linear(classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights [3, classes] and a bias that makes mid grey a tie of all classes."""
    weights = np.random.default_rng(SEED).normal(0, SHARPNESS, (3, classes))
    bias = -0.5 * weights.sum(axis=0)
    return weights.astype(np.float32), bias.astype(np.float32)


def _add_work(
    nodes: list[onnx.NodeProto], constants: dict[str, NDArray[np.float32]], work: int
) -> str:
    """Append `work` products of square matrices; returns the name of the logits behind them.

    The first factor depends on the picture and the last product is added to the logits, times
    zero: no optimiser may leave any of it out.
    """
    # An orthogonal matrix keeps the products finite, however many there are.
    turn, _ = np.linalg.qr(np.random.default_rng(SEED).normal(size=(WORK_SIZE, WORK_SIZE)))
    constants |= {"turn": turn.astype(np.float32), "nothing": np.float32(0)}
    nodes += [
        helper.make_node("ReduceMean", ["colour"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Constant", [], ["last_axis"], value_ints=[2]),
        helper.make_node("Unsqueeze", ["grey", "last_axis"], ["grey_square"]),
        helper.make_node("Mul", ["grey_square", "turn"], ["product_0"]),
    ]
    nodes += [
        helper.make_node("MatMul", [f"product_{number}", "turn"], [f"product_{number + 1}"])
        for number in range(work)
    ]
    nodes += [
        helper.make_node("ReduceMean", [f"product_{work}"], ["effort"], axes=[2], keepdims=0),
        helper.make_node("ReduceMean", ["effort"], ["effort_of_all"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["effort_of_all", "nothing"], ["no_effort"]),
        helper.make_node("Add", ["logits", "no_effort"], ["laboured_logits"]),
    ]
    return "laboured_logits"


def _metadata(classes: Sequence[str]) -> dict[str, str]:
    return {
        "scrapline.format": "1",
        "scrapline.classes": json.dumps(list(classes), ensure_ascii=False),
        "scrapline.size": "[224, 224]",
        "scrapline.temperature": "1.0",
        "scrapline.threshold": "0.5",
        "scrapline.provenance": "tests/tiny_model.py",
    }
