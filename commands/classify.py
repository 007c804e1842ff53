"""`run_line.py classify`: classify pictures without a line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from commands.options import (
    AsJson,
    Config,
    ModelFile,
    NoveltyEnergy,
    Threshold,
    number_or_word,
)
from commands.printing import err, out
from commands.run_setup.settings import decided, load_model, settings_of
from line.errors import BadInput
from line.plain_text import plain


def classify(
    paths: Annotated[list[Path], typer.Argument(help="pictures, or folders of pictures")],
    top: Annotated[int, typer.Option(min=1, help="classes to show")] = 3,
    threshold: Threshold = None,
    novelty_energy: NoveltyEnergy = None,
    model: ModelFile = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Classify pictures without a line: the best classes, and whether the model is sure."""
    from workers import classify as files
    from workers.classify import print_answers

    options: dict[str, object | None] = {
        "model.path": None if model is None else str(model),
        "decision.threshold": threshold,
        "decision.novelty_energy": number_or_word(novelty_energy),
    }
    settings = settings_of(config, None, options, None)
    loaded = load_model(settings)
    settings = decided(settings, loaded)
    assert settings.decision.threshold != "model"
    limit = settings.decision.novelty_energy
    answers = files.classify(
        loaded,
        files.picture_files(paths, lambda text: err.print(plain(text), soft_wrap=True)),
        settings.decision.threshold,
        settings.source.max_megapixels * 1e6,
        settings.source.max_file_mb * 1e6,
        settings.decision.thresholds_of(loaded.facts.short_hash),
        math.inf if isinstance(limit, str) else limit,
    )
    unanswered = print_answers(list(answers), top, as_json, out, err)
    if unanswered:
        raise BadInput(f"{unanswered} of the files have no answer")
