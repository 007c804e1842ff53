"""The dispatcher's loop over real sockets: one process plays all the parts, step by step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from line.messages import (
    Acknowledged,
    BatchEnd,
    BatchTimes,
    Beat,
    Frame,
    Hello,
    Message,
    Rows,
    Stored,
    Unseen,
    UnseenItems,
    Welcome,
    Who,
)
from line.outcome import Verdict
from line.process.client import Client
from line.process.control_channel import ControlChannel
from tests.dispatcher_stage import (
    FRAME,
    LOG,
    PIXELS,
    RESULT,
    ROW,
    Stage,
)

# -- one item's way -------------------------------------------------------------------------------


def test_an_item_goes_from_the_camera_through_worker_and_log_and_back(stage: Stage) -> None:
    camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    log = stage.peer("sink", LOG)

    camera.say(FRAME, PIXELS)
    assert stage.told(worker, Frame) == (FRAME, PIXELS)
    worker.say(RESULT)
    rows, picture = stage.told(log, Rows)
    assert picture is None
    [outcome] = rows.outcomes
    assert (outcome.verdict, outcome.worker) == (Verdict.SORTED, "worker-0#1")

    log.say(Stored(((0, 0),)))
    assert stage.told(camera, Acknowledged) == (Acknowledged((0,)), None)
    assert stage.ledger.held == 0
    assert stage.hub.malformed == 0
    assert [peer.inbox for peer in stage.peers] == [[]] * 3


def test_an_item_without_a_picture_goes_straight_to_the_log(stage: Stage) -> None:
    camera, log = stage.peer("camera", "camera-0"), stage.peer("sink", LOG)
    camera.say(UnseenItems((Unseen(0, 4, 2.0, "glass", 210.0, Verdict.DROPPED, "overrun"),)))
    [outcome] = stage.told(log, Rows)[0].outcomes
    assert (outcome.seq, outcome.verdict) == (4, Verdict.DROPPED)
    log.say(Stored(((0, 4),)))
    assert stage.told(camera, Acknowledged)[0] == Acknowledged((4,))


@pytest.mark.parametrize(("margin", "wanted"), [(0.5, ()), (0.9, (0,))])
def test_the_camera_is_told_which_pictures_may_be_wanted_for_review(
    short_dir: Path, margin: float, wanted: tuple[int, ...]
) -> None:
    given = (f"review.margin={margin}", "review.random_share=0")
    with Stage(short_dir, *given) as stage:
        camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
        log = stage.peer("sink", LOG)
        camera.say(FRAME, PIXELS)
        stage.told(worker, Frame)
        worker.say(RESULT)  # 0.9 and 0.1
        stage.told(log, Rows)
        log.say(Stored(((0, 0),)))
        assert stage.told(camera, Acknowledged)[0] == Acknowledged((0,), wanted)


def test_many_acknowledgements_travel_together(stage: Stage) -> None:
    camera, log = stage.peer("camera", "camera-0"), stage.peer("sink", LOG)
    items = [Unseen(0, seq, 0.0, None, 1.0, Verdict.DROPPED, "") for seq in range(4)]
    camera.say(UnseenItems(tuple(items)))
    stage.told(log, Rows)
    log.say(Stored(tuple(item.key for item in items)))
    assert stage.told(camera, Acknowledged)[0].seqs == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("credit", "told"), [("auto", [Frame, BatchEnd, Frame, BatchEnd]), ("4", [Frame, Frame])]
)
def test_a_worker_that_gains_by_batches_is_told_where_one_ends(
    short_dir: Path, credit: str, told: list[type[Message]]
) -> None:
    """Unless its credit is set."""
    with Stage(short_dir, f"worker.credit={credit}") as stage:
        camera, worker = stage.peer("camera", "camera-0"), stage.stranger("worker", "worker-0")
        worker.say(replace(worker.hello, batches=BatchTimes(1.0, 0.1, 16)))
        stage.told(worker, Welcome)
        camera.say(FRAME, PIXELS)
        camera.say(replace(FRAME, seq=1), PIXELS)
        if credit == "auto":
            stage.until(lambda: len(worker.inbox) == 2 and stage.ledger.waiting)
            worker.say(RESULT)
        stage.until(lambda: len(worker.inbox) == len(told))
        stage.settle(camera)
        assert [type(message) for message, _ in worker.inbox] == told


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
    assert stage.told(log, Rows)[0].outcomes[0].seq == 0


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
    assert [outcome.seq for outcome in stage.told(old, Rows)[0].outcomes] == [0, 1, 2]
    old.say(Stored(((0, 1),)))
    stage.settle(old)
    new = stage.peer("sink", LOG, 2)
    assert [outcome.seq for outcome in stage.told(new, Rows)[0].outcomes] == [0, 2]


def test_rows_of_a_log_that_is_gone_are_sent_to_the_next_one_alone(stage: Stage) -> None:
    camera, old = stage.peer("camera", "camera-0"), stage.peer("sink", LOG)
    items = [Unseen(0, seq, 0.0, None, 1.0, Verdict.DROPPED, "") for seq in range(2)]
    camera.say(UnseenItems(tuple(items[:1])))
    stage.told(old, Rows)
    camera.say(UnseenItems(tuple(items[1:])))  # it waits for a moment, so that more may join it
    stage.until(lambda: stage.ledger.held == 2)
    new = stage.peer("sink", LOG, 2)
    assert [outcome.seq for outcome in stage.told(new, Rows)[0].outcomes] == [0, 1]
    stage.settle(new)
    assert new.inbox == []


def test_rows_from_before_a_greeting_are_not_acknowledged_after_it(stage: Stage) -> None:
    # They would pass for rows of the new dispatcher, which may have decided otherwise by now.
    supervisor, theirs = ControlChannel.pair()
    channel = ControlChannel(theirs)
    heard: list[Message] = []

    def exchanged(client: Client, until: Message) -> bool:
        for message, _ in client.exchange(monotonic() + 0.02):
            if isinstance(message, Rows):
                client.send(Stored(tuple((o.camera, o.seq) for o in message.outcomes)))
        heard.extend(received.message for received in stage.hub.receive())
        return until in heard

    with Client(stage.context("sink", LOG, channel), credit=4) as client:
        hello = Hello("sink", LOG, 1, 4)
        stage.until(lambda: exchanged(client, hello), step=False)
        for _ in range(20):  # whether both arrive at one time is up to the sockets
            heard.clear()
            stage.hub.send("sink", f"{LOG}#1", Rows((ROW,)))
            stage.hub.send("sink", f"{LOG}#1", Who())
            stage.until(lambda: exchanged(client, hello), step=False)
            exchanged(client, hello)
            greeted = heard.index(hello)
            assert not any(isinstance(message, Stored) for message in heard[greeted:])
    channel.close()
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
    for role, process in (("worker", "worker-7#7"), ("sink", LOG), ("camera", "camera-9#1")):
        stage.supervisor.send("died", role=role, process=process)
    stage.settle(worker)
    assert list(stage.ledger.loads()) == ["worker-0#1"]


def test_a_greeting_that_was_sent_before_a_death_lets_nobody_in(stage: Stage) -> None:
    camera, ghost = stage.peer("camera", "camera-0"), stage.stranger("worker", "worker-0")
    stage.supervisor.send("died", role="worker", process="worker-0#1")
    ghost.say(ghost.hello)  # it lay in the socket while the supervisor told of the death
    stage.settle(camera)
    assert stage.ledger.loads() == {}
    assert ghost.inbox == []
    successor = stage.peer("worker", "worker-0", 2)
    assert list(stage.ledger.loads()) == ["worker-0#2"]
    ghost.say(ghost.hello)
    stage.settle(successor)
    assert list(stage.ledger.loads()) == ["worker-0#2"]


def test_an_earlier_incarnation_does_not_take_the_place_of_a_later_one(stage: Stage) -> None:
    later = stage.peer("worker", "worker-0", 7)
    earlier = stage.stranger("worker", "worker-0", 6)
    earlier.say(earlier.hello)
    earlier.say(Beat())
    stage.told(earlier, Who)  # its greeting, which was said before, is dealt with
    stage.settle(later)  # and changes nothing for the later one
    assert list(stage.ledger.loads()) == ["worker-0#7"]
    assert earlier.inbox == []


def test_a_worker_that_cannot_be_sent_to_is_gone_at_once(stage: Stage) -> None:
    camera, dead = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
    stage.settle(dead)
    dead.link.__exit__(None, None, None)
    stage.peers.remove(dead)
    other = stage.peer("worker", "worker-1")
    for seq in range(200):  # the socket needs a moment to know
        camera.say(replace(FRAME, seq=seq), PIXELS)
        if not stage.until(lambda: other.inbox or "worker-0#1" not in stage.ledger.loads()):
            continue
        if "worker-0#1" not in stage.ledger.loads():
            break
        while other.inbox:
            frame, _ = stage.told(other, Frame)
            other.say(replace(RESULT, seq=frame.seq))
    assert list(stage.ledger.loads()) == ["worker-1#1"]


def test_a_worker_that_hangs_is_reported_by_its_identity(short_dir: Path) -> None:
    with Stage(short_dir, "worker.lease_s=0.1") as stage:
        camera, worker = stage.peer("camera", "camera-0"), stage.peer("worker", "worker-0")
        camera.say(FRAME, PIXELS)
        stage.told(worker, Frame)
        assert stage.until(stage.notes) == [{"kind": "suspect", "process": "worker-0#1"}]
        assert stage.ledger.waiting == 1


def test_the_loop_ends_when_the_supervisor_says_stop(stage: Stage) -> None:
    stage.supervisor.send("stop")
    stage.dispatcher.run()
    kinds = [note["kind"] for note in stage.notes()]
    assert kinds == ["ready", "processor", "flow"]


def test_without_a_supervisor_the_loop_ends_once_nothing_is_held(stage: Stage) -> None:
    stage.supervisor.close()
    begin = monotonic()
    stage.dispatcher.run()
    assert monotonic() - begin < stage.settings.supervisor.stop_s
