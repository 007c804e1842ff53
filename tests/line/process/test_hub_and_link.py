"""The message plane over real ipc sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import TypeVar

import pytest
import zmq

from line.codec import encode
from line.errors import BadInput
from line.messages import (
    Beat,
    Buffer,
    Frame,
    Hello,
    Message,
    Welcome,
    Who,
)
from line.process.hub import Hub
from line.process.link import Link
from line.process.runtime_dir import endpoint

PATIENCE_S = 60.0
LONGEST_PATH = 107
T = TypeVar("T")


@pytest.fixture
def hub(short_dir: Path) -> Iterator[Hub]:
    with Hub(short_dir) as hub:
        yield hub


@pytest.fixture
def link(hub: Hub, short_dir: Path) -> Iterator[Link]:
    with Link(endpoint(short_dir, "worker"), "worker-0#1") as link:
        yield link


@pytest.fixture
def raw(hub: Hub, short_dir: Path) -> Iterator[zmq.Socket[bytes]]:
    """A peer that sends whatever it likes."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.ROUTING_ID, b"worker-9#1")
        socket.connect(endpoint(short_dir, "worker"))
        yield socket


def poll(owner: Hub | Link, look: Callable[[], T]) -> T:
    """The first true value of `look`, which is asked whenever something arrives."""
    deadline = monotonic() + PATIENCE_S
    while not (value := look()):
        assert monotonic() < deadline, "nothing came in time"
        owner.wait(0.05)
    return value


def heard(hub: Hub) -> tuple[str, str, Message, Buffer | None]:
    """The one message that reaches the hub."""
    (received,) = poll(hub, lambda: list(hub.receive()))
    return received[:4]


def told(link: Link) -> tuple[Message, Buffer | None]:
    (received,) = poll(link, lambda: list(link.receive()))
    return received


def test_a_greeting_and_its_answer_find_their_way(hub: Hub, link: Link) -> None:
    hello = Hello("worker", "worker-0", 1, 2)
    link.send(hello)
    assert heard(hub) == ("worker", "worker-0#1", hello, None)
    assert hub.send("worker", "worker-0#1", Welcome("1-0.5"))
    assert told(link) == (Welcome("1-0.5"), None)


@pytest.mark.parametrize("side_px", [4, 1000], ids=["small", "three megabytes"])
def test_a_picture_travels_both_ways_unharmed(hub: Hub, link: Link, side_px: int) -> None:
    data = bytes(range(256)) * (side_px * side_px * 3 // 256 + 1)
    data = data[: side_px * side_px * 3]
    frame = Frame(0, 1, 0.5, 1.0, 1.0, 2.0, "glass", 210.0, "raw", side_px, side_px, 0)
    link.send(frame, data)
    role, peer, message, payload = heard(hub)
    assert (message, bytes(payload or b"")) == (frame, data)
    assert hub.send(role, peer, message, payload)
    message, payload = told(link)
    assert (message, bytes(payload or b"")) == (frame, data)


def test_what_one_peer_sends_arrives_in_order(hub: Hub, link: Link) -> None:
    for seq in range(1000):
        link.send(Welcome(str(seq)))
    epochs: list[str] = []

    def all_here() -> bool:
        heard = (received.message for received in hub.receive())
        epochs.extend(m.epoch for m in heard if isinstance(m, Welcome))
        return len(epochs) == 1000

    poll(hub, all_here)
    assert epochs == [str(seq) for seq in range(1000)]


def test_each_role_has_a_socket_of_its_own(hub: Hub, short_dir: Path) -> None:
    for role in ("camera", "worker", "sink"):
        with Link(endpoint(short_dir, role), "same-name#1") as link:
            link.send(Beat())
            assert heard(hub) == (role, "same-name#1", Beat(), None)


def test_sending_to_an_unknown_peer_says_so(hub: Hub, link: Link) -> None:
    assert not hub.send("worker", "worker-7#1", Who())
    link.send(Beat())
    heard(hub)
    assert hub.send("worker", "worker-0#1", Who())
    assert not hub.send("sink", "worker-0#1", Who())


def test_sending_to_a_peer_that_is_gone_says_so(hub: Hub, short_dir: Path) -> None:
    with Link(endpoint(short_dir, "worker"), "worker-0#1") as link:
        link.send(Beat())
        heard(hub)
    poll(hub, lambda: not hub.send("worker", "worker-0#1", Who()))


def test_a_link_may_come_before_its_hub_and_stay_after_it(short_dir: Path) -> None:
    with Link(endpoint(short_dir, "sink"), "csv_log#1") as link:
        link.send(Beat())
        with Hub(short_dir) as hub:
            assert heard(hub)[1] == "csv_log#1"
        link.send(Beat())
        with Hub(short_dir) as hub:
            assert heard(hub)[1] == "csv_log#1"


def test_what_was_sent_just_before_leaving_still_arrives(hub: Hub, short_dir: Path) -> None:
    with Link(endpoint(short_dir, "worker"), "worker-0#1") as link:
        link.send(Welcome("last words"))
        link.linger(PATIENCE_S)
    assert heard(hub)[2] == Welcome("last words")


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"B1"],
        [b"B1", b"\xc1"],
        [b"XX", b"\x90"],
        [b"B1", b"\x90", b"", b""],
        [b"F3", b"\x90", bytes(1 << 17)],
        [bytes(1 << 17), bytes(1 << 17)],
        [b"B1", bytes(1 << 21)],
    ],
    ids=lambda parts: repr([bytes(part[:4]) for part in parts]),
)
def test_what_is_no_message_is_counted_and_ignored(
    hub: Hub, raw: zmq.Socket[bytes], parts: list[bytes]
) -> None:
    raw.send_multipart(parts)
    raw.send_multipart(encode(Beat()))
    assert heard(hub) == ("worker", "worker-9#1", Beat(), None)
    assert hub.malformed == 1


