"""A worker with a key that means ill, at a real dispatcher: it may answer wrongly, and no more."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest
import zmq

from line.codec import encode
from line.dispatch import dispatcher
from line.messages import (
    Acknowledged,
    Beat,
    Buffer,
    ClockQuery,
    Frame,
    Hello,
    Message,
    Result,
    Rows,
    Stored,
    Terms,
    Welcome,
)
from line.outcome import Outcome, Verdict
from line.process.hub import REMOTE
from line.process.link import Link
from line.process.memory import resident_bytes
from line.remote.curve import Lock
from line.remote.keys import WorkerKeys, make
from tests.dispatcher_stage import FRAME, LOG, MODEL, PIXELS, RESULT, Peer, Stage
from tests.ports import free_port


class Remote(Link):
    """A worker's connection, with all that a key allows."""

    def __init__(self, stage: Stage, keys: Path, name: str, incarnation: int = 1) -> None:
        found = WorkerKeys.load(keys / f"for-{name}", None)
        lock = Lock(found.pair, found.servers[0])
        self.identity = f"{name}#{incarnation}"
        super().__init__(stage.settings.transport.listen, self.identity, lock=lock)
        self.hello = Hello(REMOTE, name, incarnation, credit=2)
        self.heard: list[Message] = []

    def send_parts(self, parts: list[Buffer]) -> None:
        self._dealer.send_multipart(parts, zmq.NOBLOCK)

    def send_part(self, part: bytes, *, more: bool) -> bool:
        """False if there is no room just now."""
        try:
            self._dealer.send(part, zmq.NOBLOCK | (zmq.SNDMORE if more else 0))
        except zmq.Again:
            return False
        return True

    def listen(self) -> list[Message]:
        self.heard += [message for message, _ in self.receive()]
        return self.heard

    def frames(self) -> list[Frame]:
        return [message for message in self.listen() if isinstance(message, Frame)]


class Line:
    """A dispatcher with a remote socket, a camera, a log, and whoever comes in."""

    def __init__(self, folder: Path, stack: ExitStack, hang_s: float = 60.0) -> None:
        """`hang_s`: so long a worker may be silent, however slow this machine is."""
        self.keys = folder / "keys"
        make(self.keys, ["press", "mill"], rotate=False)
        address = f"tcp://127.0.0.1:{free_port()}"
        given = (f"transport.listen={address}", f"transport.keys={self.keys}", "worker.lease_s=60")
        patience = f"supervisor.hang_s={hang_s}"
        self.stage = stack.enter_context(Stage(folder, *given, patience))
        self.camera = self.stage.peer("camera", "camera-0")
        self.log = self.stage.peer("sink", LOG)
        self.outcomes: deque[Outcome] = deque()
        """that came with others and were not asked for yet"""
        self._stack = stack

    def remote(self, name: str, incarnation: int = 1) -> Remote:
        return self._stack.enter_context(Remote(self.stage, self.keys, name, incarnation))

    def join(self, name: str, incarnation: int = 1) -> Remote:
        """A worker that takes frames."""
        remote = self.remote(name, incarnation)
        remote.send(remote.hello)
        self.stage.until(lambda: any(isinstance(m, Terms) for m in remote.listen()))
        return remote

    def see(self, seq: int) -> None:
        self.camera.say(replace(FRAME, seq=seq), PIXELS)

    def outcome(self) -> Outcome:
        if not self.outcomes:
            self.outcomes.extend(self.stage.told(self.log, Rows)[0].outcomes)
        outcome = self.outcomes.popleft()
        self.log.say(Stored(((0, outcome.seq),)))
        self.stage.told(self.camera, Acknowledged)
        return outcome


@pytest.fixture
def line(short_dir: Path) -> Iterator[Line]:
    with ExitStack() as stack:
        yield Line(short_dir, stack)


def test_it_answers_what_it_holds_and_its_times_are_believed_as_far_as_they_can_be_true(
    line: Line,
) -> None:
    press = line.join("press")
    line.see(0)
    line.stage.until(press.frames)
    press.send(replace(RESULT, started=-1e9, inference_s=1e6))
    row = line.outcome()
    assert (row.worker, row.verdict) == ("press#1", Verdict.SORTED)
    assert row.queue_ms is not None
    assert row.dispatched_ms is not None
    assert row.inference_ms is not None
    assert row.queue_ms >= row.dispatched_ms
    assert row.inference_ms < 60_000


def test_it_decides_nothing_that_it_was_not_given(line: Line) -> None:
    honest = line.stage.peer("worker", "worker-0")
    for seq in range(4):
        line.see(seq)
    line.stage.until(lambda: len(honest.inbox) == 4)
    press = line.join("press")
    for seq in range(10):
        press.send(replace(RESULT, seq=seq, probabilities=(0.0, 1.0)))
    press.send(ClockQuery(0.0))
    line.stage.until(lambda: len(press.listen()) > 2)
    assert line.log.inbox == []
    for seq in range(4):
        honest.say(replace(RESULT, seq=seq))
    assert {line.outcome().worker for _ in range(4)} == {"worker-0#1"}


def test_one_that_takes_items_and_leaves_is_shut_out(short_dir: Path) -> None:
    with ExitStack() as stack:
        comes_and_goes(Line(short_dir, stack, hang_s=1.0))


