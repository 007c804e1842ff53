"""What a dispatcher does not handle: it is counted, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import zmq

from line.codec import encode
from line.messages import (
    Acknowledged,
    Beat,
    Frame,
    Hello,
    Message,
    Refusal,
    Result,
    Rows,
    Stored,
    Unseen,
    UnseenItems,
    Welcome,
    Who,
)
from line.outcome import Verdict
from line.process.runtime_dir import endpoint
from tests.dispatcher_stage import (
    ALERTS,
    FRAME,
    LOG,
    PIXELS,
    RESULT,
    REVIEW,
    ROW,
    Stage,
)

# -- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["camera", "worker", "sink"])
@pytest.mark.parametrize(
    "parts",
    [[b"junk"], [b"F3", b"\x90", PIXELS], [b"H2", b"\xc1"], [*encode(Beat()), b"", b""]],
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
    "sink": [Stored(((0, 0),))],
    "dispatcher": [Welcome("x"), Who(), Acknowledged((0,)), Rows((ROW,))],
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
    [Hello("worker", "worker-0", 1, 2), Hello("sink", "tape", 1, 2), Hello("sink", LOG, 1, 2)],
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
    assert stage.told(log, Rows)[0].outcomes[0].seq == 0


@pytest.mark.parametrize("name", [ALERTS, REVIEW])
def test_what_follows_the_log_is_not_let_in(stage: Stage, name: str) -> None:
    follower = stage.stranger("sink", name)
    follower.say(follower.hello)
    stage.until(lambda: stage.hub.malformed)
    assert follower.inbox == []


def test_nobody_is_let_in_under_another_incarnation_than_its_own(stage: Stage) -> None:
    worker = stage.stranger("worker", "worker-0", 3)
    worker.say(replace(worker.hello, incarnation=4))
    stage.until(lambda: stage.hub.malformed)
    assert stage.ledger.loads() == {}


def test_a_camera_speaks_for_its_own_lane_alone(stage: Stage) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    camera.say(replace(FRAME, camera=1), PIXELS)
    camera.say(UnseenItems((Unseen(1, 0, 0.0, None, 1.0, Verdict.DROPPED, ""),)))
    stage.until(lambda: stage.hub.malformed == 2)
    stage.settle(worker)
    assert stage.ledger.held == 0


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
    assert stage.told(log, Rows)[0].outcomes[0].verdict in {Verdict.SORTED, Verdict.FAILED}


@pytest.mark.parametrize(
    "answer",
    [
        replace(RESULT, probabilities=(0.9, 0.9)),
        replace(RESULT, probabilities=(0.0, 0.0)),
        replace(RESULT, model="f" * 12),
    ],
    ids=["more than one", "less than one", "of an unknown model"],
)
def test_an_answer_that_no_model_of_this_line_gives_is_not_taken(
    stage: Stage, answer: Result
) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log = stage.peer("sink", LOG)
    camera.say(FRAME, PIXELS)
    stage.told(worker, Frame)
    worker.say(answer)
    stage.until(lambda: stage.hub.malformed)
    assert log.inbox == []
    worker.say(RESULT)
    assert stage.told(log, Rows)[0].outcomes[0].confidence == 0.9


def test_an_answer_to_a_frame_that_the_worker_was_not_given_is_not_taken(stage: Stage) -> None:
    camera, first = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log = stage.peer("sink", LOG)
    camera.say(FRAME, PIXELS)
    stage.told(first, Frame)
    second = stage.peer("worker", "worker-1")
    second.say(replace(RESULT, probabilities=(0.1, 0.9)))
    second.say(Refusal(0, 0, Verdict.FAILED, "not mine"))
    stage.settle(second)
    assert log.inbox == []
    first.say(RESULT)
    assert stage.told(log, Rows)[0].outcomes[0].worker == "worker-0#1"


def test_a_reason_is_written_in_plain_text(stage: Stage) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log = stage.peer("sink", LOG)
    camera.say(FRAME, PIXELS)
    stage.told(worker, Frame)
    worker.say(Refusal(0, 0, Verdict.FAILED, "\x1b[2Jgone\nforged,row" + "x" * 500))
    reason = stage.told(log, Rows)[0].outcomes[0].reason
    assert reason.startswith("\\x1b[2Jgone forged,row")
    assert len(reason) <= 300


@pytest.mark.parametrize(
    "identity", [b"worker-0", b"worker-0#\x1b", b"#1", b"", b"worker-0#" + b"1" * 40, b"a b#1"]
)
def test_a_name_that_is_none_is_not_heard(stage: Stage, identity: bytes) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.set(zmq.LINGER, 0)
        if identity:
            socket.set(zmq.ROUTING_ID, identity)
        socket.connect(endpoint(stage.folder, "worker"))
        socket.send_multipart(encode(Hello("worker", "worker-0", 1, 2)))
        stage.until(lambda: stage.hub.malformed)
    assert stage.ledger.loads() == {}
