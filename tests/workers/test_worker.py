"""A worker over real sockets; the tests play dispatcher and supervisor. `Station` serves the sinks'
tests as well."""

from __future__ import annotations

import math
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, TypeVar

import numpy as np
import pytest

from line import pictures
from line.config import load
from line.dispatch.worker_leases import largest_batch
from line.errors import ModelError
from line.messages import (
    Acknowledged,
    BatchEnd,
    BatchTimes,
    Beat,
    Buffer,
    Encoding,
    Frame,
    Hello,
    Message,
    Refusal,
    Result,
    Welcome,
    Who,
)
from line.model.facts import ModelFacts
from line.outcome import Verdict
from line.process.client import Client
from line.process.context import ProcessContext
from line.process.control_channel import ControlChannel
from line.process.hub import Hub
from line.process.runtime_dir import make_runtime_dir
from tests.odd_models import batches_of, changed, fails_below, only_of, wrong_answer
from tests.tiny_model import CLASSES, tiny_probabilities, write_tiny_model
from workers.batches import batch_times
from workers.engine import Answers, Engine, Takes
from workers.model import Model
from workers.worker import Worker

TIMEOUT_S = 300.0
CREDIT = 4
BATCHES = BatchTimes(0.008, 0.001, 16)
FACTS = ModelFacts(path="tiny.onnx", sha256="ab" * 32, classes=CLASSES)
M = TypeVar("M", bound=Message)


class Station:
    """One process of the line, run in a thread; the test is its dispatcher and its supervisor."""

    def __init__(self, context: ProcessContext, supervisor: ControlChannel) -> None:
        self.context = context
        self.supervisor = supervisor
        self.hub = Hub(context.runtime_dir)
        self.process: Future[None] = Future()
        self.heard: list[Message] = []
        """everything that the process has said to the dispatcher and nobody has asked for yet"""

    def send(self, message: Message, payload: Buffer | None = None) -> None:
        assert self.hub.send(self.context.role, self.context.identity, message, payload)

    def hear(self, kind: type[M], count: int = 1) -> list[M]:
        """The next `count` messages of a kind; fails if they do not come."""

        def enough() -> list[M] | None:
            found = [message for message in self.heard if isinstance(message, kind)][:count]
            return found if len(found) == count else None

        found = self.until(enough)
        self.heard = [message for message in self.heard if not any(message is f for f in found)]
        return found

    def until(self, condition: Callable[[], Any]) -> Any:
        """What `condition` returns once it is true, with an eye on the sockets; or a failure."""
        deadline = monotonic() + TIMEOUT_S
        while not (met := condition()):
            if self.process.done():
                self.process.result()
            assert monotonic() < deadline, f"not in time; heard {self.heard}"
            self.hub.wait(0.01)
            self.heard += [received.message for received in self.hub.receive()]
        return met

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """What the process has told its supervisor since last asked."""
        return [note for note in self.supervisor.receive() if note["kind"] == kind]

    def restart_dispatcher(self) -> None:
        """The old one is gone without a word; the new one knows nobody."""
        self.hub.__exit__(None, None, None)
        self.heard.clear()
        self.hub = Hub(self.context.runtime_dir)


@contextmanager
def station(
    role: str, name: str, main: Callable[[ProcessContext], None], run_dir: Path = Path()
) -> Iterator[Station]:
    """Runs `main` until the end of the context; an exception in it is raised here."""
    runtime_dir = make_runtime_dir()
    supervisor, theirs = ControlChannel.pair()
    channel = ControlChannel(theirs)
    settings = load(environment={})
    context = ProcessContext(role, name, 0, 1, run_dir, runtime_dir, settings, FACTS, channel)
    opened = Station(context, supervisor)
    try:
        with ThreadPoolExecutor(1) as pool:
            opened.process = pool.submit(main, context)
            try:
                yield opened
            finally:
                supervisor.send("stop")
        opened.process.result()
    finally:
        opened.hub.__exit__(None, None, None)
        supervisor.close()
        channel.close()
        shutil.rmtree(runtime_dir)


