"""TorchScript models: the fallback where torch is installed and there is no ONNX file."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from line.errors import BadInput, ModelError
from line.pictures import Picture
from workers.engine import ANY, Answers
from workers.reasons import torch_reason


class TorchScriptEngine:
    """Runs a TorchScript program on one thread. Such a file says nothing of what it takes."""

    takes = ANY
    gives_energy = False

    def __init__(self, data: bytes) -> None:
        """Raises BadInput without torch and for a file that is no such model."""
        try:
            import torch
        except ImportError:
            raise BadInput("a TorchScript model needs torch, which is not installed") from None

        torch.set_num_threads(1)
        extra: dict[str, Any] = {"scrapline.json": ""}
        try:
            self._module = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(data), map_location="cpu", _extra_files=extra
            ).eval()
        except Exception as error:  # its own types for some kinds of damage
            raise BadInput(f"not a TorchScript model: {torch_reason(error)}") from None
        self._metadata = _metadata(extra["scrapline.json"])
        self._torch = torch

    @property
    def metadata(self) -> dict[str, str]:
        return {key.removeprefix("scrapline."): value for key, value in self._metadata.items()}

    def classify(self, batch: Picture) -> Answers:
        try:
            with self._torch.inference_mode():
                given = self._module(self._torch.from_numpy(np.array(batch)))
            first = given[0] if isinstance(given, tuple | list) else given
            return Answers(np.asarray(first.float().numpy(), np.float32))
        except Exception as error:  # whatever the program may raise
            raise ModelError(f"fails: {torch_reason(error)}") from None


def _metadata(text: bytes | str) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(text or "{}").items()}
    except (ValueError, AttributeError, RecursionError):
        raise BadInput("scrapline.json inside the file is not a JSON object") from None
