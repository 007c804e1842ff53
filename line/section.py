"""What all tables of the configuration have in common, and the names that they use."""

from __future__ import annotations

from os.path import expanduser
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Role = Literal["dispatcher", "worker", "camera", "sink"]
LOG = "csv_log"
"""The sink that a frame waits for: what it has written is the truth."""
SINKS = (LOG, "alerts", "active_learning", "postgres", "mqtt")
"""All sink processes that there are; which of them a run has: `Settings.sinks`."""
SWITCHES = {"active_learning": "review", "postgres": "postgres", "mqtt": "mqtt"}
"""Sink → the table of the settings whose `enabled` says if it is started; others always are."""
PLANT_SINKS = ("postgres", "mqtt")
"""Those that take rows out of the run folder. They end last: they read what the others write."""

EngineName = Literal["onnxruntime", "openvino", "cuda"]
"""What runs an ONNX file. TorchScript is run by torch, whatever the engine is called."""
DEFAULT_ENGINE: EngineName = "onnxruntime"
SHORT_HASH = r"[0-9a-f]{12}(?:-[a-z]{1,20})?"
"""How rows name a model: then its engine, where that is not the default."""

Fraction = Annotated[float, Field(ge=0, le=1)]
PathText = Annotated[str, AfterValidator(expanduser)]
"""A path, which may begin with `~`."""


class Section(BaseModel):
    """A table of the configuration: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