class WatchedEngine:
    """A real engine that notes the shapes it is given, and may be held up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.shapes: list[tuple[int, ...]] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()

    @property
    def metadata(self) -> dict[str, str]:
        return self._engine.metadata

    @property
    def takes(self) -> Takes:
        return self._engine.takes

    @property
    def gives_energy(self) -> bool:
        return self._engine.gives_energy

    @property
    def batches(self) -> list[int]:
        return [shape[0] for shape in self.shapes]

    def classify(self, batch: pictures.Picture) -> Answers:
        self.shapes.append(batch.shape)
        self.begun.release()
        assert self.go_on.wait(TIMEOUT_S)
        return self._engine.classify(batch)


@pytest.fixture
def engine(tmp_path) -> WatchedEngine:
    return WatchedEngine(Model.load(write_tiny_model(tmp_path / "tiny.onnx"), "onnxruntime").engine)


@pytest.fixture
def worker(engine) -> Iterator[Station]:
    def main(context: ProcessContext) -> None:
        with Client(context, credit=CREDIT) as client:
            Worker(client, Model(FACTS, engine), 2 * CREDIT).run()

    with station("worker", "worker-0", main) as opened:
        yield opened
        engine.go_on.set()


def flat(seq: int, height_px: int = 12, width_px: int = 16) -> pictures.Picture:
    """A picture of one colour that belongs to its number."""
    return np.full((height_px, width_px, 3), (37 * seq % 256, 91 * seq % 256, 40), np.uint8)


def framed(
    seq: int, picture: pictures.Picture, encoding: Encoding = "raw", deadline: float = math.inf
) -> tuple[Frame, bytes]:
    data = pictures.encode(picture, encoding, 95)
    frame = Frame(
        camera=0,
        seq=seq,
        scheduled_s=seq / 8,
        triggered=monotonic(),
        published=monotonic(),
        deadline=deadline,
        true_class="glass",
        mass_g=210.0,
        encoding=encoding,
        height_px=picture.shape[0],
        width_px=picture.shape[1],
        picture_crc32=zlib.crc32(data),
    )
    return frame, data


def assert_answers(result: Result, picture: pictures.Picture, tolerance: float = 1e-4) -> None:
    expected = tiny_probabilities(picture[None])[0].tolist()
    assert list(result.probabilities) == pytest.approx(expected, abs=tolerance)


def test_a_worker_says_hello_with_its_credit_and_is_ready_when_it_is_welcomed(worker):
    assert worker.hear(Hello) == [Hello("worker", "worker-0", 1, CREDIT)]
    worker.hear(Beat, 2)
    assert not worker.notes("ready")
    worker.send(Welcome("an epoch"))
    worker.until(lambda: worker.notes("ready"))


def test_a_worker_beats_to_both_sides_while_it_waits(worker):
    worker.hear(Beat, 2)
    worker.until(lambda: worker.notes("beat"))


def test_a_frame_is_answered(worker):
    worker.hear(Hello)
    sent = monotonic()
    worker.send(*framed(7, flat(7)))

    (result,) = worker.hear(Result)

    assert result.key == (0, 7)
    assert_answers(result, flat(7))
    assert result.model == FACTS.short_hash
    assert sent <= result.started <= result.started + result.inference_s <= monotonic()


def test_a_jpeg_is_answered(worker):
    worker.hear(Hello)
    worker.send(*framed(7, flat(7), "jpeg"))

    assert_answers(worker.hear(Result)[0], flat(7), tolerance=0.05)


def test_a_picture_over_64_kib_arrives_whole(worker):

    large = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    worker.hear(Hello)
    worker.send(*framed(0, large))

    assert_answers(worker.hear(Result)[0], large)


def test_frames_that_wait_together_are_answered_in_one_batch(worker, engine):
    worker.hear(Hello)

    def one_then_three() -> list[int]:
        """Hold the worker up with one frame while three more come; the batches it makes of them."""
        engine.shapes.clear()
        engine.go_on.clear()
        worker.send(*framed(0, flat(0)))
        assert engine.begun.acquire(timeout=TIMEOUT_S)
        for seq in (1, 2, 3):
            worker.send(*framed(seq, flat(seq)))
        worker.hub.wait(0.05)  # most likely they are there by then; if not, there is a next time
        engine.go_on.set()
        results = worker.hear(Result, 4)
        for seq, result in enumerate(results):
            assert result.seq == seq
            assert_answers(result, flat(seq))
        while engine.begun.acquire(blocking=False):
            pass
        return engine.batches

    worker.until(lambda: one_then_three() == [1, 3])


@pytest.mark.parametrize(("credit", "largest"), [(1, 1), (2, 1), (4, 2), (7, 3)])
def test_a_batch_is_half_of_the_credit_so_that_the_worker_never_waits(credit, largest):
    assert largest_batch(credit) == largest


def test_by_slack_a_batch_is_what_the_dispatcher_says(engine):
    def main(context: ProcessContext) -> None:
        with Client(context, credit=CREDIT, batches=BATCHES) as client:
            Worker(client, Model(FACTS, engine), CREDIT, by_slack=True).run()

    with station("worker", "worker-0", main) as worker:
        assert worker.hear(Hello) == [Hello("worker", "worker-0", 1, CREDIT, BATCHES)]
        worker.send(Welcome("an epoch"))
        for before, size in enumerate((1, 5, 3)):
            for seq in range(size):
                worker.send(*framed(seq, flat(seq)))
            worker.hub.wait(0.05)  # it has no reason to begin, however long it takes
            assert len(engine.batches) == before
            worker.send(BatchEnd())
            assert [result.seq for result in worker.hear(Result, size)] == list(range(size))
        assert engine.batches == [1, 5, 3]

        worker.send(*framed(7, flat(7)))  # by a dispatcher that dies before it ends the batch
        worker.send(Who())
        worker.hear(Hello)
        worker.send(Welcome("another epoch"))
        worker.send(*framed(8, flat(8)))
        worker.send(BatchEnd())
        assert worker.hear(Result)[0].seq == 8
        assert engine.batches == [1, 5, 3, 1]


class TimedEngine:
    """Takes `base_s` and `picture_s` a picture, by a clock of its own; fails on more than `most`.

    `held_up`: inferences of one picture that others at work make take as long again, four times.
    """

    metadata: ClassVar[dict[str, str]] = {}
    takes = Takes()
    gives_energy = False

    def __init__(self, base_s: float, picture_s: float, most: int = 100, held_up: int = 0) -> None:
        self._base_s, self._picture_s, self._most = base_s, picture_s, most
        self._held_up = held_up
        self._now = 0.0
        self.batches: list[int] = []

    def now(self) -> float:
        return self._now

    def classify(self, batch: pictures.Picture) -> Answers:
        self.batches.append(len(batch))
        if len(batch) > self._most:
            raise ModelError("fails: no memory")
        takes_s = self._base_s + self._picture_s * len(batch)
        if len(batch) == 1 and self._held_up:
            self._held_up -= 1
            takes_s *= 4
        self._now += takes_s
        return Answers(np.full((len(batch), len(CLASSES)), 1 / len(CLASSES), np.float32))


@pytest.fixture
def timed(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[TimedEngine, int | None], BatchTimes | None]:
    """What a worker finds with an engine, which takes so many pictures at once."""

    def look(engine: TimedEngine, batch: int | None = None) -> BatchTimes | None:
        monkeypatch.setattr("workers.batches.monotonic", engine.now)
        return batch_times(Model(FACTS, engine, Takes(batch=batch)), 12, 16)

    return look


@pytest.mark.parametrize(("most", "largest"), [(100, 16), (11, 11)])
def test_a_worker_that_gains_by_batches_tries_each_and_knows_what_they_take(timed, most, largest):
    engine = TimedEngine(0.04, 0.001, most)
    times = timed(engine)
    assert times.largest == largest
    assert {*range(1, largest + 1)} <= {*engine.batches}
    assert (times.base_s, times.picture_s) == pytest.approx((0.04, 0.001))


@pytest.mark.parametrize(
    ("base_s", "picture_s", "batch"), [(0.0, 0.005, None), (0.0, 0.0, None), (0.04, 0.001, 1)]
)
def test_a_worker_that_gains_nothing_does_not_try_long(timed, base_s, picture_s, batch):
    engine = TimedEngine(base_s, picture_s)
    assert timed(engine, batch) is None
    assert sum(engine.batches) <= 15


def test_one_that_only_seems_to_gain_because_others_are_at_work_is_looked_at_again(timed):
    engine = TimedEngine(0.0, 0.005, held_up=5)
    assert timed(engine) is None
    assert max(engine.batches) == 4


def test_pictures_of_different_sizes_are_answered_each_with_its_own(worker, engine):
    sizes = [(12, 16), (12, 16), (20, 8), (12, 16)]
    taken = [flat(seq, *size) for seq, size in enumerate(sizes)]
    worker.hear(Hello)
    for seq, picture in enumerate(taken):
        worker.send(*framed(seq, picture))

    results = worker.hear(Result, len(sizes))

    assert [result.seq for result in results] == [0, 1, 2, 3]
    for result, picture in zip(results, taken, strict=True):
        assert_answers(result, picture)
    assert sum(engine.batches) == len(sizes)


def test_a_frame_whose_deadline_has_passed_is_refused_without_an_inference(worker, engine):
    worker.hear(Hello)
    worker.send(*framed(3, flat(3), deadline=monotonic() - 0.001))

    (refusal,) = worker.hear(Refusal)

    assert (refusal.key, refusal.verdict) == ((0, 3), Verdict.EXPIRED)
    assert "deadline" in refusal.reason
    assert engine.shapes == []


def test_a_frame_that_expires_while_it_waits_does_not_take_the_others_with_it(worker, engine):
    worker.hear(Hello)
    engine.go_on.clear()
    worker.send(*framed(0, flat(0)))
    assert engine.begun.acquire(timeout=TIMEOUT_S)
    deadline = monotonic() + 0.05
    worker.send(*framed(1, flat(1), deadline=deadline))
    worker.send(*framed(2, flat(2)))
    worker.until(lambda: monotonic() > deadline)
    engine.go_on.set()

    assert [result.seq for result in worker.hear(Result, 2)] == [0, 2]
    assert [refusal.seq for refusal in worker.hear(Refusal)] == [1]
    assert sum(engine.batches) == 2


def test_a_corrupt_jpeg_is_refused_and_the_worker_goes_on(worker):
    worker.hear(Hello)
    frame, data = framed(5, flat(5), "jpeg")
    torn = data[: len(data) // 2]
    worker.send(replace(frame, picture_crc32=zlib.crc32(torn)), torn)
    worker.send(*framed(6, flat(6)))

    (refusal,) = worker.hear(Refusal)
    assert (refusal.key, refusal.verdict) == ((0, 5), Verdict.FAILED)
    assert "JPEG" in refusal.reason
    assert worker.hear(Result)[0].seq == 6


@pytest.mark.parametrize("encoding", ["raw", "jpeg"])
def test_a_picture_whose_checksum_differs_is_not_decoded(worker, encoding, monkeypatch):
    decoded = []
    whole = pictures.decode
    monkeypatch.setattr(pictures, "decode", lambda *parts: decoded.append(1) or whole(*parts))
    worker.hear(Hello)
    frame, data = framed(5, flat(5), encoding)
    worker.send(frame, data[: len(data) // 2])

    (refusal,) = worker.hear(Refusal)
    assert (refusal.key, refusal.verdict) == ((0, 5), Verdict.FAILED)
    assert "checksum" in refusal.reason
    assert not decoded


# -- a model that fails ----------------------------------------------------------------------------


@contextmanager
def worker_with(path: Path, credit: int = 4 * CREDIT) -> Iterator[tuple[Station, WatchedEngine]]:
    """A worker of its own, with the model in that file."""
    loaded = Model.load(path, "onnxruntime")
    watched = WatchedEngine(loaded.engine)

    def main(context: ProcessContext) -> None:
        with Client(context, credit=credit) as client:
            Worker(client, replace(loaded, engine=watched), credit).run()

    with station("worker", "worker-0", main) as opened:
        opened.hear(Hello)
        yield opened, watched
        watched.go_on.set()


def white(height_px: int = 48) -> pictures.Picture:
    return np.full((height_px, 48, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.nan, "the model gives nan for 'cardboard'"),
        (np.inf, "the model gives inf for 'cardboard'"),
        (-0.5, "the model gives scores instead of probabilities: -0.5 for 'cardboard'"),
        (0.5, "the model gives scores instead of probabilities: they sum to 3, not 1"),
    ],
)
def test_an_answer_that_is_none_fails_its_picture_and_no_neighbour(tmp_path, value, reason):
    path = changed(tmp_path / "odd.onnx", wrong_answer(value))
    taken = [flat(0, 48, 48), white(), flat(2, 48, 48), white(), flat(4, 48, 48)]
    with worker_with(path) as (station, engine):
        engine.go_on.clear()  # all of them wait by the time the first is answered
        station.send(*framed(99, flat(99, 48, 48)))
        assert engine.begun.acquire(timeout=TIMEOUT_S)
        for seq, picture in enumerate(taken):
            station.send(*framed(seq, picture))
        engine.go_on.set()
        results, refusals = station.hear(Result, 4), station.hear(Refusal, 2)
        station.send(*framed(7, flat(7)))
        assert station.hear(Result)[0].seq == 7, "it lives"

    assert sorted(result.seq for result in results) == [0, 2, 4, 99]
    for result in results[1:]:
        assert_answers(result, flat(result.seq, 48, 48))
    assert [(r.seq, r.verdict, r.reason) for r in refusals] == [
        (1, Verdict.FAILED, reason),
        (3, Verdict.FAILED, reason),
    ]


def test_a_graph_that_raises_fails_that_picture_with_the_runtimes_own_words(tmp_path):
    with worker_with(changed(tmp_path / "odd.onnx", fails_below())) as (station, _):
        station.send(*framed(0, flat(0, 39, 48)))
        station.send(*framed(1, flat(1, 40, 48)))
        assert station.hear(Result)[0].seq == 1
        (refusal,) = station.hear(Refusal)

    assert (refusal.seq, refusal.verdict) == (0, Verdict.FAILED)
    assert refusal.reason.startswith(
        "the model fails: Gather rows: indices element out of data bounds, idx=39"
    )
    assert len(refusal.reason) <= 300


def test_a_picture_of_a_size_that_the_model_does_not_take_is_refused(tmp_path):
    with worker_with(changed(tmp_path / "odd.onnx", only_of(48, 48))) as (station, engine):
        station.send(*framed(0, flat(0, 24, 32)))
        station.send(*framed(1, flat(1, 48, 48)))
        assert station.hear(Result)[0].seq == 1
        (refusal,) = station.hear(Refusal)
        assert engine.shapes == [(1, 48, 48, 3)]

    assert refusal.reason == "the model takes pictures of 48x48 only, not 32x24"


def test_a_model_of_single_pictures_is_never_given_two(tmp_path):
    with worker_with(changed(tmp_path / "odd.onnx", batches_of(1))) as (station, engine):
        engine.go_on.clear()
        for seq in range(6):
            station.send(*framed(seq, flat(seq)))
        assert engine.begun.acquire(timeout=TIMEOUT_S)
        engine.go_on.set()
        assert [result.seq for result in station.hear(Result, 6)] == list(range(6))
        assert engine.batches == [1] * 6


class Desk:
    """Hands a worker some frames at once, keeps its answers, and sends it home."""

    orphaned = None

    def __init__(self, frames: list[tuple[Frame, Buffer]]) -> None:
        self._frames = frames
        self.answers: list[Message] = []
        self.count = len(frames)

    @property
    def stop(self) -> bool:
        return len(self.answers) == self.count

    def exchange(self, until: float | None = None) -> list[tuple[Message, Buffer | None]]:
        handed, self._frames = self._frames, []
        return list(handed)

    def send(self, message: Message) -> None:
        self.answers.append(message)


def test_no_picture_of_a_failed_batch_is_tried_again_after_its_deadline(tmp_path, monkeypatch):
    path = changed(tmp_path / "odd.onnx", wrong_answer(np.nan))
    model = Model.load(path, "onnxruntime")
    engine = WatchedEngine(model.engine)
    clock = [0.0]
    monkeypatch.setattr("workers.worker.monotonic", lambda: clock[0])
    whole = engine.classify

    def slowly(batch: pictures.Picture) -> Answers:
        clock[0] += 1.0
        return whole(batch)

    monkeypatch.setattr(engine, "classify", slowly)
    desk = Desk([framed(seq, white(), deadline=limit) for seq, limit in ((0, 9.0), (1, 0.5))])
    Worker(desk, replace(model, engine=engine), 4).run()

    assert engine.batches == [2, 1]
    assert [(a.seq, a.verdict) for a in desk.answers] == [
        (0, Verdict.FAILED),
        (1, Verdict.EXPIRED),
    ]


def test_malformed_and_misdirected_messages_are_ignored(worker):
    worker.hear(Hello)
    frame, _ = framed(1, flat(1))
    worker.send(frame)  # without a picture: not a message at all
    worker.send(Acknowledged((1, 2)))
    worker.send(*framed(2, flat(2)))

    assert worker.hear(Result)[0].seq == 2
    assert not [message for message in worker.heard if isinstance(message, Result | Refusal)]


def test_a_worker_asked_who_it_is_says_hello_again(worker):
    hello = worker.hear(Hello)
    worker.send(Who())

    assert worker.hear(Hello) == hello


def test_a_restarted_dispatcher_finds_out_about_the_worker_and_can_use_it(worker):
    worker.hear(Hello)
    worker.send(Welcome("first"))
    worker.restart_dispatcher()
    worker.hear(Beat)
    worker.send(Who())
    worker.hear(Hello)
    worker.send(Welcome("second"))
    worker.send(*framed(4, flat(4)))

    assert worker.hear(Result)[0].seq == 4


def test_a_worker_leaves_when_it_is_told_to_stop(worker):
    worker.hear(Hello)
    worker.supervisor.send("stop")

    worker.until(worker.process.done)


def test_a_worker_whose_supervisor_is_gone_leaves_by_itself_after_the_last_frame(worker):
    worker.hear(Hello)
    worker.supervisor.close()
    worker.send(*framed(1, flat(1)))

    assert worker.hear(Result)[0].seq == 1, "the line still drains"
    worker.until(worker.process.done)
