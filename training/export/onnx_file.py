"""Write the ONNX file: the bare network from PyTorch, with the pixels' way in and out around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper, numpy_helper
from torch import nn

from training.export.contract import INPUT, OUTPUT, ModelFacts
from training.export.served import MEAN_PIXEL, fold_scale

OPSET = 18
CENTRED = "centred"
LOGITS = "logits"


def write_onnx(model: nn.Module, facts: ModelFacts, path: Path) -> None:
    """Export a trained network as one file that keeps the contract."""
    bare = bare_network(model, facts.size_px)
    merged = with_pixels(bare, facts.size_px)
    helper.set_model_props(merged, facts.as_strings())
    onnx.checker.check_model(merged, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(merged, str(path))


def bare_network(model: nn.Module, size_px: tuple[int, int]) -> onnx.ModelProto:
    """The network alone: `centred` float32 `[batch, 3, h, w]` → `logits` `[batch, classes]`.

    Quantisation works on this part. The exporter folds batch norm into the convolutions.
    """
    example = torch.zeros(2, 3, *size_px)
    program = torch.onnx.export(
        fold_scale(model),
        (example,),
        input_names=[CENTRED],
        output_names=[LOGITS],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # it is only where the exporter writes the file itself
    proto = program.model_proto
    _strip_notes(proto)
    return proto


def with_pixels(bare: onnx.ModelProto, size_px: tuple[int, int]) -> onnx.ModelProto:
    """Put resizing and centring before a bare network, and softmax behind it."""
    front = _model(_pixels_graph(size_px), bare)
    back = _model(_softmax_graph(bare.graph.output[0]), bare)
    merged = compose.merge_models(front, bare, io_map=[(CENTRED, CENTRED)])
    merged = compose.merge_models(merged, back, io_map=[(LOGITS, LOGITS)])
    merged.graph.name = "scrapline"
    merged.producer_name = "scrapline training"
    return merged


def _pixels_graph(size_px: tuple[int, int]) -> onnx.GraphProto:
    """`image` uint8 NHWC of any size → `centred` float32 NCHW of the network's size.

    The resize stays in uint8 and NHWC: that is Pillow's result to the last step of 1/255, and a
    third of the memory traffic of resizing planes of floats.
    """
    nodes = [
        helper.make_node(
            "Resize",
            [INPUT, "", "", "size"],
            ["squashed"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
            antialias=1,
            exclude_outside=1,
            axes=[1, 2],
        ),
        helper.make_node("Transpose", ["squashed"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["pixels", "mean_pixel"], [CENTRED]),
    ]
    mean = np.array(MEAN_PIXEL, dtype=np.float32).reshape(1, 3, 1, 1)
    constants = [
        numpy_helper.from_array(np.array(size_px, dtype=np.int64), "size"),
        numpy_helper.from_array(mean, "mean_pixel"),
    ]
    image = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["batch", "height", "width", 3])
    centred = helper.make_tensor_value_info(CENTRED, TensorProto.FLOAT, ["batch", 3, *size_px])
    return helper.make_graph(nodes, "pixels", [image], [centred], constants)


def _softmax_graph(logits: onnx.ValueInfoProto) -> onnx.GraphProto:
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    probabilities = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", classes])
    node = helper.make_node("Softmax", [LOGITS], [OUTPUT], axis=1)
    return helper.make_graph([node], "softmax", [logits], [probabilities])


def _model(graph: onnx.GraphProto, like: onnx.ModelProto) -> onnx.ModelProto:
    """A model of the same versions as another: only such models can be merged."""
    return helper.make_model(
        graph, ir_version=like.ir_version, opset_imports=list(like.opset_import)
    )


def _strip_notes(model: onnx.ModelProto) -> None:
    """Drop the exporter's stack traces: they name files of the machine that exported."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
        tensor.doc_string = ""
