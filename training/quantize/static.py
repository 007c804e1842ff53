"""Static quantisation with ONNX Runtime's own tools: ranges once per method, then any variant.

The first convolution takes bytes: no subtraction, no conversion, no pass over the picture.
An eight-bit convolution reads `(pixel - zero_point) · scale` of a byte, so with scale 1 the picture
itself is its input. There is one zero point for red, green and blue, whose means differ; what is
left of each mean goes into the bias. Only where the convolution pads, with the zero point, is a
border pixel up to 13 steps of 255 off the average colour.
"""

from __future__ import annotations

import io
import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.qdq_loss_debug import (
    collect_activations,
    compute_signal_to_quantization_noice_ratio,
    compute_weight_error,
    create_activation_matching,
    create_weight_matching,
    modify_model_output_intermediate_tensors,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.errors import BadInput, TrainingError
from training.evaluate.engines import first_line
from training.export.onnx_file import CENTRED, PLANES
from training.pictures import MEAN_PIXEL
from training.quantize.range_pictures import Pixels
from training.quantize.variant import Variant

ZERO_POINT = round(sum(MEAN_PIXEL) / len(MEAN_PIXEL))


def take_pixels_less_zero_point(bare: onnx.ModelProto) -> None:
    """Change a bare float network, in place, to expect `pixel - ZERO_POINT` for `centred`.

    Raises BadInput if anything but one convolution reads its input.
    """
    readers = [node for node in bare.graph.node if CENTRED in node.input]
    if [node.op_type for node in readers] != ["Conv"]:
        raise BadInput("quantize: this backbone does not begin with one convolution")
    [conv] = readers
    tensors = {tensor.name: tensor for tensor in bare.graph.initializer}
    kernel = numpy_helper.to_array(tensors[conv.input[1]])
    offset = (ZERO_POINT - np.array(MEAN_PIXEL)) @ kernel.sum(axis=(2, 3)).T
    if len(conv.input) < 3:
        conv.input.append("first_bias")
        tensors["first_bias"] = bare.graph.initializer.add()
        bias = np.zeros(len(kernel), np.float32)
    else:
        bias = numpy_helper.to_array(tensors[conv.input[2]])
    corrected = (bias + offset).astype(np.float32)
    tensors[conv.input[2]].CopyFrom(numpy_helper.from_array(corrected, conv.input[2]))


def take_bytes(quantised: onnx.ModelProto, size_px: tuple[int, int]) -> None:
    """Cut the quantisation of the input away, in place: the network then takes `planes`, uint8."""
    graph = quantised.graph
    [cut] = [n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == CENTRED]
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name == cut.output[0]:
                node.input[position] = PLANES
    graph.node.remove(cut)
    stale = {CENTRED, cut.output[0]}
    kept = [info for info in graph.value_info if info.name not in stale]
    del graph.value_info[:], graph.input[:]
    graph.value_info.extend(kept)
    graph.input.append(
        helper.make_tensor_value_info(PLANES, TensorProto.UINT8, ["batch", 3, *size_px])
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


METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
TYPES = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8}
# ONNX Runtime keeps every activation of so many pictures in memory at once.
AT_ONCE = 8


# Where its optimiser has no room, it writes a traceback; what fails then is told below.
logging.getLogger("onnxruntime.quantization.shape_inference").setLevel(logging.CRITICAL)


class Quantiser:
    """A float network, made ready, and the pictures that set its activations' ranges.

    As a context it has a folder of its own for what the quantiser writes on the way.
    """

    def __init__(self, bare: onnx.ModelProto, size_px: tuple[int, int], pictures: Pixels) -> None:
        self._bare = bare
        self._size_px = size_px
        self._pictures = pictures[: max(AT_ONCE, len(pictures) // AT_ONCE * AT_ONCE)]
        take_pixels_less_zero_point(bare)

    def __enter__(self) -> Quantiser:
        self._scratch = tempfile.TemporaryDirectory(prefix="scrapline-quantize-")
        self._folder = Path(self._scratch.name)
        self._ready = self._folder / "ready.onnx"
        try:
            with self._writing():
                onnx.save(self._bare, str(self._folder / "bare.onnx"))
                quant_pre_process(self._folder / "bare.onnx", self._ready, skip_symbolic_shape=True)
        except BaseException:
            self._scratch.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    def layers(self) -> list[str]:
        """Names of the layers with weights, in order, but the first: it has to take bytes."""
        nodes = onnx.load(str(self._ready), load_external_data=False).graph.node
        weighty = [node for node in nodes if node.op_type in {"Conv", "Gemm", "MatMul"}]
        return [node.name for node in weighty if CENTRED not in node.input]

    def noisiest_first(self, variant: Variant) -> list[str]:
        """The layers, first the one to which rounding adds the most noise."""
        few = _Reader(self._pictures[:AT_ONCE])
        with self._writing():
            ratios = signal_to_noise(self._ready, self._rounded(variant), few, self._folder)
        return sorted(self.layers(), key=ratios.__getitem__)

    def quantised(self, variant: Variant) -> onnx.ModelProto:
        """The network in eight bits: `planes` uint8 `[batch, 3, h, w]` → logits and embedding."""
        with self._writing():
            network = onnx.load(str(self._rounded(variant)))
        take_bytes(network, self._size_px)
        return network

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Each library has an error of its own for a full disk, or for what it finds cut off."""
        try:
            yield
        except TrainingError:
            raise
        except Exception as error:
            what = getattr(error, "strerror", None) or first_line(error)
            raise TrainingError(
                f"{self._folder.parent}: what quantising writes there on the way cannot be written "
                f"or read, perhaps for want of room: {what}"
            ) from error

    def _rounded(self, variant: Variant) -> Path:
        result = self._folder / "rounded.onnx"
        with redirect_stdout(io.StringIO()):  # it prints what it does, picture by picture
            quantize_static(
                self._ready,
                result,
                _Reader(self._pictures),
                quant_format=QuantFormat.QDQ,
                per_channel=variant.per_channel,
                activation_type=TYPES[variant.activations],
                weight_type=QuantType.QInt8,
                nodes_to_exclude=list(variant.in_float),
                calibrate_method=METHODS[variant.method],
                calibration_cache_path=self._folder / f"{variant.method}.json",
                extra_options={
                    "CalibStridedMinMax": min(AT_ONCE, len(self._pictures)),
                    "TensorQuantOverrides": {CENTRED: [_bytes_as_they_are()]},
                },
            )
        return result


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Pictures one by one, as the ready network takes them."""

    def __init__(self, pictures: Pixels) -> None:
        self._pictures = pictures
        self._rest: Iterator[NDArray[np.uint8]] = iter(pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._rest = iter(self._pictures[start_index:end_index])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        picture = next(self._rest, None)
        if picture is None:
            return None
        centred = picture.astype(np.float32) - ZERO_POINT
        return {CENTRED: centred.transpose(2, 0, 1)[None]}


def _bytes_as_they_are() -> dict[str, Any]:
    return {
        "quant_type": QuantType.QUInt8,
        "scale": np.array(1, dtype=np.float32),
        "zero_point": np.array(ZERO_POINT, dtype=np.uint8),
    }
