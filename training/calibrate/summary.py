"""What a calibration found, and how it reads on a console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from training.calibrate.conformal import ConformalSets, pictures_needed
from training.calibrate.options import CalibrateSettings
from training.evaluate.answers import Answers, Ints
from training.evaluate.model_file import ModelFile
from training.evaluate.risk_coverage import Choice
from training.metrics import percent

NAME_WIDTH = 31


@dataclass(frozen=True)
class Calibration:
    """Everything found on the pictures; `answers` and all that follows from the new file."""

    model: ModelFile
    pictures: int
    temperature: float
    before: dict[str, float]
    after: dict[str, float]
    choice: Choice
    novelty_energy: float | None
    sets: ConformalSets | None
    cautions: tuple[str, ...]
    answers: Answers
    labels: Ints

    @property
    def total_temperature(self) -> float:
        """Relative to the trained network: what the file had already, times what was fitted."""
        return self.model.temperature * self.temperature


def print_calibration(
    found: Calibration, settings: CalibrateSettings, target: Path, sha256: str, console: Console
) -> None:
    """Print the file before and after, the scores, the threshold and the sets."""
    console.print(f"before: {found.model.path} sha256 {found.model.sha256}", markup=False)
    console.print(f"after:  {target} sha256 {sha256}", markup=False)
    for name, value in _lines(found, settings):
        console.print(f"{name:<{NAME_WIDTH}}{value}", markup=False)


def _lines(found: Calibration, settings: CalibrateSettings) -> Iterator[tuple[str, str]]:
    yield "fitted on", f"{found.pictures} pictures of {settings.data}; judge on others"
    names = {"ece": "ECE, 15 bins of equal mass", "nll": "NLL", "brier": "Brier score"}
    for key, name in names.items():
        yield name, f"{found.before[key]:.4f} → {found.after[key]:.4f}"
    yield (
        "temperature",
        f"{found.temperature:.4f}; {found.total_temperature:.4f} from the trained network",
    )
    choice, precision = found.choice, found.choice.precision
    yield (
        f"threshold for precision {settings.precision:g}",
        f"{choice.threshold:.4f}: {precision.right} of {precision.of} right (95% interval "
        f"{precision.low:.4f} to {precision.high:.4f}), coverage {percent(choice.coverage)}",
    )
    if found.novelty_energy is not None:
        yield "novelty, energy above", f"{found.novelty_energy:.4f}; 95% of these pictures are not"
    if found.sets is not None:
        yield from _conformal(found, found.sets)
    for caution in found.cautions:
        yield "caution", caution


def _conformal(found: Calibration, sets: ConformalSets) -> Iterator[tuple[str, str]]:
    classes = sets.classes
    kind = "each class by itself" if sets.kind == "class" else "all classes together"
    needed = pictures_needed(sets.level)
    yield f"conformal sets, level {sets.level:g}", f"{kind}; {needed} pictures needed"
    for name, pictures, least in zip(classes, sets.pictures, sets.least, strict=True):
        yield f"  {name}", f"{pictures} pictures, in the set from probability {least:.4f}"
    members = sets.sets(found.answers.probabilities)
    sizes = members.sum(axis=1)
    held = members[range(len(found.labels)), found.labels].mean()
    yield (
        "  on these pictures",
        f"hold the true class {percent(held)}; mean size {sizes.mean():.2f}, "
        f"one class {percent((sizes == 1).mean())}, none {percent((sizes == 0).mean())}",
    )
