"""The dispatcher's loop over real sockets: one process plays all the parts, step by step."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Self, TypeVar

import pytest
import zmq

from line.client import Client
from line.codec import encode
from line.config import load
from line.dispatcher import Dispatcher
from line.leash import Leash, Note
from line.ledger import Ledger, Rules
from line.messages import (
    Acknowledged,
    Beat,
    Buffer,
    Frame,
    Hello,
    Message,
    Notice,
    NoticeStored,
    Refusal,
    Result,
    Row,
    Stored,
    Unseen,
    UnseenItems,
    Want,
    Welcome,
    Who,
)
from line.model_facts import ModelFacts
from line.outcome import Outcome, Verdict
from line.runtime_dir import endpoint
from line.seat import Seat
from line.settings import SINKS
from line.sockets import Hub, Link
from line.verdicts import Judge

PATIENCE_S = 5.0
CLASSES = ("glass", "metal")
LOG, ALERTS, REVIEW = SINKS
PIXELS = bytes(range(18))
FRAME = Frame(0, 0, 0.5, 1.0, 1.0, math.inf, "glass", 210.0, "raw", 2, 3, 7)
RESULT = Result(0, 0, (0.9, 0.1), 1.0, 0.01, "0123456789ab")
ROW = Outcome(
    camera=0, seq=0, scheduled_s=0.5, true_class=None, verdict=Verdict.EXPIRED, mass_g=1.0
)
T = TypeVar("T")


class Peer:
    """A process other than the dispatcher: its link, and what it has been told."""

    def __init__(self, folder: Path, role: str, name: str, incarnation: int = 1) -> None:
        self.role, self.name = role, name
        self.identity = f"{name}#{incarnation}"
        self.hello = Hello(role, name, incarnation, credit=4)
        self.link = Link(endpoint(folder, role), self.identity)
        self.inbox: list[tuple[Message, bytes | None]] = []

    def say(self, message: Message, payload: Buffer | None = None) -> None:
        self.link.send(message, payload)

    def listen(self) -> None:
        for message, payload in self.link.receive():
            self.inbox.append((message, None if payload is None else bytes(payload)))


class Stage:
    """A dispatcher in its folder, its supervisor, and whoever else is called for."""

    def __init__(self, folder: Path, *assignments: str) -> None:
        self.folder = folder
        self.settings = load(assignments=assignments, environment={})
        self.peers: list[Peer] = []
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        for peer in self.peers:
            peer.link.__exit__(None, None, None)
        self._end()

    def restart(self) -> None:
        """A dispatcher that knows nothing, at the same address."""
        self._end()
        self._start()

    def seat(self, role: str, name: str, leash: Leash) -> Seat:
        facts = ModelFacts(path="a.onnx", sha256="0" * 64, classes=CLASSES)
        return Seat(role, name, 0, 1, self.folder, self.folder, self.settings, facts, leash)

    def _start(self) -> None:
        self.supervisor, theirs = Leash.pair()
        self._leash = Leash(theirs)
        self.hub = Hub(self.folder)
        followers = (ALERTS, REVIEW) if self.settings.review.enabled else (ALERTS,)
        lease_s = self.settings.worker.lease_s
        rules = Rules(lease_s, 3, log=LOG, followers=followers, review=REVIEW, notices=ALERTS)
        judge = Judge(CLASSES, residue_class="", threshold=0.6)
        self.ledger = Ledger(rules, judge)
        seat = self.seat("dispatcher", "dispatcher", self._leash)
        self.dispatcher = Dispatcher(self.hub, seat, self.ledger)

    def _end(self) -> None:
        self.hub.__exit__(None, None, None)
        self._leash.close()
        self.supervisor.close()

    # -- peers ------------------------------------------------------------------------------------

    def stranger(self, role: str, name: str, incarnation: int = 1) -> Peer:
        """A peer that has not said hello."""
        self.peers.append(Peer(self.folder, role, name, incarnation))
        return self.peers[-1]

    def peer(self, role: str, name: str, incarnation: int = 1) -> Peer:
        """A peer that has been welcomed."""
        peer = self.stranger(role, name, incarnation)
        peer.say(peer.hello)
        self.told(peer, Welcome)
        return peer

    def told(self, peer: Peer, kind: type[T]) -> tuple[T, bytes | None]:
        """The next message to the peer, which must be of this kind."""
        self.until(lambda: peer.inbox)
        message, payload = peer.inbox.pop(0)
        assert isinstance(message, kind)
        return message, payload

    # -- time -------------------------------------------------------------------------------------

    def step(self) -> None:
        self.hub.wait(0.02)
        self.dispatcher.step()
        for peer in self.peers:
            peer.listen()

    def until(self, condition: Callable[[], T], *, step: bool = True) -> T:
        deadline = monotonic() + PATIENCE_S
        while not (value := condition()):
            assert monotonic() < deadline, "not within the time allowed"
            if step:
                self.step()
        return value

    def settle(self, peer: Peer) -> None:
        """Everything the peer has said is dealt with: a greeting said last is answered last."""
        before = len(peer.inbox)
        peer.say(peer.hello)
        self.until(lambda: any(isinstance(m, Welcome) for m, _ in peer.inbox[before:]))
        peer.inbox.pop()

    def notes(self) -> list[Note]:
        return list(self.supervisor.receive())


@pytest.fixture
def folder() -> Iterator[Path]:
    """The path of a socket is limited, and pytest's own folders are long."""
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def stage(folder: Path) -> Iterator[Stage]:
    with Stage(folder) as stage:
        yield stage


