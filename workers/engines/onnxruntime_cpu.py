"""ONNX Runtime on one thread of the processor: the default engine."""

from __future__ import annotations

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
from workers.reasons import loading_reason, running_reason

_SILENT = 4
"""Severity of what the runtime logs by itself; its errors come as exceptions anyway."""


class OnnxEngine:
    """One thread: parallelism comes from the number of workers."""

    def __init__(self, data: bytes) -> None:
        """Raises BadInput for a file that is no such model."""
        self._session = session_of(data, "CPUExecutionProvider")
        self._input = only_input(self._session.get_inputs())
        self._asked = [port.name for port in asked_outputs(self._session.get_outputs())]
        self._takes = takes_of(self._input)

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
            return answers_of(self._session.run(self._asked, {self._input.name: batch}))
        except Exception as error:  # the runtime has a type for every kind of failure
            raise ModelError(f"fails: {running_reason(error)}") from None


def session_of(data: bytes, provider: str) -> ort.InferenceSession:
    """On one thread that sleeps while it has nothing to do; without another try on the processor.

    Raises:
        BadInput: for a file that is no such model, and a provider that cannot have it.
    """
    ort.set_default_logger_severity(_SILENT)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(data, options, providers=[provider], enable_fallback=0)
    except Exception as error:  # the runtime has a type for every kind of damage
        raise BadInput(loading_reason(error)) from None
