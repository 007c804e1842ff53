"""From a classifier made elsewhere to the content of a file of the line, compared with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from adoption import check
from adoption.answer_output import AnswerOutput, find_answer
from adoption.assumptions import Assumptions, Row, Wishes, assume
from adoption.calibration import Calibration, calibrate
from adoption.candidate import Candidate
from adoption.class_map import sums
from adoption.conventions import Convention, Told
from adoption.foreign_model import ForeignModel
from adoption.reference import Reference, prepared
from line.errors import BadInput
from line.plain_text import plain

THRESHOLD = 0.6
"""Until somebody calibrates: the trainer's own."""
KEY = "scrapline.adopted"
"""The entry that only adopted files have."""


@dataclass(frozen=True)
class Adopted:
    """`content`: of the file to write; the rest is to be told."""

    content: bytes
    rows: list[Row]
    notes: list[str]
    checked_on: str
    parity: check.Parity
    accuracies: check.Accuracies | None
    calibration: Calibration | None


def adopt(
    model: ForeignModel,
    convention: Convention,
    licence: Told[str],
    source: Told[str],
    wishes: Wishes,
) -> Adopted:
    """Raises BadInput for what cannot be adopted, and answers that differ from the original's."""
    where = plain(str(model.path))
    reference = Reference.load(model)
    assumed = assume(model, convention, wishes)
    way, size_px = assumed.way, assumed.size_px.value
    outputs, names = assumed.names.value, assumed.bins
    given = [reference.run(prepared(shown.picture, way, size_px)) for shown in check.drawn()]
    try:
        answer = find_answer(model.proto.graph, given, model.batch or 1, len(outputs) or None)
        if assumed.table:
            answer = replace(answer, sums=sums(outputs, assumed.table))
        file = Candidate.of(model, answer, assumed)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None

    asked, checked_on = _asked(wishes, names), str(wishes.check or "drawn pictures")
    parity = check.compare(asked(), file.look_inside(model), reference, answer, way, size_px)
    ways = check.ways_to_compare(way, levels_alone=model.element == TensorProto.UINT8)
    accuracies = check.accuracies(asked(), reference, answer, ways, size_px)
    calibration = _calibrate(file, names, wishes) if wishes.calibrate is not None else None
    facts = _facts(model, assumed, licence, source, parity, calibration)
    return Adopted(
        content=file.content(facts),
        rows=[*assumed.rows, *_rows(model, answer, file, calibration, licence, source)],
        notes=[*convention.notes, *(f"the model {doubt}" for doubt in file.found.doubts)],
        checked_on=checked_on,
        parity=parity,
        accuracies=accuracies,
        calibration=calibration,
    )


def _asked(wishes: Wishes, names: tuple[str, ...]) -> Callable[[], Iterable[check.NamedPicture]]:
    """Gives the pictures to check on, one after another: all of them may be larger than memory."""
    if wishes.check is None:
        return check.drawn
    paths = check.paths_below(wishes.check, "--check", check.MOST_COMPARED)
    return lambda: check.read_all(paths, names, wishes.max_pixels)


def _calibrate(file: Candidate, names: tuple[str, ...], wishes: Wishes) -> Calibration:
    """Leaves the temperature in the file."""
    folder = wishes.calibrate
    assert folder is not None
    paths, labels = check.labelled_paths(folder, names, "--calibrate")

    def answers_at(temperature: float) -> NDArray[np.float64]:
        file.set_temperature(temperature)
        asked = check.read_all(paths, names, wishes.max_pixels)
        return np.array([file.ask(entry.picture) for entry in asked], np.float64)

    try:
        return calibrate(answers_at, labels)
    except BadInput as error:
        raise BadInput(f"--calibrate {plain(str(folder))}: {error}") from None


def _facts(
    model: ForeignModel,
    assumed: Assumptions,
    licence: Told[str],
    source: Told[str],
    parity: check.Parity,
    calibration: Calibration | None,
) -> dict[str, str]:
    """The entries of the file: those of the trainer's files, and where it comes from."""
    facts = {
        "format": "1",
        "classes": json.dumps(assumed.bins, ensure_ascii=False),
        "size": json.dumps(assumed.size_px.value),
        "temperature": "1.0",
        "threshold": str(THRESHOLD),
        "backbone": model.path.stem,
        "provenance": f"Adopted from {model.path.name}. Source: {source.value}. "
        f"Licence: {licence.value}.",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "licence": licence.value,
        "source": source.value,
        "parity": json.dumps(asdict(parity)),
    }
    record: dict[str, object] = {
        "file": model.path.name,
        "sha256": model.sha256,
        "takes": model.takes,
        "preprocessing": asdict(assumed.way),
        "map": dict(assumed.table),
        "sources": {row.what: row.source for row in assumed.rows},
    }
    if calibration is not None:
        facts["temperature"] = str(calibration.temperature)
        facts["threshold"] = str(calibration.threshold)
        facts["precision"] = str(calibration.precision)
        facts["coverage"] = str(calibration.coverage)
        record["calibration"] = asdict(calibration)
    facts["adopted"] = json.dumps(record, ensure_ascii=False)
    return {f"scrapline.{key}": value for key, value in facts.items()}


def _rows(
    model: ForeignModel,
    answer: AnswerOutput,
    file: Candidate,
    calibration: Calibration | None,
    licence: Told[str],
    source: Told[str],
) -> list[Row]:
    """Of the table, what stands below the preprocessing."""
    ran = "its answers to drawn pictures"
    kind = "scores; a softmax is added" if answer.is_logits else "probabilities"
    several = f", of {answer.outputs} by its shape" if answer.outputs > 1 else ""
    singles = file.found.takes.batch == 1
    threshold = THRESHOLD if calibration is None else calibration.threshold
    said = "assumed" if calibration is None else "--calibrate"
    return [
        Row("input", model.takes, "its input"),
        Row("batches", "one picture at a time" if singles else "any", "its input, and tried"),
        Row("output", f"{answer.name}{several}: {kind}", ran),
        Row("threshold", f"{threshold:.4g}", said),
        Row("licence", licence.value, licence.source),
        Row("source", source.value, source.source),
    ]
