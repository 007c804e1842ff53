"""What one visitor of the Classify page has asked about: pictures, answers, how it was asked."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from pathlib import Path

from console.classify_page.classify_client import ClassifyClient
from line.errors import BadInput
from line.observe.classify_protocol import LONGEST_NAME, PictureAnswer
from line.plain_text import cells_of

MOST_PICTURES = 200
"""Kept at once, each as a small JPEG; further ones are refused until the session is cleared."""
_COLUMNS = (
    "picture",
    "class",
    "confidence",
    "low_confidence",
    "second",
    "second_confidence",
    "latency_ms",
    "model",
    "flips",
    "letterbox",
    "complaint",
)


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """How a picture is asked about."""

    model: Path
    flips: bool = False
    letterbox: bool = False
    saliency: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One picture: its answer, or the complaint in place of it."""

    number: int
    name: str
    options: QuestionOptions
    answer: PictureAnswer | None = None
    complaint: str = ""
    preview: bytes = field(default=b"", repr=False)
    """JPEG"""
    heat: bytes = field(default=b"", repr=False)
    """PNG; empty without saliency"""

    @property
    def low_confidence(self) -> bool:
        """Whether the line would leave it on the belt; never without a threshold."""
        answer = self.answer
        if answer is None or answer.threshold is None:
            return False
        return answer.ranking[0][1] < answer.threshold


class UploadSession:
    """The pictures by number. Saliency is found for the one that is looked at, and no other."""

    def __init__(self, classifier: ClassifyClient, options: QuestionOptions) -> None:
        self._classifier = classifier
        self.options = options
        self.pictures: dict[int, Asked] = {}
        self.current: int | None = None
        self.changed = 0
        """counts what was put in or taken out; addresses of pictures change with it"""

    def ask(self, number: int, name: str, content: bytes) -> Asked:
        """Have a picture classified and keep the answer, or the complaint. Blocks.

        Raises:
            BadInput: if the session is full; then nothing is kept.
        """
        self._check_room(number)
        options = replace(self.options, saliency=self.options.saliency and self.current == number)
        asked = Asked(number, name, options)
        try:
            check_name(name)
            answer, preview, heat = self._classifier.ask_picture(
                options.model,
                name,
                content,
                flips=options.flips,
                letterbox=options.letterbox,
                saliency=options.saliency,
            )
            return self._keep(replace(asked, answer=answer, preview=preview, heat=heat))
        except BadInput as error:
            return self._keep(replace(asked, complaint=str(error)))

    def refuse(self, number: int, name: str, complaint: str) -> Asked:
        """Keep a complaint about a picture that was not even opened. Raises BadInput as `ask`."""
        self._check_room(number)
        return self._keep(Asked(number, name, self.options, complaint=complaint))

    def _check_room(self, number: int) -> None:
        if number not in self.pictures and len(self.pictures) >= MOST_PICTURES:
            raise BadInput(f"{MOST_PICTURES} pictures are here already: clear them first")

    def _keep(self, asked: Asked) -> Asked:
        """Put in, in place of an earlier one of that number."""
        self.pictures[asked.number] = asked
        self.changed += 1
        return asked

    def clear(self) -> None:
        self.pictures.clear()
        self.current = None
        self.changed += 1

    @property
    def seen(self) -> Asked | None:
        """The picture that is looked at."""
        return self.pictures.get(self.current) if self.current is not None else None

    def as_csv(self) -> str:
        """A row for each picture, in the order in which they came."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_COLUMNS)
        for asked in list(self.pictures.values()):  # one may come from another thread
            rows.writerow(cells_of(_row(asked)))
        return text.getvalue()


def check_name(name: str) -> None:
    """A name is a label and never opened; one that is none gets a clear word all the same.

    Raises:
        BadInput: for a path, a control character, and a name that is empty or too long.
    """
    if not name or len(name) > LONGEST_NAME:
        raise BadInput(f"a picture's name has 1 to {LONGEST_NAME} characters, not {len(name)}")
    if not name.isprintable():
        raise BadInput(f"{name!r}: has characters in its name that cannot be printed")
    if "/" in name or "\\" in name or name in (".", ".."):
        raise BadInput(f"{name}: is a path; a picture is taken by its name alone")


def _row(asked: Asked) -> list[str]:
    options = asked.options
    how = [options.model.name, _yes(options.flips), _yes(options.letterbox)]
    if asked.answer is None:
        return [asked.name, "", "", "", "", "", "", *how, asked.complaint]
    (winner, sure), *others = asked.answer.ranking
    second, less = others[0] if others else ("", None)
    return [
        asked.name,
        winner,
        f"{sure:.5f}",
        _yes(asked.low_confidence),
        second,
        "" if less is None else f"{less:.5f}",
        f"{asked.answer.latency_ms:.2f}",
        *how,
        "",
    ]


def _yes(true: bool) -> str:
    return "yes" if true else "no"
