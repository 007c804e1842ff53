"""Waiting for sockets and descriptors, over real ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import zmq

from line.process.readable import Sources, has_message
from tests.running_line import poll

PATIENCE_S = 60.0


@pytest.fixture
def pair() -> Iterator[tuple[zmq.Socket[bytes], zmq.Socket[bytes]]]:
    """Two ends of one connection, both of which may speak."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
        for end in (one, two):
            end.set(zmq.LINGER, 0)
        port = one.bind_to_random_port("tcp://127.0.0.1")
        two.connect(f"tcp://127.0.0.1:{port}")
        yield one, two


def test_the_time_is_over_before_anything_comes(
    pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]],
) -> None:
    sources = Sources()
    sources.add(pair[0])
    assert sources.wait(0.0005) == set()
    assert sources.wait(-1.0) == set()


def test_a_message_and_a_descriptor_end_the_wait(
    pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]],
) -> None:
    here, there = socket.socketpair()
    sources = Sources()
    sources.add(pair[0])
    sources.add(here.fileno())
    with here, there:
        pair[1].send(b"hello")
        assert sources.wait(PATIENCE_S) == {pair[0]}
        there.send(b"!")
        assert sources.wait(PATIENCE_S) == {pair[0], here.fileno()}
        assert pair[0].recv() == b"hello"
        assert sources.wait(PATIENCE_S) == {here.fileno()}
        sources.remove(here.fileno())
        assert sources.wait(0.0) == set()


def test_a_message_that_came_in_while_another_was_sent_is_seen(
    pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]],
) -> None:
    """The descriptor does not tell of it any more."""
    one, two = pair
    sources = Sources()
    sources.add(one)
    two.send(b"hello")
    poll(lambda: has_message(one), "the message")
    one.send(b"hello yourself")
    assert sources.wait(PATIENCE_S) == {one}


def test_a_socket_that_is_no_longer_waited_for_ends_no_wait(
    pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]],
) -> None:
    one, two = pair
    sources = Sources()
    sources.add(one)
    two.send(b"hello")
    poll(lambda: has_message(one), "the message")
    sources.remove(one)
    assert sources.wait(0.0) == set()
    sources.add(one)
    assert sources.wait(PATIENCE_S) == {one}
