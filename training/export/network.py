"""From a checkpoint: the network, the facts for its model files, and the TorchScript file."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from training import backbone
from training.checkpoint import Checkpoint
from training.export.contract import EXTRA_FILE, FileFacts
from training.export.served import ServedModel


class FileOptions(Protocol):
    """What a command that writes model files is told about them."""

    @property
    def height_px(self) -> int: ...
    @property
    def width_px(self) -> int: ...
    @property
    def threshold(self) -> float: ...
    @property
    def provenance(self) -> str: ...


def load_network(checkpoint: Checkpoint, source: Path) -> backbone.Network:
    """The network with its averaged weights, ready to answer. BadInput if they do not fit it."""
    network = backbone.build(checkpoint.train_settings(), len(checkpoint.classes))
    backbone.restore(network, checkpoint.weights, source)
    network.model.eval()
    return network


def facts_of(checkpoint: Checkpoint, options: FileOptions) -> FileFacts:
    """The checkpoint's facts; a size of 0 is the one it was trained at."""
    trained = checkpoint.train_settings()
    return FileFacts(
        classes=checkpoint.classes,
        size_px=(options.height_px or trained.size_px, options.width_px or trained.size_px),
        backbone=trained.backbone,
        provenance=options.provenance
        or f"Trained on {trained.data.name} from weights {Path(trained.weights).name}.",
        threshold=options.threshold,
    )


def torchscript_of(model: nn.Module, facts: FileFacts) -> bytes:
    """A file's content: the served model, traced and frozen (batch norm folds into the layers)."""
    served = ServedModel(model, facts.size_px).eval()
    example = torch.zeros(2, *facts.size_px, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.inference_mode():
        # torch calls TorchScript deprecated; here it is a format that users ask for by name.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(served, example)  # type: ignore[no-untyped-call]
        scripted = torch.jit.freeze(traced)
        extra = {EXTRA_FILE: json.dumps(facts.as_strings(), ensure_ascii=False)}
        content = io.BytesIO()
        torch.jit.save(scripted, content, _extra_files=extra)
    return content.getvalue()
