"""ONNX Runtime on a GPU of NVIDIA.

Pictures are put into memory that the GPU reads by itself (pinned), where the runtime gives some,
and are bound to the graph (IO binding): nothing is copied or allocated that need not be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort

from line.errors import BadInput, ModelError
from line.pictures import Picture
from workers.engine import Answers, Takes
from workers.engines.graph_ports import (
    answers_of,
    asked_outputs,
    only_input,
    own_entries,
    takes_of,
)
from workers.engines.onnxruntime_cpu import session_of
from workers.reasons import running_reason

PROVIDER = "CUDAExecutionProvider"


class CudaEngine:
    """The first GPU that the process sees (CUDA_VISIBLE_DEVICES says which)."""

    def __init__(self, data: bytes, provider: str = PROVIDER) -> None:
        """`provider`: of ONNX Runtime's; another one serves to try the binding without a GPU.

        Raises:
            BadInput: without such a GPU, without room in it, and for what is no such model.
        """
        self._session = session_of(data, provider)
        if provider not in self._session.get_providers():  # the runtime goes on without it
            raise BadInput("model.engine: cuda: ONNX Runtime finds no GPU that it can use")
        self._input = only_input(self._session.get_inputs())
        self._asked = [port.name for port in asked_outputs(self._session.get_outputs())]
        self._takes = takes_of(self._input)
        self._binding = self._session.io_binding()
        self._pinned: dict[tuple[int, ...], Any] = {}
        """of the last shape alone: a worker's batches are of few sizes"""
        self._bound: Picture | None = None

    @property
    def metadata(self) -> dict[str, str]:
        return own_entries(self._session.get_modelmeta().custom_metadata_map)

    @property
    def takes(self) -> Takes:
        return self._takes

    @property
    def gives_energy(self) -> bool:
        return len(self._asked) > 1

    def classify(self, batch: Picture) -> Answers:
        try:
            self._bind(batch)
            for name in self._asked:
                self._binding.bind_output(name, "cpu")
            self._session.run_with_iobinding(self._binding)
            return answers_of(self._binding.copy_outputs_to_cpu())
        except Exception as error:  # the runtime has a type for every kind of failure
            raise ModelError(f"fails: {running_reason(error)}") from None

    def _bind(self, batch: Picture) -> None:
        """Binding copies to the GPU: the picture has to be in place before."""
        memory = _pinned_memory()
        if memory is None:
            self._bound = np.ascontiguousarray(batch)  # what is bound is read in its own place
            self._binding.bind_cpu_input(self._input.name, self._bound)
            return
        if batch.shape not in self._pinned:
            value = ort.OrtValue.ortvalue_from_shape_and_type(
                batch.shape, np.uint8, memory_info=memory
            )
            self._pinned = {batch.shape: value}
        self._pinned[batch.shape].update_inplace(np.ascontiguousarray(batch))
        self._binding.bind_ortvalue_input(self._input.name, self._pinned[batch.shape])


def _pinned_memory() -> Any:
    """What ONNX Runtime calls the memory; None where it has none."""
    kind = ort.OrtDeviceMemoryType.HOST_ACCESSIBLE
    devices = (device for device in ort.get_ep_devices() if device.ep_name == PROVIDER)
    return next((device.memory_info(kind) for device in devices), None)
