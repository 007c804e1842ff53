"""What changes for a set of few pictures: said before training, and no end of the pipeline."""

from __future__ import annotations

from pathlib import Path

from training.calibrate.options import CalibrateSettings
from training.calibrate.promise import too_few
from training.folders import read_folder


def too_few_to_calibrate(part: Path, wanted: CalibrateSettings) -> list[str]:
    """What there are too few pictures for when the model is calibrated, in lines."""
    lines = [
        f"{part}: {line}"
        for line in too_few(len(read_folder(part)), wanted.precision, wanted.coverage)
    ]
    if lines:
        lines.append("the best threshold there is will be used; model, card and report will say so")
    return lines


def smaller_batch(part: Path, batch: int) -> int | None:
    """The largest power of two that the training pictures fill, where they do not fill `batch`."""
    pictures = len(read_folder(part))
    return None if pictures >= batch else 2 ** (pictures.bit_length() - 1)
