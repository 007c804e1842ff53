"""What a model file promises, whoever made it and whoever runs it.

    input   `image`          uint8   [batch, height, width, 3]   RGB, any size
    output  `probabilities`  float32 [batch, classes]            each row sums to 1
    output  `embedding`      float32 [batch, features]           what enters the head
    output  `energy`         float32 [batch]                     the higher, the stranger

`probabilities` comes first, and is all that a line needs and TorchScript gives; a line asks for the
energy as well, where a file gives it. The embedding of a dense head is the input of its first
linear layer. The energy is −ln Σ exp(logit) of the network's own logits, which no temperature has
divided.

The file resizes and normalises by itself. Beside the graph it carries the facts below, as strings,
in the ONNX metadata or in TorchScript's extra file `scrapline.json`. Commands add to those of an
ONNX file:

    scrapline.parity          JSON: how it differs from the trained network, on how many pictures
    scrapline.novelty_energy  energy that 95% of the pictures it was calibrated on do not exceed

and `calibrate` more that concerns the probabilities alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

FORMAT = "1"
INPUT = "image"
OUTPUT = "probabilities"
EMBEDDING = "embedding"
ENERGY = "energy"
EXTRA_FILE = "scrapline.json"


@dataclass(frozen=True)
class FileFacts:
    """Facts that travel inside a model file. `size_px` is (height, width) of the network's view."""

    classes: tuple[str, ...]
    size_px: tuple[int, int]
    backbone: str
    provenance: str
    threshold: float
    temperature: float = 1.0

    def as_strings(self) -> dict[str, str]:
        """Key → string, as both file formats store them; stamped with the time of the call."""
        return {
            "scrapline.format": FORMAT,
            "scrapline.classes": json.dumps(list(self.classes), ensure_ascii=False),
            "scrapline.size": json.dumps(list(self.size_px)),
            "scrapline.temperature": str(self.temperature),
            "scrapline.threshold": str(self.threshold),
            "scrapline.backbone": self.backbone,
            "scrapline.provenance": self.provenance,
            "scrapline.created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
