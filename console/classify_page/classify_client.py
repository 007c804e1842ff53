"""The console's process for single pictures: started when it is needed, replaced when it dies.

There is no inference in the console. What classifies is `python -m workers.classify_server`, one
process that answers one question at a time; a picture that kills it costs that picture's answer
alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from time import monotonic
from typing import Self

from line.config import ROOT
from line.errors import BadInput, DecodeError
from line.observe.classify_protocol import (
    TOO_LARGE,
    ModelAnswer,
    ModelQuestion,
    PictureAnswer,
    PictureQuestion,
    Refusal,
    decode_answer,
    receive_message,
    send_message,
)
from line.section import DEFAULT_ENGINE, EngineName
from line.settings import Settings

_PATIENCE_S = 120.0
"""For one answer; the first one waits for the runtime and the model to be loaded."""
_LEAVE_S = 3.0
_MOST_ANSWER_BYTES = 1 << 25
_MOST_MEMORY = 2 * 10**9
"""Bytes that the process may use, with runtime, model and picture."""


class ClassifyClient:
    """Asks the process about models and pictures; blocks, one question at a time.

    Context manager: the process ends with it.
    """

    def __init__(self, settings: Settings) -> None:
        self.max_megapixels = settings.source.max_megapixels
        self.max_file_mb = settings.source.max_file_mb
        engine = settings.model.engine
        self._engine: EngineName = DEFAULT_ENGINE if engine == "auto" else engine
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        if not self._turn.acquire(timeout=_LEAVE_S):  # somebody waits for a long answer
            if self._process is not None:
                self._process.kill()
            self._turn.acquire()
        self._end()
        self._turn.release()

    @property
    def max_bytes(self) -> int:
        """Of a picture's file."""
        return int(self.max_file_mb * 1e6)

    @property
    def pid(self) -> int | None:
        """Of the process that was started last; None before the first question."""
        return self._process.pid if self._process else None

    def ask_model(self, model: Path) -> ModelAnswer:
        """Have a model loaded. Raises BadInput if it cannot be."""
        question = ModelQuestion(model=str(model), engine=self._engine)
        answer, _ = self._ask(question, b"", model.name)
        if not isinstance(answer, ModelAnswer):
            raise BadInput(f"{model}: the classifier answered something else")
        return answer

    def ask_picture(
        self,
        model: Path,
        name: str,
        content: bytes,
        *,
        flips: bool = False,
        letterbox: bool = False,
        saliency: bool = False,
    ) -> tuple[PictureAnswer, bytes, bytes]:
        """The answer, the picture as a JPEG, the heat as a PNG (empty without saliency).

        Raises:
            BadInput: naming the picture or the model, and what is wrong with it.
        """
        question = PictureQuestion(
            model=str(model),
            engine=self._engine,
            name=name,
            max_pixels=self.max_megapixels * 1e6,
            flips=flips,
            letterbox=letterbox,
            saliency=saliency,
        )
        answer, shown = self._ask(question, content, name)
        if not isinstance(answer, PictureAnswer):
            raise BadInput(f"{name}: the classifier answered something else")
        return answer, shown[: answer.preview_bytes], shown[answer.preview_bytes :]

    def _ask(
        self, question: ModelQuestion | PictureQuestion, content: bytes, subject: str
    ) -> tuple[ModelAnswer | PictureAnswer, bytes]:
        with self._turn:
            process = self._living()
            watch = threading.Timer(_PATIENCE_S, process.kill)
            watch.start()
            began = monotonic()
            said = _exchange(process, question, content)
            watch.cancel()
            if said is None:
                late = monotonic() - began >= _PATIENCE_S
                how = self._end()
                why = f"no answer within {_PATIENCE_S:g} s" if late else how
                raise BadInput(f"{subject}: {why}; the next question starts it anew")
        answer, shown = said
        if isinstance(answer, Refusal):
            raise BadInput(answer.reason)
        return answer, shown

    def _living(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise BadInput("the console is being closed")
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "workers.classify_server"),
                    *map(str, (self.max_bytes, _MOST_MEMORY, os.getpid())),
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self._process

    def _end(self) -> str:
        """End the process, if there is one: with its questions, or by force. How it ended."""
        process, self._process = self._process, None
        if process is None:
            return ""
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVE_S)
        process.kill()
        process.stdout.close()
        return f"the classifier {_end_in_words(process.wait())}"


def _exchange(
    process: subprocess.Popen[bytes], question: ModelQuestion | PictureQuestion, content: bytes
) -> tuple[ModelAnswer | PictureAnswer | Refusal, bytes] | None:
    """What the process answers; None if it has died or makes no sense."""
    assert isinstance(process.stdin, BufferedWriter)
    assert isinstance(process.stdout, BufferedReader)
    try:
        send_message(process.stdin, question.model_dump_json(), content)
        message = receive_message(process.stdout, _MOST_ANSWER_BYTES)
        return (decode_answer(message[0]), message[1]) if message else None
    except (OSError, DecodeError):
        return None


def _end_in_words(status: int) -> str:
    if status < 0:
        return f"died over it ({signal.Signals(-status).name})"
    if status == TOO_LARGE:
        return f"needed more than {_MOST_MEMORY / 1e9:g} GB of memory and was ended"
    return f"left with status {status}"