# -- one item's way -------------------------------------------------------------------------------


def test_an_item_goes_from_the_camera_through_worker_and_sinks_and_back(stage: Stage) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log, alerts, review = (stage.peer("sink", name) for name in SINKS)

    camera.say(FRAME, PIXELS)
    assert stage.told(worker, Frame) == (FRAME, PIXELS)
    worker.say(RESULT)
    row, picture = stage.told(log, Row)
    assert picture is None
    assert (row.outcome.verdict, row.outcome.worker) == (Verdict.SORTED, "worker-0#1")

    log.say(Stored(((0, 0),), ()))
    assert stage.told(alerts, Row) == (row, None)
    assert stage.told(review, Row) == (row, None)
    review.say(Want(0, 0))
    with_picture = replace(row, height_px=2, width_px=3)
    assert stage.told(review, Row) == (with_picture, PIXELS)

    review.say(Stored(((0, 0),), ()))
    alerts.say(Stored(((0, 0),), ()))
    assert stage.told(camera, Acknowledged) == (Acknowledged((0,)), None)
    assert stage.ledger.held == 0
    assert stage.hub.malformed == 0
    assert [peer.inbox for peer in stage.peers] == [[]] * 5


def test_an_item_without_a_picture_goes_straight_to_the_sinks(stage: Stage) -> None:
    camera, log, alerts = (
        stage.peer(*who) for who in (("camera", "camera-0"), ("sink", LOG), ("sink", ALERTS))
    )
    camera.say(UnseenItems((Unseen(0, 4, 2.0, "glass", 210.0, Verdict.DROPPED, "overrun"),)))
    row, _ = stage.told(log, Row)
    assert (row.outcome.seq, row.outcome.verdict) == (4, Verdict.DROPPED)
    log.say(Stored(((0, 4),), ()))
    stage.told(alerts, Row)
    alerts.say(Stored(((0, 4),), ()))
    assert stage.told(camera, Acknowledged)[0].seqs == (4,)


def test_the_row_that_the_log_holds_reaches_the_other_sinks(stage: Stage) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log, alerts = stage.peer("sink", LOG), stage.peer("sink", ALERTS)
    camera.say(FRAME, PIXELS)
    stage.told(worker, Frame)
    worker.say(Refusal(0, 0, Verdict.FAILED, "no JPEG"))
    assert stage.told(log, Row)[0].outcome.reason == "no JPEG"
    log.say(Stored(((0, 0),), (ROW,)))
    assert stage.told(alerts, Row)[0].outcome == ROW


