"""The two ways to run a model; both take and give the same arrays."""

from __future__ import annotations

import json
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from line.errors import BadInput
from line.pictures import Picture

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}


class Engine(Protocol):
    """A loaded model."""

    @property
    def metadata(self) -> dict[str, str]:
        """The `scrapline.…` entries that travel inside the file, without the prefix."""

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        """`batch`: uint8 [n, height, width, 3]; returns probabilities, float32 [n, classes]."""


class OnnxEngine:
    """ONNX Runtime on one thread: parallelism comes from the number of workers."""

    def __init__(self, data: bytes, provider: str) -> None:
        """Raises BadInput for a provider that is not installed and a file that is no such model."""
        wanted = PROVIDERS[provider]
        if wanted not in ort.get_available_providers():
            raise BadInput(f"model.provider: {provider} is not part of the installed onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(data, options, providers=[wanted])
        except Exception as error:  # the runtime has a type for every kind of damage
            raise BadInput(f"not a model that ONNX Runtime can load: {first_line(error)}") from None
        self._input = _only(self._session.get_inputs(), "input")
        self._output = _only(self._session.get_outputs()[:1], "output").name
        if self._input.type != "tensor(uint8)" or len(self._input.shape) != 4:
            raise BadInput(
                f"input {self._input.name} is {self._input.type} {self._input.shape}, "
                "expected uint8 [batch, height, width, 3]"
            )

    @property
    def metadata(self) -> dict[str, str]:
        entries = self._session.get_modelmeta().custom_metadata_map
        return {
            key.removeprefix("scrapline."): value
            for key, value in entries.items()
            if key.startswith("scrapline.")
        }

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        (probabilities,) = self._session.run([self._output], {self._input.name: batch})
        return np.asarray(probabilities, np.float32)


class TorchScriptEngine:
    """The fallback where torch is installed and there is no ONNX file."""

    def __init__(self, data: bytes) -> None:
        """Raises BadInput without torch and for a file that is no such model."""
        try:
            import torch
        except ImportError:
            raise BadInput("a TorchScript model needs torch, which is not installed") from None
        import io

        torch.set_num_threads(1)
        extra: dict[str, Any] = {"scrapline.json": ""}
        try:
            self._module = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(data), map_location="cpu", _extra_files=extra
            ).eval()
        except (RuntimeError, ValueError) as error:
            raise BadInput(f"not a TorchScript model: {first_line(error)}") from None
        self._metadata = _metadata(extra["scrapline.json"])
        self._torch = torch

    @property
    def metadata(self) -> dict[str, str]:
        return {key.removeprefix("scrapline."): value for key, value in self._metadata.items()}

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        with self._torch.inference_mode():
            probabilities = self._module(self._torch.from_numpy(np.array(batch)))
        return np.asarray(probabilities.float().numpy(), np.float32)


def _metadata(text: bytes | str) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(text or "{}").items()}
    except (ValueError, AttributeError):
        raise BadInput("scrapline.json inside the file is not a JSON object") from None


def _only(items: list[Any], what: str) -> Any:
    if len(items) != 1:
        raise BadInput(f"the model has {len(items)} {what}s, expected one")
    return items[0]


def first_line(error: Exception) -> str:
    """What went wrong, short enough to follow a path in one line."""
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