def comes_and_goes(line: Line) -> None:
    honest = line.stage.stranger("worker", "worker-0")
    honest.say(replace(honest.hello, credit=1))
    line.stage.told(honest, Welcome)
    lost = 0
    for incarnation in range(1, 20):
        lost += take_and_leave(line, incarnation)
        for _ in range(2):  # the frames come to the other when it is found out
            frame, _ = line.stage.told(honest, Frame)
            honest.say(replace(RESULT, seq=frame.seq))
            assert line.outcome().worker == "worker-0#1"
        if shut_out(line.stage):
            break
    assert 3 <= lost <= 6
    again = line.remote("press", 99)
    mill = line.remote("mill")
    again.send(again.hello)
    mill.send(mill.hello)
    line.stage.until(lambda: any(isinstance(m, Terms) for m in mill.listen()))
    assert not again.listen()
    assert "press#99" not in line.stage.ledger.loads()


def take_and_leave(line: Line, incarnation: int) -> int:
    """Two items are seen, one worker is honest; returns how many the other one took with it."""
    press = line.join("press", incarnation)
    line.see(2 * incarnation)
    line.see(2 * incarnation + 1)
    line.stage.until(press.frames)
    taken = len(press.frames())
    press.__exit__(None, None, None)
    return taken


def shut_out(stage: Stage) -> bool:
    return any(note.get("event") == "remote_shut_out" for note in stage.notes())


def test_a_key_has_so_many_connections_and_no_more(line: Line) -> None:
    most = dispatcher._MOST_CONNECTIONS
    for number in range(most):
        line.join("press", number)
    one_more = line.remote("press", most)
    one_more.send(one_more.hello)
    line.stage.until(lambda: line.stage.hub.malformed)
    assert not one_more.listen()
    line.join("mill")


def test_messages_of_many_parts_are_passed_over_and_hold_up_nobody(line: Line) -> None:
    press, mill = line.join("press"), line.join("mill")
    press.send_parts([b"B1", *[b"x"] * 50_000])
    mill.send(ClockQuery(1.5))
    line.stage.until(lambda: len(mill.listen()) > 2)
    line.stage.until(lambda: line.stage.hub.strangers)
    press.send(ClockQuery(2.5))
    line.stage.until(lambda: len(press.listen()) > 2)
    assert line.stage.ledger.held == 0


def test_parts_that_are_too_long_cost_the_connection_alone(line: Line) -> None:
    press, mill = line.join("press"), line.join("mill")
    press.send_parts([b"R2", bytes(10**6)])
    line.stage.until(lambda: press.loss)
    mill.send(ClockQuery(1.5))
    line.stage.until(lambda: len(mill.listen()) > 2)


def test_one_that_never_reads_costs_no_memory(line: Line) -> None:
    press, mill = line.join("press"), line.join("mill")
    before = resident_bytes()
    query = encode(ClockQuery(0.0))
    for _ in range(100_000):
        try:
            press.send_parts(query)
        except zmq.Again:
            line.stage.step()
    mill.send(ClockQuery(1.5))
    line.stage.until(lambda: len(mill.listen()) > 2)
    assert resident_bytes() - before < 60e6


def test_one_that_never_ends_its_message_is_thrown_out_before_memory_is_full(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_SPARE_BYTES", 100 * 10**6)
    press = line.join("press")
    part = bytes(60_000)
    deadline = monotonic() + 60
    while not closed(line.stage):
        assert monotonic() < deadline, "nobody stops it"
        for _ in range(200):
            if not press.send_part(part, more=True):
                break
        line.stage.step()
        line.stage.dispatcher._check_memory()
    mill = line.join("mill")
    line.see(0)
    line.stage.until(mill.frames)
    mill.send(RESULT)
    assert line.outcome().worker == "mill#1"


def closed(stage: Stage) -> bool:
    return any(note.get("event") == "remote_closed" for note in stage.notes())


@pytest.mark.parametrize(
    "probabilities",
    [(math.inf, 0.0), (math.nan, 1.0), (-1.0, 2.0), (0.5, 0.4), (), (1.0,), (0.2,) * 5],
)
def test_what_is_no_answer_decides_nothing(line: Line, probabilities: tuple[float, ...]) -> None:
    press = line.join("press")
    line.see(0)
    line.stage.until(press.frames)
    press.send(Result(0, 0, probabilities, 1.0, 0.01, MODEL))
    line.stage.until(lambda: line.stage.hub.malformed)
    assert line.log.inbox == []
    press.send(RESULT)
    assert line.outcome().confidence == 0.9


def test_a_role_or_a_name_that_is_not_its_own_lets_nobody_in(line: Line) -> None:
    press = line.remote("press")
    for hello in (
        Hello("worker", "worker-0", 1, 2),
        Hello("sink", LOG, 1, 2),
        Hello(REMOTE, "mill", 1, 2),
        Hello(REMOTE, "press", 2, 2),
    ):
        press.send(hello)
    line.stage.until(lambda: line.stage.hub.malformed == 4)
    press.send(Beat())
    line.stage.until(press.listen)
    assert line.stage.ledger.loads() == {}
    assert isinstance(line.camera, Peer)