def test_many_acknowledgements_travel_together(stage: Stage) -> None:
    camera, log, alerts = (
        stage.peer(*who) for who in (("camera", "camera-0"), ("sink", LOG), ("sink", ALERTS))
    )
    items = [Unseen(0, seq, 0.0, None, 1.0, Verdict.DROPPED, "") for seq in range(4)]
    camera.say(UnseenItems(tuple(items)))
    stage.until(lambda: len(log.inbox) == 4)
    log.say(Stored(tuple(item.key for item in items), ()))
    stage.until(lambda: len(alerts.inbox) == 4)
    alerts.say(Stored(tuple(item.key for item in items), ()))
    assert stage.told(camera, Acknowledged)[0].seqs == (0, 1, 2, 3)


# -- greetings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "name"), [("camera", "camera-0"), ("worker", "worker-0"), ("sink", LOG)]
)
def test_a_stranger_is_asked_who_it_is_and_then_welcomed(
    stage: Stage, role: str, name: str
) -> None:
    peer = stage.stranger(role, name)
    peer.say(Beat())
    stage.told(peer, Who)
    peer.say(peer.hello)
    stage.told(peer, Welcome)
    peer.say(Beat())
    stage.settle(peer)
    assert peer.inbox == []


def test_what_a_stranger_says_is_not_heeded(stage: Stage) -> None:
    worker = stage.peer("worker", "worker-0")
    camera = stage.stranger("camera", "camera-0")
    camera.say(FRAME, PIXELS)
    stage.told(camera, Who)
    assert stage.ledger.held == 0
    assert worker.inbox == []


def test_a_restarted_dispatcher_asks_again_and_opens_a_new_epoch(stage: Stage) -> None:
    camera, worker, log = (
        stage.stranger(*who)
        for who in (("camera", "camera-0"), ("worker", "worker-0"), ("sink", LOG))
    )
    camera.say(camera.hello)
    first, _ = stage.told(camera, Welcome)
    camera.say(FRAME, PIXELS)
    stage.until(lambda: stage.ledger.held == 1)

    stage.restart()
    for peer in (camera, worker, log):
        peer.say(Beat())
        stage.told(peer, Who)
        peer.say(peer.hello)
    second, _ = stage.told(camera, Welcome)
    assert second != first
    stage.told(worker, Welcome)
    stage.told(log, Welcome)
    camera.say(FRAME, PIXELS)
    assert stage.told(worker, Frame) == (FRAME, PIXELS)
    worker.say(RESULT)
    assert stage.told(log, Row)[0].outcome.seq == 0


def test_a_new_incarnation_takes_the_place_of_the_old_one(stage: Stage) -> None:
    camera, old = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    camera.say(FRAME, PIXELS)
    stage.told(old, Frame)
    new = stage.peer("worker", "worker-0", 2)
    assert stage.told(new, Frame) == (FRAME, PIXELS)
    assert list(stage.ledger.loads()) == ["worker-0#2"]
    old.say(Beat())
    stage.told(old, Who)


def test_a_new_incarnation_of_a_sink_is_sent_what_the_old_one_did_not_store(stage: Stage) -> None:
    camera, old = stage.peer("camera", "camera-0"), stage.peer("sink", LOG)
    items = [Unseen(0, seq, 0.0, None, 1.0, Verdict.DROPPED, "") for seq in range(3)]
    camera.say(UnseenItems(tuple(items)))
    stage.until(lambda: len(old.inbox) == 3)
    old.say(Stored(((0, 1),), ()))
    stage.settle(old)
    new = stage.peer("sink", LOG, 2)
    assert [stage.told(new, Row)[0].outcome.seq for _ in range(2)] == [0, 2]


