"""From a checkpoint: the trained network, and the facts that go into its model files."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from training import backbone
from training.checkpoint import Checkpoint
from training.export.contract import ModelFacts


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


def facts_of(checkpoint: Checkpoint, options: FileOptions) -> ModelFacts:
    """The checkpoint's facts; a size of 0 is the one it was trained at."""
    trained = checkpoint.train_settings()
    return ModelFacts(
        classes=checkpoint.classes,
        size_px=(options.height_px or trained.size_px, options.width_px or trained.size_px),
        backbone=trained.backbone,
        provenance=options.provenance
        or f"Trained on {trained.data.name} from weights {Path(trained.weights).name}.",
        threshold=options.threshold,
    )
