"""The ways to run a model; all take and give the same arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from line.errors import BadInput, ModelError, NotAdopted
from line.pictures import Picture
from workers.reasons import loading_reason, running_reason

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
_SILENT = 4
"""Severity of what the runtime logs by itself; its errors come as exceptions anyway."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model is limited to; None = any."""

    batch: int | None = None
    height_px: int | None = None
    width_px: int | None = None

    @property
    def size(self) -> str:
        """In words; only where at least one side is limited."""
        if self.height_px and self.width_px:
            return f"{self.width_px}x{self.height_px}"
        return f"{self.height_px} px height" if self.height_px else f"{self.width_px} px width"

    def within(self, height_px: int, width_px: int) -> tuple[int, int]:
        """Height and width, each as it is limited, else as given."""
        return self.height_px or height_px, self.width_px or width_px

    def fits(self, height_px: int, width_px: int) -> bool:
        """Whether pictures of that size are taken."""
        return self.height_px in (None, height_px) and self.width_px in (None, width_px)


ANY = Takes()


class Engine(Protocol):
    """A loaded model."""

    @property
    def metadata(self) -> dict[str, str]:
        """The `scrapline.…` entries that travel inside the file, without the prefix."""

    @property
    def takes(self) -> Takes:
        """What the file itself says that it is limited to."""

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        """`batch`: uint8 [n, height, width, 3]; what the model gives, best float32 [n, classes].

        Raises:
            ModelError: whatever the graph raises.
        """


class OnnxEngine:
    """ONNX Runtime on one thread: parallelism comes from the number of workers."""

    def __init__(self, data: bytes, provider: str) -> None:
        """Raises BadInput for a provider that is not installed and a file that is no such model."""
        wanted = PROVIDERS[provider]
        if wanted not in ort.get_available_providers():
            raise BadInput(f"model.provider: {provider} is not part of the installed onnxruntime")
        ort.set_default_logger_severity(_SILENT)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _SILENT
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(data, options, providers=[wanted])
        except Exception as error:  # the runtime has a type for every kind of damage
            raise BadInput(loading_reason(error)) from None
        self._input = _only_input(self._session.get_inputs())
        self._output = _first_output(self._session.get_outputs())
        batch, height, width, _ = (
            side if isinstance(side, int) else None for side in self._input.shape
        )
        self._takes = Takes(batch, height, width)

    @property
    def metadata(self) -> dict[str, str]:
        entries = self._session.get_modelmeta().custom_metadata_map
        return {
            key.removeprefix("scrapline."): value
            for key, value in entries.items()
            if key.startswith("scrapline.")
        }

    @property
    def takes(self) -> Takes:
        return self._takes

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        try:
            (given,) = self._session.run([self._output.name], {self._input.name: batch})
            return np.asarray(given, np.float32)
        except Exception as error:  # the runtime has a type for every kind of failure
            raise ModelError(f"fails: {running_reason(error)}") from None


def _only_input(inputs: list[Any]) -> Any:
    if len(inputs) != 1:
        raise BadInput(f"the model has {len(inputs)} inputs, expected one")
    (only,) = inputs
    has_four = len(only.shape) == 4
    channels = only.shape[3] if has_four else None
    if (
        only.type != "tensor(uint8)"
        or not has_four
        or (channels != 3 and isinstance(channels, int))
    ):
        hint = ", the colours last" if has_four and only.shape[1] == 3 else ""
        kind = NotAdopted if has_four and 3 in (only.shape[1], channels) else BadInput
        raise kind(
            f"input {only.name} is {only.type} {only.shape}, "
            f"expected uint8 [batch, height, width, 3]{hint}"
        )
    return only


def _first_output(outputs: list[Any]) -> Any:
    """The probabilities; what else a model gives is not asked for."""
    if not outputs:
        raise BadInput("the model has no output")
    first = outputs[0]
    if first.type not in _FLOATS or len(first.shape or (0, 0)) != 2:
        of = f", the first of {len(outputs)}," if len(outputs) > 1 else ""
        raise BadInput(
            f"output {first.name}{of} is {first.type} {first.shape or ''}, "
            "expected probabilities: float [batch, classes]"
        )
    return first