def test_rows_from_before_a_greeting_are_not_acknowledged_after_it(stage: Stage) -> None:
    # They would pass for rows of the new dispatcher, which may have decided otherwise by now.
    supervisor, theirs = Leash.pair()
    leash = Leash(theirs)
    heard: list[Message] = []

    def exchanged(client: Client, until: Message) -> bool:
        for message, _ in client.exchange(monotonic() + 0.02):
            if isinstance(message, Row):
                client.send(Stored(((message.outcome.camera, message.outcome.seq),), ()))
        heard.extend(message for _, _, message, _ in stage.hub.receive())
        return until in heard

    with Client(stage.seat("sink", LOG, leash), credit=4) as client:
        hello = Hello("sink", LOG, 1, 4)
        stage.until(lambda: exchanged(client, hello), step=False)
        for _ in range(20):  # whether both arrive at one time is up to the sockets
            heard.clear()
            stage.hub.send("sink", f"{LOG}#1", Row(ROW, "raw", 0, 0))
            stage.hub.send("sink", f"{LOG}#1", Who())
            stage.until(lambda: exchanged(client, hello), step=False)
            exchanged(client, hello)
            greeted = heard.index(hello)
            assert not any(isinstance(message, Stored) for message in heard[greeted:])
    leash.close()
    supervisor.close()


# -- what the supervisor says ---------------------------------------------------------------------


def test_news_of_a_death_moves_its_frames_at_once(stage: Stage) -> None:
    camera, first = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    camera.say(FRAME, PIXELS)
    stage.told(first, Frame)
    second = stage.peer("worker", "worker-1")
    stage.supervisor.send("died", role="worker", process="worker-0#1")
    assert stage.told(second, Frame) == (FRAME, PIXELS)


def test_news_of_a_stranger_s_death_changes_nothing(stage: Stage) -> None:
    worker = stage.peer("worker", "worker-0")
    for role, process in (("worker", "worker-0#7"), ("sink", LOG), ("camera", "camera-9#1")):
        stage.supervisor.send("died", role=role, process=process)
    stage.settle(worker)
    assert list(stage.ledger.loads()) == ["worker-0#1"]


def test_a_notice_reaches_the_alerts_sink_and_its_receipt_the_supervisor(stage: Stage) -> None:
    stage.supervisor.send("notice", id="n-1", event="restart", text="worker-0 died")
    stage.step()
    alerts = stage.peer("sink", ALERTS)
    assert stage.told(alerts, Notice)[0] == Notice("n-1", "restart", "worker-0 died")
    alerts.say(NoticeStored("n-1"))
    note = stage.until(stage.notes)
    assert note == [{"kind": "notice_done", "id": "n-1"}]


def test_a_worker_that_hangs_is_reported_by_its_identity(folder: Path) -> None:
    with Stage(folder, "worker.lease_s=0.1") as stage:
        camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
        camera.say(FRAME, PIXELS)
        stage.told(worker, Frame)
        assert stage.until(stage.notes) == [{"kind": "suspect", "process": "worker-0#1"}]
        assert stage.ledger.waiting == 1


def test_the_loop_ends_when_the_supervisor_says_stop(stage: Stage) -> None:
    stage.supervisor.send("stop")
    stage.dispatcher.run()
    kinds = [note["kind"] for note in stage.notes()]
    assert kinds == ["ready", "flow"]


def test_without_a_supervisor_the_loop_ends_once_nothing_is_held(stage: Stage) -> None:
    stage.supervisor.close()
    begin = monotonic()
    stage.dispatcher.run()
    assert monotonic() - begin < stage.settings.supervisor.stop_s


# -- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["camera", "worker", "sink"])
@pytest.mark.parametrize(
    "parts",
    [[b"junk"], [b"F2", b"\x90", PIXELS], [b"H1", b"\xc1"], [*encode(Beat()), b"", b""]],
    ids=lambda parts: repr(parts[0]),
)
def test_garbage_at_a_socket_is_counted_and_changes_nothing(
    stage: Stage, role: str, parts: list[bytes]
) -> None:
    worker = stage.peer("worker", "worker-0")
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.set(zmq.LINGER, 0)
        socket.connect(endpoint(stage.folder, role))
        socket.send_multipart(parts)
        stage.until(lambda: stage.hub.malformed)
    stage.settle(worker)
    assert stage.hub.malformed == 1
    assert stage.ledger.held == 0
    assert worker.inbox == []


