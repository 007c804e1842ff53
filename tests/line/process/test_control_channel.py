from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from line.process.control_channel import MAX_PENDING_BYTES, ControlChannel, ControlMessage


@pytest.fixture
def ends() -> Iterator[tuple[ControlChannel, ControlChannel]]:
    """The supervisor's end and the child's."""
    ours, theirs = ControlChannel.pair()
    child = ControlChannel(theirs)
    yield ours, child
    ours.close()
    child.close()


@pytest.fixture
def raw() -> Iterator[tuple[ControlChannel, socket.socket]]:
    """A channel and the bare socket at its other end."""
    channel, end = ControlChannel.pair()
    yield channel, end
    channel.close()
    end.close()


def heard(channel: ControlChannel) -> list[ControlMessage]:
    return list(channel.receive())


def test_notes_arrive_whole_and_in_order_in_both_directions(
    ends: tuple[ControlChannel, ControlChannel],
) -> None:
    supervisor, child = ends
    supervisor.send("start", at=1.5)
    supervisor.send("drain")
    child.send("error", text="two\nlines, ümlaut, \u2028")
    assert heard(child) == [{"kind": "start", "at": 1.5}, {"kind": "drain"}]
    assert heard(supervisor) == [{"kind": "error", "text": "two\nlines, ümlaut, \u2028"}]
    assert not supervisor.broken
    assert not child.broken


def test_silence_is_no_note_and_no_break(ends: tuple[ControlChannel, ControlChannel]) -> None:
    supervisor, _ = ends
    assert heard(supervisor) == []
    assert not supervisor.broken


def test_a_torn_line_waits_for_its_end(raw: tuple[ControlChannel, socket.socket]) -> None:
    channel, end = raw
    end.sendall(b'{"kind": "ready"}\n{"kind": "be')
    assert heard(channel) == [{"kind": "ready"}]
    end.sendall(b"at")
    assert heard(channel) == []
    end.sendall(b'"}\n')
    assert heard(channel) == [{"kind": "beat"}]


def test_what_the_other_side_said_before_it_died_is_still_heard(
    raw: tuple[ControlChannel, socket.socket],
) -> None:
    channel, end = raw
    end.sendall(b'{"kind": "finished"}\n{"kind": "torn')
    end.close()
    assert heard(channel) == [{"kind": "finished"}]
    assert channel.broken
    assert heard(channel) == []


def test_the_broken_end_is_noticed_by_sending_too(
    raw: tuple[ControlChannel, socket.socket],
) -> None:
    channel, end = raw
    end.close()
    channel.send("stop")
    assert channel.broken
    channel.send("stop")  # and goes on without an exception
    channel.flush()


def test_a_reader_that_hangs_blocks_nobody_and_costs_bounded_memory(
    ends: tuple[ControlChannel, ControlChannel],
) -> None:
    supervisor, child = ends
    text = "x" * 10_000
    for number in range(1000):
        supervisor.send("flow", number=number, text=text)
    assert len(supervisor._outgoing) < MAX_PENDING_BYTES + 2 * len(text)
    assert not supervisor.broken

    notes = heard(child)
    while supervisor._outgoing:
        supervisor.flush()
        notes += heard(child)
    # What was kept arrives whole, without a gap; what did not fit was dropped at the end.
    assert [note["number"] for note in notes] == list(range(len(notes)))
    assert {note["text"] for note in notes} == {text}
    assert 100 <= len(notes) < 1000

    supervisor.send("stop")
    assert heard(child) == [{"kind": "stop"}]


def test_a_child_takes_its_end_from_an_inherited_descriptor() -> None:
    supervisor, theirs = ControlChannel.pair()
    child = ControlChannel.inherited(theirs.detach())
    child.send("ready")
    assert heard(supervisor) == [{"kind": "ready"}]
    child.close()
    assert heard(supervisor) == []
    assert supervisor.broken
    supervisor.close()
