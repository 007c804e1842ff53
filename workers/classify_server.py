"""Answers about pictures, for the console: `python -m workers.classify_server`.

Its arguments: MAX_BYTES MAX_MEMORY PARENT.
Questions come in on stdin, answers go out on stdout, one for each, as messages of
`line/observe/classify_protocol.py`. It leaves when stdin ends, and at once when the process with
the number PARENT, which started it, is gone. The model that was asked last stays loaded. Nothing is
written to any disk. A model or picture that takes more memory than `MAX_MEMORY` bytes ends the
process.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from line import pictures
from line.errors import BadInput, DecodeError, ModelError, PictureError
from line.observe.classify_protocol import (
    TOO_LARGE,
    ModelAnswer,
    ModelQuestion,
    PictureAnswer,
    PictureQuestion,
    Refusal,
    Saliency,
    decode_question,
    receive_message,
    send_message,
)
from line.pictures import Picture
from line.plain_text import plain
from line.process.memory import bounded, limit_requests
from line.process.priority import yield_process
from workers.classify import ranked
from workers.model import Model
from workers.views import flips, heat_picture, letterboxed, occlusion, resized, within

_LOOK_S = 1.0
_NICE = 10
"""It yields the processor to a line beside it."""
_PREVIEW_PX = 896
_PREVIEW_QUALITY = 85
_UNTOLD_VIEW_PX = 256
"""Long side of what is covered patch by patch where the model names no size."""

_LONGEST_REASON = 1000
"""With a path."""

Said = tuple[ModelAnswer | PictureAnswer | Refusal, bytes]


@dataclass(frozen=True)
class _Loaded:
    """A model, and what its file was when it was read."""

    question: tuple[str, str, int, int]
    model: Model
    threshold: float | None
    size_px: tuple[int, int] | None


class Respondent:
    """Answers questions; never raises for what is wrong with a model or a picture."""

    def __init__(self) -> None:
        self._loaded: _Loaded | None = None

    def respond(self, header: bytes, content: bytes) -> Said:
        """Header and content of the answer."""
        try:
            question = decode_question(header)
            loaded = self._load(question)
            if isinstance(question, ModelQuestion):
                facts = loaded.model.facts
                return ModelAnswer(
                    classes=facts.classes, threshold=loaded.threshold, size_px=loaded.size_px
                ), b""
            return _answer(loaded, question, content)
        except (BadInput, DecodeError, PictureError) as error:
            return Refusal(reason=plain(str(error), _LONGEST_REASON)), b""
        except MemoryError:
            return Refusal(reason="there is not enough memory for this picture"), b""

    def _load(self, question: ModelQuestion | PictureQuestion) -> _Loaded:
        path = Path(question.model)
        try:
            status = path.stat()
        except (OSError, ValueError) as error:
            raise BadInput(plain(f"{path}: {getattr(error, 'strerror', None) or error}")) from None
        wanted = (question.model, question.engine, status.st_mtime_ns, status.st_size)
        if self._loaded is None or self._loaded.question != wanted:
            self._loaded = None
            model = Model.load(path, question.engine)
            self._loaded = _Loaded(wanted, model, model.named_threshold, model.size_px)
        return self._loaded


def _answer(loaded: _Loaded, question: PictureQuestion, content: bytes) -> Said:
    classes = loaded.model.facts.classes
    started = perf_counter()
    picture = pictures.read_content(content, question.name, question.max_pixels)
    height_px, width_px = picture.shape[:2]
    if question.letterbox:
        if loaded.size_px is None:
            raise BadInput(f"{Path(question.model).name} names no size to pad a picture to")
        picture = letterboxed(picture, loaded.size_px)
    read = perf_counter()
    try:
        probabilities = _probabilities(loaded.model, picture, question.flips)
    except ModelError as error:
        raise BadInput(f"{question.name}: the model {error}") from None
    answered = perf_counter()
    found: tuple[Saliency, bytes] | None = None
    fault = ""
    if question.saliency:
        try:
            found = _saliency(loaded, picture, int(probabilities.argmax()))
        except ModelError as error:  # of a picture that is partly covered: the answer stands
            fault = f"the model {error}"
    preview = pictures.encode(within(picture, _PREVIEW_PX), "jpeg", _PREVIEW_QUALITY)
    saliency, heat = found or (None, b"")
    answer = PictureAnswer(
        ranking=tuple(ranked(classes, probabilities.tolist())),
        threshold=loaded.threshold,
        width_px=width_px,
        height_px=height_px,
        reading_ms=1000 * (read - started),
        latency_ms=1000 * (answered - read),
        preview_bytes=len(preview),
        saliency=saliency,
        saliency_fault=fault,
    )
    return answer, preview + heat


def _probabilities(model: Model, picture: Picture, flipped: bool) -> NDArray[np.float32]:
    """float32 [classes]; flips go through the model one by one, so that memory stays small."""
    views = flips(picture) if flipped else [picture]
    found = np.stack([model.classify(view[None])[0] for view in views])
    return np.asarray(found.mean(axis=0), np.float32)


def _saliency(loaded: _Loaded, picture: Picture, winner: int) -> tuple[Saliency, bytes]:
    started = perf_counter()
    if loaded.size_px and loaded.model.takes.fits(*loaded.size_px):
        small = resized(picture, *loaded.size_px)
    else:
        small = within(picture, _UNTOLD_VIEW_PX)
    if not loaded.model.takes.fits(*small.shape[:2]):
        small = picture  # it fits, or there would be no answer
    drops = occlusion(loaded.model, small, winner)
    greatest = float(np.clip(drops.max(), 0, 1))
    heat = heat_picture(drops, *picture.shape[:2])
    took_ms = 1000 * (perf_counter() - started)
    return Saliency(greatest_drop=greatest, latency_ms=took_ms), heat


def serve(questions: BinaryIO, answers: BinaryIO, max_bytes: int, max_memory: int) -> None:
    """Answer until the questions end. Raises DecodeError for a stream that makes no sense."""
    respondent = Respondent()
    while (message := receive_message(questions, max_bytes)) is not None:
        with bounded(max_memory, TOO_LARGE):
            answer, content = respondent.respond(*message)
        send_message(answers, answer.model_dump_json(), content)


def _end_with(parent: int) -> None:
    """Whoever asked may be gone while a question takes long, and nobody wants the answer then."""
    while os.getppid() == parent:
        sleep(_LOOK_S)
    os._exit(1)


def main() -> None:
    max_bytes, max_memory, parent = map(int, sys.argv[1:])
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    yield_process(_NICE)
    limit_requests(max_memory)
    # What a library prints must not get in among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with answers:
        serve(sys.stdin.buffer, answers, max_bytes, max_memory)


if __name__ == "__main__":
    main()
