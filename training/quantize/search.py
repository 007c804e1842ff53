"""Try the variants; where none is good enough, leave the layers in float that suffer most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from training.export.contract import ModelFacts
from training.export.onnx_file import served_model
from training.options.quantize import Method
from training.quantize.judge import Judged, judge_model
from training.quantize.static import Pixels, Quantiser
from training.quantize.variant import Variant, unusual, usual

# Pictures on which the layers are ranked: the order needs fewer than a judgement.
RANKED_ON = 32


@dataclass(frozen=True)
class Tried:
    """A variant, the model it gave and what that model is worth."""

    variant: Variant
    model: onnx.ModelProto
    judged: Judged


@dataclass(frozen=True)
class Search:
    """What every trial shares: network, facts, pictures to judge by, the float answers to them."""

    quantiser: Quantiser
    facts: ModelFacts
    pictures: Pixels
    labels: NDArray[np.int64]
    float32: Judged
    console: Console

    def run(self, methods: Sequence[Method], max_drop: float, float_layers: int) -> list[Tried]:
        """All that was tried, in order. Layers go to float while nothing keeps within the drop."""
        tried = [self._try(variant) for variant in usual(methods)]
        best = min(tried, key=lambda one: one.judged.nll)
        tried += [self._try(variant) for variant in unusual(methods)]
        kept = 1
        while not any(self.keeps(one, max_drop) for one in tried) and kept <= float_layers:
            if kept == 1:
                ranked = self._most_harmed(best.variant)
            tried.append(self._try(best.variant.keeping(ranked[:kept])))
            kept *= 2
        return tried

    def keeps(self, tried: Tried, max_drop: float) -> bool:
        """Whether a variant costs no more accuracy than allowed, to within rounding."""
        return self.float32.accuracy - tried.judged.accuracy <= max_drop + 1e-9

    def _try(self, variant: Variant) -> Tried:
        model = served_model(self.quantiser.quantised(variant), self.facts)
        judged = judge_model(model, self.pictures, self.labels)
        self.console.print(f"{variant.name}: accuracy {judged.accuracy:.4f}, loss {judged.nll:.4f}")
        return Tried(variant, model, judged)

    def _most_harmed(self, variant: Variant) -> list[str]:
        """Layers, first the one that brings the answers closest to float's when left in float."""
        chosen = np.linspace(0, len(self.pictures) - 1, RANKED_ON).astype(int)
        pictures, labels = self.pictures[chosen], self.labels[chosen]
        wanted = self.float32.probabilities[chosen]

        def distance(layer: str) -> float:
            model = served_model(self.quantiser.quantised(variant.keeping([layer])), self.facts)
            return divergence(wanted, judge_model(model, pictures, labels).probabilities)

        return ranked_by(distance, self.quantiser.layers(), self.console)


def ranked_by(distance: Callable[[str], float], layers: list[str], console: Console) -> list[str]:
    """Layers from the least distance to the greatest."""
    found = track(layers, "ranking layers", console=console, transient=True)
    distances = {layer: distance(layer) for layer in found}
    return sorted(distances, key=distances.__getitem__)


def divergence(wanted: NDArray[np.float32], given: NDArray[np.float32]) -> float:
    """Mean Kullback-Leibler divergence of answers `[n, classes]`, in nats."""
    tiny = np.finfo(np.float32).tiny
    logarithms = np.log(np.maximum(wanted, tiny)) - np.log(np.maximum(given, tiny))
    return float((wanted * logarithms).sum(axis=1).mean())
