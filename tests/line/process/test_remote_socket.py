"""The socket for workers on other machines, over real TCP on the loopback: who gets in, who not,
and what those who do not can do to the others."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import zmq

from line.codec import encode
from line.connection_settings import TransportSettings
from line.errors import BadInput
from line.messages import Beat, Message, Welcome
from line.process.hub import Hub, check_remote
from line.process.link import Link
from line.process.runtime_dir import endpoint
from line.remote.curve import Lock, Pair
from line.remote.keys import WorkerKeys, make
from line.settings import MessageSettings
from tests.ports import free_port

PATIENCE_S = 300.0
LIMITS = MessageSettings(header_kb=512, picture_mb=1)


class Line:
    """A hub with a remote socket, and its keys."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.keys = folder / "keys"
        make(self.keys, ["press", "mill"], rotate=False)
        self.port = free_port()
        self.transport = TransportSettings(listen=f"tcp://{host}:{self.port}", keys=str(self.keys))
        self.hub = Hub(folder, LIMITS, self.transport)
        self.heard: list[tuple[str, str, Message]] = []

    def lock(self, name: str) -> Lock:
        keys = WorkerKeys.load(self.keys / f"for-{name}", None)
        return Lock(keys.pair, keys.servers[0])

    def link(self, identity: str, lock: Lock) -> Link:
        return Link(self.transport.listen, identity, lock=lock)

    def hears(self, identity: str) -> bool:
        self.hub.wait(0.02)
        self.heard += [received[:3] for received in self.hub.receive()]
        return ("remote", identity, Beat()) in self.heard

    def knock(self, data: bytes = b"") -> socket.socket:
        """A plain TCP connection."""
        knocking = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        if data:
            knocking.sendall(data)
        return knocking


@pytest.fixture
def line(short_dir: Path) -> Iterator[Line]:
    opened = Line(short_dir)
    with opened.hub:
        yield opened


@pytest.fixture
def press(line: Line) -> Iterator[Link]:
    """A worker that is in."""
    with line.link("press#1", line.lock("press")) as link:
        link.send(Beat())
        until(lambda: line.hears("press#1"))
        line.heard.clear()
        yield link


def until(condition: Callable[[], Any]) -> Any:
    deadline = monotonic() + PATIENCE_S
    while not (value := condition()):
        assert monotonic() < deadline, "not in time"
    return value


def stranger_pair() -> Pair:
    return Pair(*zmq.curve_keypair())


def is_refused(line: Line, lock: Lock, identity: str = "press#2") -> str:
    """Why the line does not hear a link with this lock."""
    with line.link(identity, lock) as link:
        link.send(Beat())

        def refused() -> str | None:
            assert not line.hears(identity)
            return link.loss

        return str(until(refused))


# -- who gets in ----------------------------------------------------------------------------------


def test_a_worker_with_its_keys_is_heard_and_answered(line: Line, press: Link) -> None:
    assert line.hub.send("remote", "press#1", Welcome("1"))
    until(lambda: [m for m, _ in press.receive()] == [Welcome("1")])
    assert line.hub.strangers == 0


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_a_door_may_have_an_ipv6_address(tmp_path: Path) -> None:
    line = Line(tmp_path, "[::1]")
    assert line.transport.fault(1) is None
    with line.hub, line.link("press#1", line.lock("press")) as link:
        link.send(Beat())
        until(lambda: line.hears("press#1"))


@pytest.mark.parametrize(
    "listen", ["tcp://::1:5555", "tcp://[::1]", "tcp://[]:5555", "tcp://[fe80::1%eth 0]:5555"]
)
def test_an_ipv6_address_stands_in_brackets(listen: str) -> None:
    fault = TransportSettings(listen=listen, keys="keys").fault(1)
    assert fault is not None
    assert fault.startswith("transport.listen: must be tcp://HOST:PORT")


def test_an_unknown_key_is_refused_and_counted(line: Line) -> None:
    lock = Lock(stranger_pair(), line.lock("press").server)
    assert is_refused(line, lock) == "the line does not let this key in"
    assert line.hub.strangers == 1


def test_a_line_with_another_key_is_not_spoken_to(line: Line) -> None:
    lock = Lock(line.lock("press").pair, stranger_pair().public)
    assert "key expected" in is_refused(line, lock)
    until(lambda: line.hub.strangers == 1)


def test_without_encryption_nobody_is_heard(line: Line, press: Link) -> None:
    with Link(line.transport.listen, "press#2") as plain:
        plain.send(Beat())
        until(lambda: line.hub.strangers)
        press.send(Beat())
        until(lambda: line.hears("press#1"))
        assert not line.hears("press#2")


def test_a_worker_cannot_speak_in_the_name_of_another(line: Line) -> None:
    with line.link("mill#1", line.lock("press")) as impostor:
        impostor.send(Beat())
        until(lambda: line.hears("mill#1") or line.hub.strangers)
        assert line.heard == []


def test_a_key_counts_from_the_moment_that_it_is_there_until_it_is_removed(line: Line) -> None:
    make(line.keys, ["late"], rotate=False)
    lock = line.lock("late")
    with line.link("late#1", lock) as link:
        link.send(Beat())
        until(lambda: line.hears("late#1"))
    (line.keys / "workers" / "late.key").unlink()
    assert is_refused(line, lock, "late#2") == "the line does not let this key in"


