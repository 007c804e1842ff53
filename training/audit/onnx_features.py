"""What an exported network makes of a picture just before its last layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from training.errors import BadInput
from training.export.contract import INPUT
from training.export.runners import read_pixels

# Operators that a last linear layer becomes, plain and quantised; their first input is wanted.
LINEAR = frozenset({"Gemm", "MatMul", "MatMulInteger", "QGemm", "QLinearMatMul"})


def onnx_features(path: Path) -> Callable[[Path], NDArray[np.float32]]:
    """Open an exported file as picture → vector `[features]`. BadInput if it is not such a file."""
    if not path.is_file():
        raise BadInput(f"--model {path}: no such file")
    try:
        model = onnx.load(str(path))
        features = _before_last_layer(model)
        model.graph.output.append(onnx.ValueInfoProto(name=features))
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # protobuf and ONNX Runtime raise types of their own
        raise BadInput(f"--model {path}: not a model that `export` wrote") from error
    if [i.name for i in session.get_inputs()] != [INPUT]:
        raise BadInput(f"--model {path}: its input is not `{INPUT}`")

    def embed(picture: Path) -> NDArray[np.float32]:
        [vector] = session.run([features], {INPUT: read_pixels(picture)[None]})
        return np.asarray(vector, dtype=np.float32).reshape(-1)

    return embed


def _before_last_layer(model: onnx.ModelProto) -> str:
    """Name of the tensor that enters the last linear layer. LookupError if there is none."""
    for node in reversed(model.graph.node):
        if node.op_type in LINEAR:
            return str(node.input[0])
    raise LookupError("no linear layer")
