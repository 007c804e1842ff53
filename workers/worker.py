"""The worker process: takes the frames that wait within its credit and classifies them together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from line import pictures
from line.dispatch.batch_times import LONGEST_BATCH_S
from line.dispatch.worker_leases import largest_batch
from line.errors import ModelError, PictureError
from line.messages import (
    BatchEnd,
    Buffer,
    Frame,
    Message,
    Refusal,
    RefusalVerdict,
    Result,
    Welcome,
)
from line.outcome import DAMAGED, TOO_LATE, Verdict
from line.plain_text import plain
from line.process.picture_ring import Pictures
from workers.engines.standby import Standby
from workers.faults import WorkerFaults
from workers.model import Model
from workers.probe import noise

_TRIES = 3
_ORPHAN_PATIENCE_S = 1.0
"""Without a supervisor nobody says when the last frame has come."""


@dataclass(frozen=True, slots=True)
class _Job:
    frame: Frame
    picture: pictures.Picture


_Received = tuple[Frame, Buffer | None]


class DispatcherLink(Protocol):
    """Where frames come from and answers go: a `Client`, or a `RemoteClient`."""

    @property
    def stop(self) -> bool: ...

    @property
    def orphaned(self) -> float | None: ...

    def exchange(self, until: float | None = None) -> list[tuple[Message, Buffer | None]]: ...

    def send(self, message: Message) -> None: ...


class Worker:
    """One classifier. The model should have seen every batch shape before the first frame comes.

    A batch is what waits, but at most half of the credit: the other half is at hand when the
    batch is done, while its answers travel and the next frames come. A worker that gains by batches
    is told by the dispatcher which frames are one. Pictures on which the model fails are refused
    with its reason, and only those.
    """

    def __init__(
        self,
        client: DispatcherLink,
        model: Model,
        credit: int,
        faults: WorkerFaults | None = None,
        rings: Iterable[int] = (),
        standby: Standby | None = None,
        *,
        by_slack: bool = False,
    ) -> None:
        """`rings`: descriptors of the cameras' memory, where pictures do not come in messages.

        `standby`: what takes over if the model's engine fails; None: nothing does.

        `by_slack`: the dispatcher knows what its batches take, and ends each of them.
        """
        self._client = client
        self._credit = credit
        self._standby = standby
        self._model = model
        self._largest_batch = batch_of(model, credit)
        self._faults = faults
        self._pictures = Pictures(rings)
        self._waiting: deque[_Received] = deque()
        self._by_slack = by_slack
        self._batches: deque[list[_Received]] = deque()
        """by slack: whole ones; `_waiting` is the beginning of the next"""
        self._alone: deque[_Job] = deque()
        """a batch of them failed: each is tried by itself, with heartbeats in between"""

    def run(self) -> None:
        """Until the supervisor says stop, or is gone and no frame has come for a while."""
        last_work = monotonic()
        while not self._client.stop:
            self._receive()
            if self._has_work:
                self._work()
                last_work = monotonic()
            elif self._client.orphaned and monotonic() - last_work > _ORPHAN_PATIENCE_S:
                return

    @property
    def _has_work(self) -> bool:
        return bool(self._alone or (self._batches if self._by_slack else self._waiting))

    def _work(self) -> None:
        """One batch."""
        if self._alone:
            self._answer([self._alone.popleft()])
            return
        if self._by_slack:
            self._classify(self._batches.popleft())
            return
        count = min(self._largest_batch, len(self._waiting))
        self._classify([self._waiting.popleft() for _ in range(count)])

    def _receive(self) -> None:
        """Take what has come; wait only if there is nothing to do."""
        for message, payload in self._client.exchange(monotonic() if self._has_work else None):
            if isinstance(message, Frame):
                self._waiting.append((message, payload))
            elif isinstance(message, BatchEnd) and self._by_slack:
                self._batches.append(list(self._waiting))
                self._waiting.clear()
            elif isinstance(message, Welcome) and self._by_slack:
                self._waiting.clear()  # of a dispatcher that is gone, which will not end the batch

    def _classify(self, frames: list[_Received]) -> None:
        jobs = list(self._decoded(frames))
        for _, alike in groupby(jobs, key=lambda job: job.picture.shape):
            self._answer(list(alike))

    def _decoded(self, frames: list[_Received]) -> Iterator[_Job]:
        for frame, payload in frames:
            if frame.deadline <= monotonic():
                self._refuse(frame, Verdict.EXPIRED, TOO_LATE)
                continue
            data = self._pictures.copy(frame, payload)
            # Nothing else is to be trusted before.
            if data is None or pictures.checksum(data) != frame.picture_crc32:
                self._refuse(frame, Verdict.FAILED, DAMAGED)
                continue
            try:
                picture = pictures.decode(data, frame.encoding, frame.height_px, frame.width_px)
            except PictureError as error:
                self._refuse(frame, Verdict.FAILED, plain(str(error)))
                continue
            if self._faults is not None:
                self._faults.take(frame)
            yield _Job(frame, picture)

    def _answer(self, jobs: list[_Job]) -> None:
        """One inference for pictures of one size, without those whose deadline has passed."""
        started = monotonic()
        alive = [job for job in jobs if job.frame.deadline > started]
        for job in jobs:
            if job.frame.deadline <= started:
                self._refuse(job.frame, Verdict.EXPIRED, TOO_LATE)
        if not alive:
            return
        try:
            answers = self._model.answers(_batch([job.picture for job in alive]))
        except ModelError as error:
            if len(alive) > 1:
                self._alone.extend(alive)  # a picture is not to fail its neighbours
            elif self._changes_engine(alive[0], error):
                self._answer(alive)
            else:
                self._refuse(alive[0].frame, Verdict.FAILED, plain(f"the model {error}"))
            return
        if self._faults is not None:
            self._faults.linger(monotonic() - started)
        inference_s = monotonic() - started
        energies = answers.energies
        for number, job in enumerate(alive):
            self._client.send(
                Result(
                    camera=job.frame.camera,
                    seq=job.frame.seq,
                    probabilities=tuple(answers.probabilities[number].tolist()),
                    started=started,
                    inference_s=inference_s,
                    model=self._model.facts.short_hash,
                    energy=None if energies is None else float(energies[number]),
                )
            )

    def _changes_engine(self, job: _Job, error: ModelError) -> bool:
        """Whether another engine answers from now on, because this one failed."""
        if self._standby is None:
            return False
        other = self._standby.instead(self._model, _batch([job.picture]), error)
        if other is None:
            return False
        self._model, self._standby = other, None
        self._largest_batch = batch_of(other, self._credit)
        return True

    def _refuse(self, frame: Frame, verdict: RefusalVerdict, reason: str) -> None:
        self._client.send(Refusal(frame.camera, frame.seq, verdict, reason))


def _batch(some: list[pictures.Picture]) -> NDArray[np.uint8]:
    """uint8 [n, height, width, 3]; a single picture is not copied."""
    return some[0][np.newaxis] if len(some) == 1 else np.stack(some)


def batch_of(model: Model, credit: int) -> int:
    """The largest batch that a worker with this credit makes for this model."""
    return min(largest_batch(credit), model.takes.batch or largest_batch(credit))


def warmed_up(model: Model, credit: int, height_px: int, width_px: int) -> Model:
    """Run every batch size once: the first run of a shape costs several times the later ones.

    The model is tried before the line begins, so one that fails here is no reason to end: its
    pictures will say why. One that fails on several pictures at once is given one at a time, one
    that is slow as many as it can do in a tenth of a second.
    """
    takes = model.takes
    picture = noise(*takes.within(height_px, width_px))
    largest = batch_of(model, credit)
    try:
        model.classify(picture)
        if largest > 1:
            most = max(1, int(LONGEST_BATCH_S / _picture_s(model, picture)))
            if most < largest:
                model, largest = replace(model, takes=replace(takes, batch=most)), most
    except ModelError:
        return model
    for batch in range(2, largest + 1):
        try:
            model.classify(np.repeat(picture, batch, axis=0))
        except ModelError:
            return replace(model, takes=replace(takes, batch=batch - 1))
    return model


def _picture_s(model: Model, picture: pictures.Picture) -> float:
    """What an inference takes, others at work apart."""
    times = []
    for _ in range(_TRIES):
        started = monotonic()
        model.classify(picture)
        times.append(monotonic() - started)
    return max(min(times), 1e-6)
