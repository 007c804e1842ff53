"""A shadow model answers beside the line, and only a file hears of it.

It takes what the dispatcher has to spare: an item that it is too slow for is not compared, and that
is all.
"""

from __future__ import annotations

from contextlib import suppress
from time import monotonic

from line import pictures
from line.codec import decode
from line.errors import DecodeError, ModelError, PictureError
from line.messages import Buffer, ShadowItem
from line.plain_text import plain
from line.process.context import ProcessContext
from line.process.heartbeat import Heartbeat
from line.process.link import Listener
from line.run_files.shadow_file import ShadowFile, ShadowRow
from line.verdicts import rank
from workers.model import Model


class ShadowWorker:
    """Compares until the supervisor says that it may leave, or is gone."""

    def __init__(
        self, context: ProcessContext, model: Model, listener: Listener, file: ShadowFile
    ) -> None:
        self._context = context
        self._model = model
        self._listener = listener
        self._file = file
        self._malformed = 0
        self._beat = Heartbeat(context, lambda: self._malformed + context.channel.malformed)
        self._has_told = False

    def run(self) -> None:
        self._context.channel.send("ready")
        while not self._is_to_leave():
            self._listener.wait(self._context.beat_s)
            for parts in self._listener.receive(most=1):
                self._take(parts)

    def _is_to_leave(self) -> bool:
        channel = self._context.channel
        self._beat()
        told = {note["kind"] for note in channel.receive()}
        return channel.broken or not told.isdisjoint({"leave", "stop"})

    def _take(self, parts: list[bytes]) -> None:
        try:
            message, payload = decode(parts, self._context.settings.message)
        except DecodeError:
            self._malformed += 1
            return
        if not isinstance(message, ShadowItem) or payload is None:
            return
        if message.outcome.model != self._model.facts.short_hash:  # it may have begun to serve
            with suppress(PictureError, OSError):  # not compared, and nothing else
                try:
                    self._file.append(self._compared(message, payload))
                except ModelError as error:
                    self._tell(message, error)

    def _tell(self, row: ShadowItem, error: ModelError) -> None:
        """Of the first item that the shadow model fails on; others would say the same."""
        if self._has_told:
            return
        self._has_told = True
        model = self._model.facts.short_hash
        text = f"shadow model {model} fails on item {row.outcome.frame_id}: the model {error}"
        self._context.channel.send(
            "incident", id=f"shadow-{model}", event="shadow", text=plain(text)
        )

    def _compared(self, row: ShadowItem, payload: Buffer) -> ShadowRow:
        served = row.outcome
        picture = pictures.decode(payload, row.encoding, row.height_px, row.width_px)
        started = monotonic()
        (probabilities,) = self._model.classify(picture[None])
        inference_ms = 1000 * (monotonic() - started)
        answer = rank(self._model.facts.classes, probabilities.tolist())
        return ShadowRow(
            frame_id=served.frame_id,
            true_class=served.true_class,
            served_model=served.model,
            served_class=served.predicted_class or "",
            served_confidence=served.confidence or 0.0,
            served_inference_ms=served.inference_ms,
            shadow_model=self._model.facts.short_hash,
            shadow_class=answer.predicted,
            shadow_confidence=round(answer.confidence, 5),
            shadow_inference_ms=round(inference_ms, 3),
        )
