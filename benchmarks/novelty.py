"""What a limit of the energy does beside the threshold: `python -m benchmarks.novelty`.

Both leave items on the belt. Of the known pictures a limit and a higher threshold are made to leave
the same number; then what counts is how many wrong answers each leaves among those it is sure of.
Known pictures lie in class folders, or are drawn; others come from elsewhere, and are wrong where
their folder is none of the model's classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.drift.pools import drawn, photographs
from benchmarks.entry import run
from line.config import load
from line.errors import BadInput
from line.pictures import Picture
from line.section import EngineName
from workers.model import Model

KEPT = (0.99, 0.95, 0.9, 0.8, 0.7, 0.5)
"""Shares of the known pictures over the threshold that stay sure."""
_DRAWN = 600
app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of pictures, [n] each: confidence, energy as a row has it, whether the class is right."""

    title: str
    confidence: NDArray[np.float64]
    energy: NDArray[np.float64]
    right: NDArray[np.bool_]

    def sure(self, threshold: float, limit: float = np.inf) -> NDArray[np.bool_]:
        return (self.confidence >= threshold) & (self.energy <= limit)

    def counts(self, threshold: float, limit: float = np.inf) -> str:
        """`sure, wrong of these`."""
        sure = self.sure(threshold, limit)
        return f"{sure.sum()}, {(sure & ~self.right).sum()}"


@app.command()
def main(
    known: Annotated[Path | None, typer.Option(help="class folders; else items are drawn")] = None,
    others: Annotated[
        list[Path] | None, typer.Option("--other", help="pictures from elsewhere")
    ] = None,
    engine: Annotated[str, typer.Option(help="as model.engine")] = "onnxruntime",
) -> None:
    settings = load(environment={})
    name: EngineName = "openvino" if engine == "openvino" else "onnxruntime"
    model = Model.open(Path(settings.model.path), name)
    threshold, limit = model.default_threshold, model.novelty_energy
    if threshold is None or limit is None:
        raise BadInput(f"{settings.model.path}: names no threshold, or no novelty_energy")
    taken = photographs(known) if known else drawn(settings, range(_DRAWN))
    usual = asked(model, str(known or "drawn"), taken)
    sets = [usual, *(asked(model, str(each), photographs(each)) for each in others or ())]
    print(f"threshold {threshold:.4f}; the file's limit {limit:.4f}")
    print("sure, and wrong of these:\n")
    print("| | pictures | by the threshold | above the limit | of them sure | by both |")
    print("|---|---:|---:|---:|---:|---:|")
    for each in sets:
        above = each.energy > limit
        both = each.counts(threshold, limit)
        print(
            f"| {each.title} | {len(above)} | {each.counts(threshold)} | {above.sum()} "
            f"| {(above & each.sure(threshold)).sum()} | {both} |"
        )
    print("\nby a limit that leaves a share of the known that are sure, and by a threshold that")
    print("leaves as many:\n")
    print(
        "| share | limit | threshold |" + "".join(f" {s.title}: limit | threshold |" for s in sets)
    )
    print("|---|---:|---:|" + "---:|---:|" * len(sets))
    for share in KEPT:
        own_limit, own_threshold = as_many(usual, threshold, share)
        cells = (f" {s.counts(threshold, own_limit)} | {s.counts(own_threshold)} |" for s in sets)
        print(f"| {share:.0%} | {own_limit:.4f} | {own_threshold:.4f} |" + "".join(cells))


def asked(model: Model, title: str, taken: Iterable[tuple[str, Picture]]) -> Asked:
    """The model's answers."""
    confidences, rounded, right = [], [], []
    for truth, picture in taken:
        (answer,), energies = model.answers(picture[np.newaxis])
        assert energies is not None
        best = int(answer.argmax())
        confidences.append(float(answer[best]))
        rounded.append(round(float(energies[0]), 4))
        right.append(model.facts.classes[best] == truth)
    return Asked(Path(title).name, np.array(confidences), np.array(rounded), np.array(right))


def as_many(usual: Asked, threshold: float, share: float) -> tuple[float, float]:
    """A limit, and a threshold, either of which leaves so many of the sure pictures sure."""
    sure = usual.sure(threshold)
    count = max(1, round(share * int(sure.sum())))
    limit = float(np.sort(usual.energy[sure])[count - 1])
    left = int(usual.sure(threshold, limit).sum())
    return limit, float(np.sort(usual.confidence[sure])[::-1][left - 1])


if __name__ == "__main__":
    run(app)