SAYINGS: dict[str, list[Message]] = {
    "camera": [FRAME, UnseenItems(())],
    "worker": [RESULT, Refusal(0, 0, Verdict.FAILED, "")],
    "sink": [Stored(((0, 0),), (ROW,)), Want(0, 0), NoticeStored("n-1")],
    "dispatcher": [Welcome("x"), Who(), Acknowledged((0,)), Row(ROW, "raw", 0, 0)],
}
NAMES = {"camera": "camera-0", "worker": "worker-0", "sink": LOG}


@pytest.mark.parametrize("role", list(NAMES))
def test_what_is_another_role_s_to_say_is_counted_and_changes_nothing(
    stage: Stage, role: str
) -> None:
    wrong = [m for other, messages in SAYINGS.items() if other != role for m in messages]
    peer = stage.peer(role, NAMES[role])
    for message in wrong:
        peer.say(message, PIXELS if isinstance(message, Frame) else None)
    stage.until(lambda: stage.hub.malformed >= len(wrong))
    stage.settle(peer)
    assert stage.hub.malformed == len(wrong)
    assert stage.ledger.held == 0
    assert peer.inbox == []


@pytest.mark.parametrize(
    "hello",
    [Hello("worker", "worker-0", 1, 2), Hello("sink", "tape", 1, 2), Hello("", "", 0, 0)],
)
def test_a_greeting_that_does_not_fit_its_socket_is_counted(stage: Stage, hello: Hello) -> None:
    peer = stage.stranger("sink", "tape")
    peer.say(hello)
    stage.until(lambda: stage.hub.malformed)
    peer.say(Beat())
    stage.told(peer, Who)


@pytest.mark.parametrize("role", ["camera", "worker"])
def test_nobody_can_take_a_sink_s_name(stage: Stage, role: str) -> None:
    log, camera = stage.peer("sink", LOG), stage.peer("camera", "camera-0")
    impostor = stage.stranger(role, LOG, 2)
    impostor.say(impostor.hello)
    stage.until(lambda: stage.hub.malformed or impostor.inbox)
    camera.say(UnseenItems((Unseen(0, 0, 0.0, None, 1.0, Verdict.DROPPED, ""),)))
    assert stage.told(log, Row)[0].outcome.seq == 0


def test_a_sink_that_this_line_does_without_is_not_let_in(folder: Path) -> None:
    with Stage(folder, "review.enabled=false") as stage:
        review = stage.stranger("sink", REVIEW)
        review.say(review.hello)
        stage.until(lambda: stage.hub.malformed)
        assert review.inbox == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_answer_with_a_wrong_number_of_classes_does_not_stop_the_line(
    stage: Stage, count: int
) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log = stage.peer("sink", LOG)
    camera.say(FRAME, PIXELS)
    stage.told(worker, Frame)
    worker.say(replace(RESULT, probabilities=(0.5,) * count))
    stage.until(lambda: stage.hub.malformed or log.inbox)
    worker.say(RESULT)
    assert stage.told(log, Row)[0].outcome.verdict in {Verdict.SORTED, Verdict.FAILED}


def test_numbers_out_of_all_bounds_do_not_stop_the_line(stage: Stage) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log = stage.peer("sink", LOG)
    wild = replace(FRAME, scheduled_s=-math.inf, triggered=math.inf, mass_g=math.inf)
    camera.say(wild, PIXELS)
    stage.told(worker, Frame)
    worker.say(Result(0, 0, (math.inf, -math.inf), -math.inf, math.inf, ""))
    row, _ = stage.told(log, Row)
    assert row.outcome.queue_ms is None
    assert row.outcome.inference_ms is None
