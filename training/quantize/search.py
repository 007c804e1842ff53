"""Try variants on a network; leave layers in float where that is what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from rich.console import Console

from training.export.contract import FileFacts
from training.export.onnx_file import served_model
from training.quantize.range_pictures import Pixels
from training.quantize.static import Quantiser
from training.quantize.table import Judged, judge_model
from training.quantize.variant import Variant


@dataclass(frozen=True)
class Tried:
    """A variant, the model it gave and what that model is worth."""

    variant: Variant
    model: onnx.ModelProto
    judged: Judged


@dataclass(frozen=True)
class Search:
    """What every trial shares: pictures that set the ranges, pictures to judge by, the target.

    `float32` is what the unrounded network is worth; a variant may cost `max_drop` of its accuracy.
    """

    facts: FileFacts
    ranges_from: Pixels
    pictures: Pixels
    labels: NDArray[np.int64]
    float32: Judged
    max_drop: float
    console: Console

    def on(
        self, bare: onnx.ModelProto, variants: Sequence[Variant], float_layers: int = 0
    ) -> list[Tried]:
        """Try each on a bare network; layers go to float only where none keeps within the drop."""
        with Quantiser(bare, self.facts.size_px, self.ranges_from) as quantiser:
            tried = [self.attempt(quantiser, variant) for variant in variants]
            if float_layers and not self.good(tried):
                best = min(tried, key=lambda one: one.judged.nll)
                tried += self._fewer_layers(quantiser, best.variant, float_layers)
        return tried

    def good(self, tried: Sequence[Tried]) -> list[Tried]:
        """Those that cost no more accuracy than allowed, to within rounding."""
        least = self.float32.accuracy - self.max_drop - 1e-9
        return [one for one in tried if one.judged.is_finite and one.judged.accuracy >= least]

    def attempt(self, quantiser: Quantiser, variant: Variant) -> Tried:
        """Quantise, and judge by all pictures."""
        model = served_model(quantiser.quantised(variant), self.facts)
        judged = judge_model(model, self.pictures, self.labels)
        said = (
            f"accuracy {judged.accuracy:.4f}, loss {judged.nll:.4f}, another class than the "
            f"network's on {judged.other_top(self.float32)} of {len(self.labels)}"
            if judged.is_finite
            else "answers that are not numbers"
        )
        self.console.print(f"{variant.name}: {said}")
        return Tried(variant, model, judged)

    def _fewer_layers(
        self, quantiser: Quantiser, variant: Variant, float_layers: int
    ) -> list[Tried]:
        """With 1, 2, 4, … layers in float, the noisiest first, until one is good."""
        noisiest = quantiser.noisiest_first(variant)
        tried: list[Tried] = []
        kept = 1
        while kept <= float_layers and not self.good(tried):
            tried.append(self.attempt(quantiser, variant.keeping(noisiest[:kept])))
            kept *= 2
        return tried