def test_a_key_file_that_others_may_have_written_lets_nobody_in(line: Line) -> None:
    (line.keys / "workers" / "press.key").chmod(0o666)
    assert is_refused(line, line.lock("press")) == "the line does not let this key in"


# -- without an authenticator
# -------------------------------------------------------------------------


def test_while_nobody_answers_for_keys_nobody_gets_in(line: Line, press: Link) -> None:
    assert line.hub._remote is not None
    line.hub._remote._authenticator.stop()
    assert is_refused(line, line.lock("mill"), "mill#1")
    press.send(Beat())
    until(lambda: line.hears("press#1"))  # who was in stays in


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_authenticator_that_died_at_work_lets_nobody_in(line: Line, press: Link) -> None:
    def die(public: bytes) -> str | None:
        raise RuntimeError("on purpose")

    assert line.hub._remote is not None
    authenticator = line.hub._remote._authenticator
    authenticator._name_of = die
    assert is_refused(line, line.lock("mill"), "mill#1")
    until(lambda: not authenticator.is_alive())
    assert is_refused(line, line.lock("mill"), "mill#2")
    press.send(Beat())
    until(lambda: line.hears("press#1"))


# -- what strangers can do to the others ----------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: line\r\n\r\n",
        b"\xff" * 64,
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL" + bytes(48),
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE" + bytes(47) + b"\x06\xff\xff\xff\xff",
    ],
    ids=["silence", "http", "noise", "greeting without curve", "endless handshake"],
)
def test_strangers_are_counted_and_the_others_do_not_notice(
    line: Line, press: Link, data: bytes
) -> None:
    ipc = Link(endpoint(Path(line.hub._lock.name).parent, "worker"), "worker-0#1")
    with ExitStack() as stack, ipc:
        for _ in range(200):
            stack.enter_context(line.knock(data))
        press.send(Beat())
        ipc.send(Beat())
        until(lambda: line.hears("press#1") and ("worker", "worker-0#1", Beat()) in line.heard)
        with line.link("mill#1", line.lock("mill")) as mill:
            mill.send(Beat())
            until(lambda: line.hears("mill#1"))
        until(lambda: line.hears("press#1") and line.hub.strangers >= 200)
    assert line.hub.malformed == 0


def test_a_flood_of_wrong_keys_is_counted_and_the_others_do_not_notice(
    line: Line, press: Link
) -> None:
    lock = Lock(stranger_pair(), line.lock("press").server)
    with ExitStack() as stack:
        for number in range(40):
            stack.enter_context(line.link(f"press#{number + 2}", lock)).send(Beat())
        press.send(Beat())
        until(lambda: line.hears("press#1") and line.hub.strangers >= 40)
    assert {peer for _, peer, _ in line.heard} == {"press#1"}


@pytest.mark.parametrize("size", [1 << 20, 1 << 24], ids=["1 MiB", "16 MiB"])
def test_a_message_larger_than_workers_send_ends_its_connection_alone(
    line: Line, press: Link, size: int
) -> None:
    with line.link("mill#1", line.lock("mill")) as mill:
        mill.send(Welcome("x" * size))
        until(lambda: line.hears("mill#1") or mill.loss)
        press.send(Beat())
        until(lambda: line.hears("press#1"))
    assert {peer for _, peer, _ in line.heard} == {"press#1"}


def test_bytes_that_are_no_message_are_counted_from_there_as_well(line: Line, press: Link) -> None:
    press._dealer.send_multipart([b"junk"])
    press._dealer.send_multipart(encode(Beat()))
    until(lambda: line.hears("press#1"))
    assert line.hub.malformed == 1


# -- a remote socket that cannot be
# ------------------------------------------------------------------------


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_address_in_use_is_refused_by_name(line: Line, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"transport.listen: tcp://.*: Address already in use"):
        check_remote(line.transport)
    short = Path(tempfile.mkdtemp(dir="/tmp"))
    before = open_descriptors()
    with pytest.raises(BadInput, match="in use"):
        Hub(short, LIMITS, line.transport)
    assert open_descriptors() == before
    shutil.rmtree(short)


def test_an_address_of_another_machine_is_refused_by_name(line: Line) -> None:
    transport = line.transport.model_copy(update={"listen": "tcp://192.0.2.1:5555"})
    with pytest.raises(BadInput, match=r"transport.listen: tcp://192.0.2.1:5555: "):
        check_remote(transport)


def test_a_secret_that_others_can_read_is_refused_by_name(line: Line) -> None:
    (line.keys / "server.key_secret").chmod(0o640)
    with pytest.raises(
        BadInput, match=r"server.key_secret: others may read or write it \(mode 0640\)"
    ):
        check_remote(line.transport)


def test_keys_that_are_not_there_are_refused_by_name(line: Line, tmp_path: Path) -> None:
    transport = line.transport.model_copy(update={"keys": str(tmp_path)})
    with pytest.raises(BadInput, match=f"{tmp_path}/server.key_secret: No such file"):
        check_remote(transport)


def test_no_door_needs_no_keys() -> None:
    check_remote(TransportSettings(listen="", keys=""))
