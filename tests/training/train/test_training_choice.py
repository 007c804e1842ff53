"""Which epoch is the best one: with uneven classes not the one that forgets the rare ones."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from rich.console import Console
from small_runs import small_run, write_pictures

from training.metrics import Confusion, never_right_line
from training.train.epoch_choice import EpochChoice
from training.train.fit import fit

ROWS = [
    {"epoch": 1.0, "val_accuracy": 0.7, "val_balanced": 0.8},
    {"epoch": 2.0, "val_accuracy": 0.9, "val_balanced": 0.5},
    {"epoch": 3.0, "val_accuracy": 0.9, "val_balanced": 0.5},
]


def test_even_classes_are_judged_by_accuracy() -> None:
    choice = EpochChoice.of([0] * 9 + [1], ["a", "b"])
    assert (choice.figure, choice.why) == ("accuracy", None)
    assert choice.best_epoch(ROWS) == 3, "the later of two equals"
    assert choice.best(ROWS) == 0.9
    assert choice.stands_still(ROWS, patience_epochs=1)
    assert not choice.stands_still(ROWS, patience_epochs=2)
    assert not choice.stands_still(ROWS, patience_epochs=0)


def test_uneven_classes_are_judged_by_balanced_accuracy() -> None:
    choice = EpochChoice.of([0] * 1000 + [1] * 2, ["plastic", "glass"])
    assert choice.figure == "balanced accuracy"
    assert choice.why is not None
    assert "2 of glass to 1000 of plastic" in choice.why
    assert choice.best_epoch(ROWS) == 1
    assert choice.best(ROWS) == 0.8
    assert choice.stands_still(ROWS, patience_epochs=2)
    older = [{"epoch": 1.0, "val_accuracy": 0.6}]
    assert choice.best(older) == 0.6
    assert choice.best([]) == 0.0


def test_balanced_accuracy_and_classes_that_are_never_recognised() -> None:
    true, predicted = np.array([0] * 8 + [1, 1]), np.array([0] * 10)
    confusion = Confusion.of(("plastic", "glass", "foam"), true, predicted)
    assert confusion.accuracy == 0.8
    assert confusion.balanced_accuracy == 0.5
    line = never_right_line(confusion.per_class(), "on val")
    assert line == "warning: on val not one picture is recognised of glass (2 pictures)"
    good = Confusion.of(("a", "b"), np.array([0, 1]), np.array([0, 1]))
    assert never_right_line(good.per_class(), "on val") is None


def test_a_run_of_uneven_classes_says_how_it_chooses(tmp_path: Path) -> None:
    for part, many in (("train", 20), ("val", 3)):
        write_pictures(tmp_path / part, many, ("brown",))
        write_pictures(tmp_path / part, 2, ("green",))
    with (tmp_path / "log").open("w") as log:
        settings = small_run(tmp_path, tmp_path / "run", epochs=2)
        said = fit(settings, Console(file=log, soft_wrap=True))
    assert "2 of green to 20 of brown" in (tmp_path / "log").read_text()
    with (tmp_path / "run/history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    best = max(float(row["val_balanced"]) for row in rows)
    assert said.startswith(f"best balanced accuracy on val {best:.4f}; not clean: val chose")
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics["chosen_by"] == "balanced accuracy"
    assert metrics["val"]["macro"]["recall"] == pytest.approx(best)
