"""OpenVINO on one thread of the processor, by its own package.

Where the processor has instructions for bf16, what is not quantised runs in bf16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import openvino as ov

from line.errors import BadInput, ModelError
from line.model.onnx_file import entries_of
from line.pictures import Picture
from workers.engine import Answers, Takes
from workers.engines.graph_ports import (
    answers_of,
    asked_outputs,
    only_input,
    own_entries,
    takes_of,
)
from workers.engines.openvino_resize import (
    resize_as_pillow,
    resized,
    take_out_first_resize,
)
from workers.reasons import openvino_reason

_DEVICE = "CPU"
_SETTINGS: dict[str, Any] = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,  # every worker would be put on the same core
}
_TYPES = {
    "u8": "tensor(uint8)",
    "f16": "tensor(float16)",
    "f32": "tensor(float)",
    "f64": "tensor(double)",
}


@cache
def _core() -> ov.Core:
    """One for the life of the process.

    Each gives the thread a stack for signal handlers, and the one before back when it ends. Of two
    that end in the order in which they began the second gives back what is gone: the next signal
    that has a handler would end the process.
    """
    return ov.Core()


class OpenVinoEngine:
    """One thread: parallelism comes from the number of workers."""

    def __init__(self, data: bytes, settings: dict[str, Any] | None = None) -> None:
        """`settings`: of OpenVINO's, over those that a worker has.

        Raises:
            BadInput: for a file that is no such model, or that OpenVINO cannot run.
        """
        core = _core()
        try:
            model = core.read_model(data)
        except Exception as error:  # it has one type for all
            raise BadInput(
                f"not a model that OpenVINO can load: {openvino_reason(error)}"
            ) from None
        self._takes = takes_of(only_input([_Port.of(port) for port in model.inputs]))
        ports = [_Port.of(port) for port in model.outputs]
        places = [ports.index(port) for port in asked_outputs(ports)]
        self._gives_energy = len(places) > 1
        try:
            # What else the file gives is not asked for, and need not be computed.
            asked = ov.Model([model.outputs[place] for place in places], model.get_parameters())
            asked, self._resized_px = take_out_first_resize(asked)
            resize_as_pillow(asked)
            compiled = core.compile_model(asked, _DEVICE, {**_SETTINGS, **(settings or {})})
            self._request = compiled.create_infer_request()
        except Exception as error:
            raise BadInput(f"not a model that OpenVINO can run: {openvino_reason(error)}") from None
        self._metadata = own_entries(entries_of(data))

    @property
    def metadata(self) -> dict[str, str]:
        return self._metadata

    @property
    def takes(self) -> Takes:
        return self._takes

    @property
    def gives_energy(self) -> bool:
        return self._gives_energy

    def classify(self, batch: Picture) -> Answers:
        try:
            if self._resized_px is not None:
                batch = resized(batch, self._resized_px)
            given = self._request.infer([batch], share_inputs=True)
            return answers_of(list(given.values()))
        except Exception as error:  # it has one type for all
            raise ModelError(f"fails: {openvino_reason(error)}") from None


@dataclass(frozen=True, slots=True)
class _Port:
    """An input or output in ONNX Runtime's words."""

    name: str
    type: str
    shape: Sequence[object]

    @classmethod
    def of(cls, port: Any) -> _Port:
        kind, shape = port.element_type.get_type_name(), port.partial_shape
        sides = [] if shape.rank.is_dynamic else list(shape)
        return cls(
            name=port.any_name if port.names else "without a name",
            type=_TYPES.get(kind, f"tensor({kind})"),
            shape=[side.get_length() if side.is_static else str(side) for side in sides],
        )
