"""Labels from the review queue of a run whose source knows no classes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commands.inputs.scored_labels import scored_labels
from line.config import load
from line.model.facts import ModelFacts
from line.promise.label_file import ScoredLabel
from line.run_files.review_file import ReviewFile
from line.run_files.review_rules import is_drawn
from line.settings import Settings
from tests.made_run import CLASSES, make_run, waiting
from tests.sinks.test_csv_log import outcome

FACTS = ModelFacts(path="tiny.onnx", sha256="ab" * 32, classes=CLASSES)
ITEMS = 40


@pytest.fixture
def settings() -> Settings:
    return load(options=[("review.random_share", 0.5)], environment={})


@pytest.fixture
def run(tmp_path: Path, settings: Settings) -> Path:
    """A run of unknown classes; items 1 to 6 wait for a label, 3 is of another model."""
    rows = [
        outcome(n, true_class=None, model="cd" * 6 if n == 3 else FACTS.short_hash)
        for n in range(ITEMS)
    ]
    folder = make_run(tmp_path / "run", rows=rows)
    (folder / "settings.json").write_text(settings.model_dump_json())
    return folder


def labels_of(run: Path, settings: Settings) -> tuple[list[ScoredLabel], list[str]]:
    said: list[str] = []
    model: Any = SimpleNamespace(facts=FACTS)
    return list(scored_labels(run, settings, model, said.append)), said


def test_without_a_label_that_counts_the_command_says_which_do(
    run: Path, settings: Settings
) -> None:
    drawn = [n for n in range(1, 7) if is_drawn(f"0-{n}", settings.review, settings.line.seed)]
    others = [n for n in range(ITEMS) if n not in drawn]
    with ReviewFile(run / "review") as file:
        for seq in others:
            file.label(f"0-{seq}", "glass", "me")
    labels, said = labels_of(run, settings)
    assert labels == []
    assert f"{len(drawn)} of {len(drawn)} items that were drawn for review have no label" in said[0]
    assert "review.random_share" in said[1]


def test_labels_of_items_that_were_drawn_by_lot_count_with_the_answer_of_the_row(
    run: Path, settings: Settings
) -> None:
    drawn = [n for n in range(1, 7) if is_drawn(f"0-{n}", settings.review, settings.line.seed)]
    with ReviewFile(run / "review") as file:
        for seq in drawn:
            file.label(f"0-{seq}", "metal", "me")
        file.label(f"0-{drawn[0]}", "glass", "me")
    labels, said = labels_of(run, settings)
    own = [n for n in drawn if n != 3]
    assert len(own) > 1
    assert [label.source for label in labels] == [f"run/0-{n}" for n in own]
    assert [label.true_class for label in labels] == [
        "glass" if n == drawn[0] else "metal" for n in own
    ]
    assert {label.confidence for label in labels} == {0.9}, "of the row, not of the queue"
    assert waiting(1).confidence != 0.9
    assert any("other models" in text for text in said) == (3 in drawn)
