"""TorchScript programs: turned into ONNX, and run by torch for the comparison.

Such a file says nothing of its input: float pictures with the colours first are taken for granted,
and that size and batch are free; where they are not, running it says so.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from adoption.preprocessing import Size
from line.errors import BadInput
from workers.reasons import torch_reason

_OPSET = 18
_INPUT = "pixels"


@dataclass(frozen=True)
class Program:
    """A loaded program with what runs it; stands in the place of an ONNX Runtime session."""

    module: Any
    torch: Any
    proto: onnx.ModelProto

    @classmethod
    def load(cls, data: bytes, size_px: Size) -> Program:
        """`size_px`: of the picture that it is run on while it is turned into ONNX.

        Raises:
            BadInput: without torch, and for a program that cannot be loaded, run or turned.
        """
        try:
            import torch
        except ImportError:
            raise BadInput("a TorchScript model needs torch, which is not installed") from None
        extra: dict[str, Any] = {"scrapline.json": ""}
        with warnings.catch_warnings():
            # torch calls TorchScript and this way into ONNX deprecated; it has no other one.
            warnings.simplefilter("ignore")
            try:
                module = torch.jit.load(  # type: ignore[no-untyped-call]
                    io.BytesIO(data), map_location="cpu", _extra_files=extra
                ).eval()
            except Exception as error:  # its own types for some kinds of damage
                raise BadInput(f"not a TorchScript model: {torch_reason(error)}") from None
            if extra["scrapline.json"]:
                raise BadInput("is a model of the line already: name it with --model")
            kind = next((p.dtype for p in module.parameters()), torch.float32)
            example = torch.zeros(2, 3, *size_px, dtype=kind)
            content: Any = io.BytesIO()
            try:
                with torch.inference_mode():
                    module(example)
                    torch.onnx.export(
                        module,
                        (example,),
                        content,
                        dynamo=False,
                        opset_version=_OPSET,
                        input_names=[_INPUT],
                        dynamic_axes={_INPUT: {0: "batch", 2: "height", 3: "width"}},
                    )
            except Exception as error:  # whatever the program may raise
                height, width = size_px
                raise BadInput(
                    f"fails on float pictures [2, 3, {height}, {width}], or on its way into ONNX: "
                    f"{torch_reason(error)}"
                ) from None
        return cls(module, torch, onnx.load_model_from_string(content.getvalue()))

    def get_outputs(self) -> Sequence[Any]:
        """Each with a `name`."""
        return list(self.proto.graph.output)

    def run(self, names: None, given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """All outputs for the one input."""
        [numbers] = given.values()
        with self.torch.inference_mode():
            values = self.module(self.torch.from_numpy(numbers))
        every = values if isinstance(values, tuple | list) else [values]
        return [np.asarray(value.numpy()) for value in every]
