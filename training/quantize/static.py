"""Static quantisation with ONNX Runtime's own tools: ranges once per method, then any variant."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.export.onnx_file import CENTRED
from training.quantize.noise import signal_to_noise
from training.quantize.pixels import ZERO_POINT, take_bytes, take_pixels_less_zero_point
from training.quantize.squashed import Pixels
from training.quantize.variant import Variant

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
TYPES = {"u8": QuantType.QUInt8, "s8": QuantType.QInt8}
# ONNX Runtime keeps every activation of so many pictures in memory at once.
AT_ONCE = 8


class Quantiser:
    """A float network, made ready, and the pictures that set its activations' ranges."""

    def __init__(self, bare: onnx.ModelProto, size_px: tuple[int, int], pictures: Pixels) -> None:
        self._size_px = size_px
        self._pictures = pictures[: max(AT_ONCE, len(pictures) // AT_ONCE * AT_ONCE)]
        self._scratch = tempfile.TemporaryDirectory(prefix="scrapline-quantize-")
        self._folder = Path(self._scratch.name)
        take_pixels_less_zero_point(bare)
        onnx.save(bare, str(self._folder / "bare.onnx"))
        self._ready = self._folder / "ready.onnx"
        quant_pre_process(self._folder / "bare.onnx", self._ready, skip_symbolic_shape=True)

    def __enter__(self) -> Quantiser:
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
        ratios = signal_to_noise(self._ready, self._rounded(variant), few, self._folder)
        return sorted(self.layers(), key=ratios.__getitem__)

    def quantised(self, variant: Variant) -> onnx.ModelProto:
        """The network in eight bits: `planes` uint8 `[batch, 3, h, w]` → logits and embedding."""
        network = onnx.load(str(self._rounded(variant)))
        take_bytes(network, self._size_px)
        return network

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
