"""Workers that a cluster has started: on this machine they get handles of pictures, else bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from line.messages import Frame, Hello, Terms
from line.process.hub import REMOTE
from line.process.link import Link
from line.process.picture_ring import Pictures, RingWriter, make_memory
from line.process.runtime_dir import PLACED, RUN_KEYS, endpoint
from line.remote import run_keys
from line.remote.curve import Lock, Pair, new_pair
from tests.dispatcher_stage import FRAME, PIXELS, Stage
from tests.ports import free_port


@pytest.fixture
def memory() -> Iterator[int]:
    fd = make_memory()
    yield fd
    os.close(fd)


@pytest.fixture
def stage(short_dir: Path, memory: int) -> Iterator[Stage]:
    run_keys.make_run_keys(short_dir / RUN_KEYS)
    listens = f"transport.listen=tcp://127.0.0.1:{free_port()}"
    with Stage(short_dir, "placement.kind=ray", listens, memory=[memory]) as opened:
        yield opened


def link_of(stage: Stage, name: str, address: str, pair: Pair) -> Link:
    """Of a worker that comes to this address, and has said hello."""
    lock = Lock(pair, run_keys.line_key(stage.folder / RUN_KEYS))
    link = Link(address, f"{name}#1", lock=lock)
    link.send(Hello(REMOTE, name, 1, credit=1))
    return link


def frame_for(stage: Stage, link: Link) -> tuple[Frame, bytes]:
    """The next one, and what came with it."""
    received = stage.until(lambda: [each for each in link.receive() if isinstance(each[0], Frame)])
    ((frame, payload),) = received
    assert isinstance(frame, Frame)
    return frame, bytes(payload or b"")


def test_a_worker_of_this_machine_finds_the_picture_and_one_elsewhere_is_sent_it(
    stage: Stage, memory: int
) -> None:
    writer = RingWriter(memory, 4, len(PIXELS))
    here, there = endpoint(stage.folder, PLACED), stage.settings.transport.listen
    camera = stage.peer("camera", "camera-0")
    with ExitStack() as stack:
        links = {}
        for name, address in (("ray-0", here), ("ray-1", there)):
            pair = new_pair()
            run_keys.let_in(stage.folder / RUN_KEYS, name, pair.public)
            links[name] = stack.enter_context(link_of(stage, name, address, pair))
            stage.until(lambda link=links[name]: Terms in {type(m) for m, _ in link.receive()})
        for seq in range(2):
            camera.say(replace(FRAME, seq=seq, handle=writer.put(seq, PIXELS)))
        frame, payload = frame_for(stage, links["ray-0"])
        assert payload == b""
        assert Pictures([memory]).copy(frame, None) == PIXELS
        frame, payload = frame_for(stage, links["ray-1"])
        assert frame.handle is None
        assert payload == PIXELS
    joined = {note["text"] for note in stage.notes() if note.get("event") == "remote_joined"}
    assert joined == {"ray-0#1 has joined on this machine", "ray-1#1 has joined"}
    writer.close()


def test_nobody_comes_in_on_this_machine_without_a_key_either(stage: Stage) -> None:
    with link_of(stage, "ray-0", endpoint(stage.folder, PLACED), new_pair()) as link:
        assert stage.until(lambda: link.loss) == "the line does not let this key in"
    assert stage.hub.strangers == 1
