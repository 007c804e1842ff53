"""A folder of photographs as a belt: recorded once, and what a model sees in the recording."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.line_run import run_line
from line.config import ROOT
from line.errors import StageDied
from line.pictures import Picture
from line.run_files.review_file import ReviewFile
from producers.sources.recording import RecordingSource
from training.evaluate.answers import Way, joined
from training.evaluate.model_file import ModelFile
from training.folders import read_folder
from training.pictures import read_pixels
from training.refit.head import Seen
from training.refit.mirrors import MIRRORS

_ANY_ITEM = (
    *("review.margin=1", "review.per_class_max=100000", "review.per_minute_max=100000"),
    "review.near_duplicate_bits=0",
)
"""A line queues what is doubtful, and not too much of it: here any item may be asked for."""


@dataclass(frozen=True)
class Belt:
    """Recorded items: their names, what they are, and the photograph that each was cut from."""

    run: Path
    items: tuple[str, ...]
    true: tuple[str, ...]
    photographs: NDArray[np.str_]

    @classmethod
    def recorded(cls, pictures: Path, model: Path, run: Path) -> Belt:
        """Run the line over every picture of a folder of class folders. Raises StageDied."""
        options = [f"--source={pictures}", f"--model={model}", "--speed=max", "--record"]
        run_line(run, [*options, *(f"--set={each}" for each in _ANY_ITEM)])
        return cls.of(run)

    @classmethod
    def of(cls, run: Path) -> Belt:
        """What was recorded. `NAME_0.jpg` and `NAME_1.jpg` are of one photograph."""
        rows = pd.read_csv(run / "results.csv")
        items = sorted(rows["frame_id"].astype(str), key=_key)
        with closing(RecordingSource(run)) as recording:
            facts = [recording.facts(*_key(item)) for item in items]
        return cls(
            run,
            tuple(items),
            tuple(str(each.true_class) for each in facts),
            np.array([Path(each.origin).stem.rpartition("_")[0] for each in facts]),
        )

    def seen_by(self, model: ModelFile) -> Seen:
        """The recorded pictures, as a model sees them, and their mirror images."""
        labels = [model.classes.index(name) for name in self.true]
        with closing(RecordingSource(self.run)) as recording:
            shown = (recording.picture(*_key(item)) for item in self.items)
            return _seen(model, shown, labels, MIRRORS, 1.0)

    def label(self, chosen: Iterable[int]) -> None:
        """As a person would in the review queue."""
        with ReviewFile(self.run / "review") as queue:
            for index in chosen:
                queue.label(self.items[index], self.true[index], "benchmark")

    def right_in(self, run: Path) -> NDArray[np.bool_]:
        """Of which items the model of a run that fed them said what they are."""
        rows = pd.read_csv(run / "results.csv").set_index("frame_id")["predicted_class"]
        return np.array(rows.reindex(list(self.items)) == np.array(self.true))


def _key(item: str) -> tuple[int, int]:
    """Camera and sequence."""
    camera, _, seq = item.partition("-")
    return int(camera), int(seq)


def seen_in_folder(model: ModelFile, folder: Path, weight: float) -> Seen:
    """The pictures of a folder of class folders, as a model sees them."""
    found = read_folder(folder, model.classes)
    shown = (read_pixels(found.root / path) for path in found.paths)
    return _seen(model, shown, found.labels, (Way(),), weight)


def _seen(
    model: ModelFile,
    pictures: Iterable[Picture],
    labels: Sequence[int],
    ways: Sequence[Way],
    weight: float,
) -> Seen:
    answers = zip(*([way.ask(model, each) for way in ways] for each in pictures), strict=True)
    return Seen.of([joined(rows) for rows in answers], np.array(labels, np.int64), weight)


def learn(run: Path, old_data: Path | None, out: Path) -> float:
    """The command, as a user gives it; how long it took, s. Raises StageDied."""
    old = [] if old_data is None else ["--old-data", str(old_data)]
    words = [sys.executable, str(ROOT / "run_line.py"), "learn", str(run), "--out", str(out), *old]
    began = monotonic()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageDied(f"learn ended with status {done.returncode}: {done.stderr.strip()}")
    return monotonic() - began
