"""How much noise rounding adds at each layer, by ONNX Runtime's own comparison of two graphs."""

from __future__ import annotations

import math
from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationDataReader
from onnxruntime.quantization.qdq_loss_debug import (
    collect_activations,
    compute_signal_to_quantization_noice_ratio,
    compute_weight_error,
    create_activation_matching,
    create_weight_matching,
    modify_model_output_intermediate_tensors,
)


def signal_to_noise(
    float_file: Path, rounded_file: Path, reader: CalibrationDataReader, scratch: Path
) -> dict[str, float]:
    """Each layer's signal ÷ noise in dB: of its input or its weights, whichever is worse.

    `reader` gives the pictures that both networks are shown; few are enough.
    """
    watched = scratch / "watched.onnx"
    modify_model_output_intermediate_tensors(rounded_file, watched)
    seen = create_activation_matching(collect_activations(str(watched), reader))
    inputs = {
        name: compute_signal_to_quantization_noice_ratio(both["pre_qdq"], both["post_qdq"])
        for name, both in seen.items()
    }
    weights = compute_weight_error(create_weight_matching(str(float_file), str(rounded_file)))
    graph = onnx.load(str(float_file), load_external_data=False).graph
    return {
        node.name: min(inputs.get(node.input[0], math.inf), weights.get(node.input[1], math.inf))
        for node in graph.node
        if len(node.input) > 1
    }
