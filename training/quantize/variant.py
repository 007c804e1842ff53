"""What can be chosen about eight-bit arithmetic, and in which order it is tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from training.quantize.options import Method

Kind = Literal["u8", "s8"]


@dataclass(frozen=True)
class Variant:
    """One way to put a network into eight bits.

    Activations have a type, a method that finds their range; weights are signed, with a scale per
    output channel or one per layer. `in_float` names the layers that stay as they are; `tuned`
    says that the network was fine-tuned with rounding before.
    """

    activations: Kind = "u8"
    per_channel: bool = True
    method: Method = "minmax"
    in_float: tuple[str, ...] = ()
    tuned: bool = False

    @property
    def name(self) -> str:
        """Types, granularity of weights, method, layers in float: `U8S8 channel minmax`."""
        granularity = "channel" if self.per_channel else "tensor"
        kept = f" {len(self.in_float)} in float" if self.in_float else ""
        tuned = " tuned" if self.tuned else ""
        return f"{self.activations.upper()}S8 {granularity} {self.method}{tuned}{kept}"

    def keeping(self, layers: Sequence[str]) -> Variant:
        """The same with these layers in float."""
        return replace(self, in_float=tuple(layers))


def usual(methods: Sequence[Method], tuned: bool = False) -> list[Variant]:
    """Each method with the types that processors have fast instructions for."""
    return [Variant(method=method, tuned=tuned) for method in methods]


def unusual(methods: Sequence[Method]) -> list[Variant]:
    """What else there is, with the first method: for the table, and for other processors."""
    first = methods[0]
    return [Variant(method=first, per_channel=False), Variant(method=first, activations="s8")]
