"""What one visitor without a session may take of the console: so long, and one place."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from console.access.connections import HEADER_S, MOST_CONNECTIONS
from tests.console_process import Console, console_over


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with console_over(tmp_path_factory.mktemp("results")) as console:
        yield console


def connect(console: Console) -> socket.socket:
    return socket.create_connection(("127.0.0.1", console.port), timeout=20 * HEADER_S)


def is_over(client: socket.socket) -> bool:
    """Waits until the other side has closed the connection."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HTTP/1.1\r\nHo",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx",
    ],
    ids=["nothing", "half a header", "half a second one", "no second one", "half a body"],
)
def test_who_owes_the_rest_of_a_request_is_cut_off(console: Console, said: bytes) -> None:
    with connect(console) as client:
        client.sendall(said)
        assert is_over(client)


def test_a_header_that_trickles_is_cut_off_too(console: Console) -> None:
    ended = threading.Event()
    with connect(console) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: ")

        def trickle() -> None:
            while not ended.wait(0.2):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

        speaker = threading.Thread(target=trickle)
        speaker.start()
        try:
            assert is_over(client)
        finally:
            ended.set()
            speaker.join()


def test_half_a_form_is_cut_off_too(console: Console) -> None:
    origin = f"Origin: {console.url}\r\nHost: 127.0.0.1:{console.port}\r\n".encode()
    with connect(console) as client:
        client.sendall(b"POST /login HTTP/1.1\r\n" + origin + b"Content-Length: 4000\r\n\r\n")
        assert is_over(client)


def test_a_websocket_without_a_session_keeps_no_connection(console: Console) -> None:
    with connect(console) as client:
        client.sendall(
            b"GET /_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert client.recv(12) == b"HTTP/1.1 403"
        assert is_over(client)


def test_many_that_say_nothing_make_room_for_one_that_speaks(console: Console) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(console)) for _ in range(3 * MOST_CONNECTIONS)]
        assert console.ask("/runs").status == 200
        assert is_over(clients[0])
        assert open_sockets(console) <= 2 * MOST_CONNECTIONS


def open_sockets(console: Console) -> int:
    """Descriptors of the process that listens at the console's port."""
    wanted = f"console.port={console.port}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "cmdline").read_bytes():
                return len(list((process / "fd").iterdir()))
        except OSError:
            continue
    raise AssertionError("the console is gone")
