"""The errors a model is surest of, and those of the most confused pairs, as one HTML page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray
from PIL import Image

from training.folders import PictureFolder
from training.metrics import Confusion
from training.pictures import open_picture
from training.whole_file import replace_text

TEMPLATE = Path(__file__).with_name("error_page.html.j2")
THUMBNAIL_PX = (256, 192)
PER_PAIR = 6

Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class WrongPicture:
    """One error: what it is, what it was taken for, how sure, and a data URI of its thumbnail."""

    file: str
    true: str
    predicted: str
    confidence: float
    of_true: float
    image: str


def write_error_page(
    path: Path, title: str, folder: PictureFolder, probabilities: Probabilities, most: int
) -> None:
    """Write the page: the `most` surest errors, then up to six of each most confused pair.

    `probabilities` `[pictures, classes]` are in the folder's order. The page holds its pictures
    and needs no other file.
    """
    labels = np.array(folder.labels, dtype=np.int64)
    predicted = probabilities.argmax(axis=1)
    wrong = _surest_errors(probabilities, labels)
    groups = [("Surest errors", wrong[:most])]
    for pair in Confusion.of(folder.classes, labels, predicted).most_confused():
        labels_of_pair = tuple(folder.classes.index(pair[key]) for key in ("true", "predicted"))
        of_pair = [i for i in wrong if (labels[i], predicted[i]) == labels_of_pair]
        name = f"{pair['true']} taken for {pair['predicted']}: {pair['count']}"
        groups.append((name, of_pair[:PER_PAIR]))
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    text = page.render(
        title=title,
        errors=len(wrong),
        pictures=len(folder),
        groups=[
            {
                "title": name,
                "errors": [_wrong_picture(folder, probabilities[i], i) for i in members],
            }
            for name, members in groups
            if members
        ],
    )
    replace_text(path, text)


def _surest_errors(probabilities: Probabilities, labels: NDArray[np.int64]) -> list[int]:
    """Indices of the pictures classified wrongly, the most confident first."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    return [int(i) for i in order if probabilities[i].argmax() != labels[i]]


def _wrong_picture(folder: PictureFolder, answer: Probabilities, index: int) -> WrongPicture:
    return WrongPicture(
        file=folder.paths[index].as_posix(),
        true=folder.classes[folder.labels[index]],
        predicted=folder.classes[answer.argmax()],
        confidence=float(answer.max()),
        of_true=float(answer[folder.labels[index]]),
        image=_thumbnail(folder.root / folder.paths[index]),
    )


def _thumbnail(path: Path) -> str:
    picture = open_picture(path)
    picture.thumbnail(THUMBNAIL_PX, Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
