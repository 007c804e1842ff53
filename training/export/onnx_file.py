"""Write the ONNX file: the bare network from PyTorch, with the pixels' way in and out around it.

A GPU does. A CPU without such arithmetic turns every number back into float32 and is slower.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper, numpy_helper
from onnxruntime.transformers import float16
from onnxruntime.transformers.onnx_model import OnnxModel

from training.backbone import Network
from training.embedding.network import WithEmbedding
from training.export.contract import EMBEDDING, ENERGY, INPUT, OUTPUT, FileFacts
from training.export.runners import Parity
from training.export.served import fold_scale
from training.pictures import MEAN_PIXEL
from training.whole_file import replace_bytes


def in_half(bare: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a bare network with float16 weights and arithmetic; inputs and outputs float32.

    What stands around it, resizing, centring, softmax and energy, stays in float32.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(bare)
    half: onnx.ModelProto = float16.convert_float_to_float16(copy, keep_io_types=True)
    OnnxModel(half).topological_sort()  # the casts at the edges were put at the end
    return half


OPSET = 18
CENTRED = "centred"
PLANES = "planes"
LOGITS = "logits"


def served_model(bare: onnx.ModelProto, facts: FileFacts) -> onnx.ModelProto:
    """A bare network, whatever it computes with inside, as a model that keeps the contract."""
    merged = _with_pixels(bare, facts.size_px)
    helper.set_model_props(merged, facts.as_strings())
    onnx.checker.check_model(merged, full_check=True)
    return merged


def save_with_parity(model: onnx.ModelProto, parity: Parity, path: Path) -> None:
    """Write the file, and into its metadata how it compared with the trained network."""
    entry = model.metadata_props.add()
    entry.key, entry.value = "scrapline.parity", json.dumps(asdict(parity))
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_bytes(path, model.SerializeToString())


def bare_network(network: Network, size_px: tuple[int, int]) -> onnx.ModelProto:
    """The network alone: `centred` float32 `[batch, 3, h, w]` → `logits`, `embedding`.

    They are `[batch, classes]` and `[batch, features]`. Arithmetic of fewer bits is put into this
    part. The exporter folds batch norm into the convolutions.
    """
    example = torch.zeros(2, 3, *size_px)
    # Weights that lie channels-last, as training leaves them, put operations about shapes into it.
    model = fold_scale(WithEmbedding(network)).to(memory_format=torch.contiguous_format)
    program = torch.onnx.export(
        model,
        (example,),
        input_names=[CENTRED],
        output_names=[LOGITS, EMBEDDING],
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


def _with_pixels(bare: onnx.ModelProto, size_px: tuple[int, int]) -> onnx.ModelProto:
    """Put resizing and centring before a bare network, and softmax and energy behind it."""
    takes = bare.graph.input[0].name
    front = _model(_pixels_graph(size_px, takes), bare)
    back = _model(_answers_graph(bare.graph.output[0]), bare)
    merged = compose.merge_models(front, bare, io_map=[(takes, takes)])
    merged = compose.merge_models(merged, back, io_map=[(LOGITS, LOGITS)])
    # Who knows of one output alone takes the first.
    by_name = {output.name: output for output in merged.graph.output}
    del merged.graph.output[:]
    merged.graph.output.extend(by_name[name] for name in (OUTPUT, EMBEDDING, ENERGY))
    merged.graph.name = "scrapline"
    merged.producer_name = "scrapline training"
    return merged


def _pixels_graph(size_px: tuple[int, int], gives: str) -> onnx.GraphProto:
    """`image` uint8 NHWC of any size → NCHW of the network's size.

    It gives `planes`, uint8, or `centred`, float32.

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
        helper.make_node("Transpose", ["squashed"], [PLANES], perm=[0, 3, 1, 2]),
    ]
    constants = [numpy_helper.from_array(np.array(size_px, dtype=np.int64), "size")]
    kind = TensorProto.UINT8
    if gives == CENTRED:
        mean = np.array(MEAN_PIXEL, dtype=np.float32).reshape(1, 3, 1, 1)
        constants.append(numpy_helper.from_array(mean, "mean_pixel"))
        nodes.append(helper.make_node("Cast", [PLANES], ["pixels"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Sub", ["pixels", "mean_pixel"], [CENTRED]))
        kind = TensorProto.FLOAT
    image = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["batch", "height", "width", 3])
    given = helper.make_tensor_value_info(gives, kind, ["batch", 3, *size_px])
    return helper.make_graph(nodes, "pixels", [image], [given], constants)


def _answers_graph(logits: onnx.ValueInfoProto) -> onnx.GraphProto:
    """`logits` → `probabilities` and `energy`."""
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    probabilities = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", classes])
    energy = helper.make_tensor_value_info(ENERGY, TensorProto.FLOAT, ["batch"])
    nodes = [
        helper.make_node("ReduceLogSumExp", [LOGITS, "classes_axis"], ["evidence"], keepdims=0),
        helper.make_node("Neg", ["evidence"], [ENERGY]),
        helper.make_node("Softmax", [LOGITS], [OUTPUT], axis=1),
    ]
    axis = numpy_helper.from_array(np.array([1], dtype=np.int64), "classes_axis")
    return helper.make_graph(nodes, "answers", [logits], [probabilities, energy], [axis])


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