def test_a_name_that_is_no_ascii_is_counted_and_ignored(
    hub: Hub, link: Link, short_dir: Path
) -> None:
    with Link(endpoint(short_dir, "worker"), "wörker") as stranger:
        stranger.send(Beat())
        poll(hub, lambda: [*hub.receive()] or hub.malformed)
    assert hub.malformed == 1
    link.send(Beat())
    assert heard(hub)[1] == "worker-0#1"


def test_what_is_no_message_is_counted_at_the_other_end_too(short_dir: Path) -> None:
    address = endpoint(short_dir, "worker")
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.set(zmq.LINGER, 0)
        router.set(zmq.RCVTIMEO, int(1000 * PATIENCE_S))
        router.bind(address)
        with Link(address, "worker-0#1") as link:
            link.send(Beat())
            peer = router.recv_multipart()[0]
            router.send_multipart([peer, b"junk"])
            router.send_multipart([peer, *encode(Who())])
            assert told(link) == (Who(), None)
            assert link.malformed == 1


def test_waiting_ends_with_a_message_or_with_the_time(hub: Hub, link: Link) -> None:
    begin = monotonic()
    link.wait(0.05)
    assert monotonic() - begin >= 0.04
    link.wait(0.0005)
    link.wait(-1.0)
    link.send(Beat())
    begin = monotonic()
    hub.wait(PATIENCE_S)
    assert monotonic() - begin < PATIENCE_S
    assert list(hub.receive())


def test_cameras_wake_the_hub_only_when_they_are_to(hub: Hub, link: Link, short_dir: Path) -> None:
    with Link(endpoint(short_dir, "camera"), "camera-0#1") as camera:
        camera.send(Beat())
        hub.wait(PATIENCE_S)  # it is there, and nobody has read it
        begin = monotonic()
        hub.wait_for(0.2, cameras=False)
        assert monotonic() - begin >= 0.2
        assert heard(hub)[0] == "camera"

        camera.send(Beat())
        hub.wait_for(PATIENCE_S, cameras=True)
        link.send(Beat())
        hub.wait_for(PATIENCE_S, cameras=False)
        assert {received.role for received in hub.receive()} == {"camera", "worker"}


def test_two_hubs_cannot_share_a_folder(hub: Hub, link: Link, short_dir: Path) -> None:
    with pytest.raises(BadInput, match="another dispatcher") as error:
        Hub(short_dir)
    assert str(error.value).startswith(f"{short_dir}: ")
    link.send(Beat())
    assert heard(hub)[2] == Beat()  # the first one keeps its sockets


def test_a_folder_can_be_used_again_after_its_hub(short_dir: Path) -> None:
    for _ in range(2):
        with Hub(short_dir) as hub, Link(endpoint(short_dir, "camera"), "camera-0#1") as link:
            link.send(Beat())
            assert heard(hub)[2] == Beat()


def test_a_path_that_no_socket_can_have_is_refused_by_name(short_dir: Path) -> None:
    room = LONGEST_PATH - len(f"{short_dir}//camera.ipc")
    fits, too_long = short_dir / ("x" * room), short_dir / ("x" * (room + 1))
    fits.mkdir()
    too_long.mkdir()
    assert endpoint(fits, "camera") == f"ipc://{fits}/camera.ipc"
    with Hub(fits) as hub, Link(endpoint(fits, "camera"), "camera-0#1") as link:
        link.send(Beat())
        assert heard(hub)[2] == Beat()
    with pytest.raises(BadInput, match="107 bytes") as error:
        Hub(too_long)
    assert str(error.value).startswith(f"{too_long}/camera.ipc: ")


def test_the_bytes_of_a_path_are_counted_not_its_letters(short_dir: Path) -> None:
    with pytest.raises(BadInput, match="107 bytes"):
        endpoint(short_dir / ("ü" * 50), "camera")


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("folder", [".", "x" * 100], ids=["taken", "too long"])
def test_a_hub_that_cannot_be_leaves_nothing_open(hub: Hub, short_dir: Path, folder: str) -> None:
    (short_dir / folder).mkdir(exist_ok=True)
    before = open_descriptors()
    with pytest.raises(BadInput) as error:
        Hub(short_dir / folder)
    assert open_descriptors() == before, error
