"""Scored labels, from wherever labels are: class folders, runs, files that were made before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from commands.printing import shown
from line.errors import BadInput
from line.promise.label_file import ScoredLabel, read_labels
from line.promise.threshold import DIGITS
from line.run_files.results import FILE as RESULTS
from line.run_files.review_rules import is_drawn
from line.run_files.said_labels import queued_answers
from line.settings import Settings
from line.supervise.resume import remember
from producers.sources.picture_list import list_pictures
from reports.results import ResultsFile
from workers.classify import Unanswered, classify
from workers.model import Model

Say = Callable[[str], None]


def scored_labels(path: Path, settings: Settings, model: Model, say: Say) -> Iterator[ScoredLabel]:
    """Labels of one source, of `model` alone but for those in a file. `say` hears what is left out.

    Raises:
        BadInput: there is nothing of the kind at `path`.
    """
    if path.is_file():
        yield from read_labels(path)
    elif (path / RESULTS).is_file():
        yield from _of_run(path, model.facts.short_hash, say)
    elif path.is_dir():
        yield from _of_folder(path, settings, model, say)
    else:
        raise BadInput(f"{path}: no such file or folder")


def _of_folder(path: Path, settings: Settings, model: Model, say: Say) -> Iterator[ScoredLabel]:
    """The model is asked about every picture, as it lies there."""
    listed = list_pictures(path, settings.source.max_items)
    if listed.classes is None:
        raise BadInput(f"{path}: has no class folders; the names of folders are the labels")
    strange = sorted(set(listed.classes) - set(model.facts.classes))
    if strange:
        known = ", ".join(model.facts.classes)
        raise BadInput(f"{path}: {strange[0]!r} is not a class of the model ({known})")
    files = [path / each for each in listed.paths]
    limits = settings.source.max_megapixels * 1e6, settings.source.max_file_mb * 1e6
    for inside, answer in zip(listed.paths, classify(model, files, 0.0, *limits), strict=True):
        if isinstance(answer, Unanswered):
            say(answer.reason)
            continue
        name, confidence = answer.ranking[0]
        yield ScoredLabel(
            model=model.facts.short_hash,
            predicted_class=name,
            confidence=round(float(confidence), DIGITS),
            true_class=Path(inside).parts[0],
            source=str(path.absolute() / inside),
        )


def _of_run(path: Path, model: str, say: Say) -> Iterator[ScoredLabel]:
    """Items whose class the source knew; of the others those that were drawn for review by lot.

    What else is in the review queue is there because the model was in doubt: a sample of that says
    little of what the model is sure of. Nor do items that somebody has picked out.
    """
    settings, _ = remember(path)
    review, seed = settings.review, settings.line.seed
    drawn = [
        each for each in queued_answers(path / "review") if is_drawn(each.frame_id, review, seed)
    ]
    labels = {each.frame_id: each.label for each in drawn if each.label is not None}
    run = path.resolve().name
    found = others = 0
    for rows in ResultsFile(path / RESULTS):
        said = rows["true_class"].astype(object)
        said = said.where(said.notna(), rows["frame_id"].map(labels))
        counts = (rows["predicted_class"].notna() & said.notna()).to_numpy(np.bool_)
        is_own = (rows["model"] == model).to_numpy(np.bool_)
        others += int((counts & ~is_own).sum())
        found += int((counts & is_own).sum())
        chosen = rows[counts & is_own]
        for frame_id, predicted, confidence, truth in zip(
            chosen["frame_id"],
            chosen["predicted_class"],
            chosen["confidence"],
            said[chosen.index],
            strict=True,
        ):
            yield ScoredLabel(model, predicted, confidence, truth, f"{run}/{frame_id}")
    waiting = len(drawn) - len(labels)
    if waiting and not found > len(labels):
        say(
            f"{shown(path)}: {waiting} of {len(drawn)} items that were drawn for review have no "
            "label yet; without the hard ones too much is promised"
        )
    if others:
        say(f"{shown(path)}: {others} items that other models answered for are left out")
    if not found:
        say(
            f"{shown(path)}: has no label that counts; those of items that were drawn for review "
            "by lot do (review.random_share)"
        )
