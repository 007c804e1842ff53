"""Write the TorchScript file: same input, same output, same facts as the ONNX file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import nn

from training.export.contract import EXTRA_FILE, ModelFacts
from training.export.served import ServedModel


def write_torchscript(model: nn.Module, facts: ModelFacts, path: Path) -> None:
    """Trace the served model, freeze it (batch norm folds into the convolutions) and save it."""
    served = ServedModel(model, facts.size_px).eval()
    example = torch.zeros(2, *facts.size_px, 3, dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.inference_mode():
        # torch calls TorchScript deprecated; here it is a format that users ask for by name.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(served, example)  # type: ignore[no-untyped-call]
        scripted = torch.jit.freeze(traced)
        extra = {EXTRA_FILE: json.dumps(facts.as_strings(), ensure_ascii=False)}
        torch.jit.save(scripted, str(path), _extra_files=extra)
