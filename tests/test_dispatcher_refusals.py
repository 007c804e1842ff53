"""What a dispatcher does not heed: it is counted, and changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from line.codec import encode
from line.messages import (
    Acknowledged,
    Beat,
    Frame,
    Hello,
    Message,
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
from line.outcome import Verdict
from line.runtime_dir import endpoint
from tests.dispatcher_stage import (
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


def test_a_sink_that_this_line_does_without_is_not_let_in(short_dir: Path) -> None:
    with Stage(short_dir, "review.enabled=false") as stage:
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
