"""The control socket: who hangs, floods or talks nonsense costs the line nothing."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from line.errors import BadInput
from line.observe.control_client import Control
from line.observe.control_server import MOST_CLIENTS
from line.observe.orders import ACTIONS
from tests.running_line import RunningLine, assert_accounted, is_alive, poll

WHO = "somebody"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[RunningLine]:
    """One for all tests but the last: what each of them does to it must not trouble the next."""
    with _running(tmp_path_factory.mktemp("control") / "run", tiny_model) as running:
        yield running


@contextmanager
def _running(run_dir: Path, model: Path) -> Iterator[RunningLine]:
    options = ("--model", model, "--interval", 0.1, "--source", "procedural")
    with RunningLine(run_dir, *options) as running:
        running.wait_for_rows(3)
        yield running


def _connect(line: RunningLine) -> socket.socket:
    path = json.loads((line.run_dir / "processes.json").read_text())["control"]
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(30)
    end.connect(path)
    return end


def _told(end: socket.socket) -> bytes:
    """All until the line hangs up."""
    said = b""
    try:
        while chunk := end.recv(1 << 16):
            said += chunk
    except ConnectionResetError:
        pass
    return said


def test_a_status_tells_how_the_line_fares(line: RunningLine) -> None:
    with Control.of(line.run_dir) as control, Control.of(line.run_dir) as other:
        control.watch()
        status = poll(
            lambda: next(
                (s for s in control.receive(1.0) if s["logged"] >= 3 and s["latency_ms"]["p50"]),
                None,
            ),
            "figures",
        )
        assert other.receive() == []
        assert (control.runtime_dir / "control").is_socket()
        json.dumps(status)
        assert status["phase"] == status["shown_phase"] == "running"
        assert sum(status["verdicts"].values()) == status["logged"]
        assert status["latency_ms"]["p50"] > 0
        assert set(status["queues"]) == {"windows", "on_belt", "waiting", "held"}
        assert status["queues"]["windows"].keys() == {"camera-0"}
        worker = next(p for p in status["processes"] if p["name"] == "worker-0")
        assert (worker["pid"], worker["state"]) == (line.pid("worker-0"), "ready")
        assert (worker["incarnation"], worker["restarts"]) == (1, 0)
        assert worker["holds"] <= 2
        assert (status["belt_speed_m_per_s"], status["clock"]) == (1.0, 1.0)
        assert (status["workers"], status["paused"], status["orders"]) == (1, False, 0)
        later = poll(lambda: control.receive(1.0), "another status")[-1]
        assert later["belt_s"] >= status["belt_s"]


def test_nonsense_is_answered_in_one_line_and_disconnected(line: RunningLine) -> None:
    for nonsense in (b"GET / HTTP/1.1\n", b"[1]\n", b"\xff\x00\n", b"[" * 100_000 + b"\n"):
        with _connect(line) as end:
            end.sendall(nonsense)
            answer = json.loads(_told(end))
        assert (answer["done"], answer["reason"]) == (False, "not a line of JSON")

    def answers(*notes: dict[str, Any]) -> list[str]:
        with _connect(line) as end:
            end.sendall(b"".join(json.dumps(note).encode() + b"\n" for note in notes))
            end.shutdown(socket.SHUT_WR)
            return [json.loads(text)["reason"] for text in _told(end).splitlines()]

    pause = {"action": "pause", "really": True}
    assert answers(
        {"kind": "dance", "id": 1},
        {"kind": "dance", "id": "x" * 81},
        {"kind": "order", "id": [1], "who": WHO, "order": pause},
        {"kind": "order", "id": 1 << 64, "who": WHO, "order": pause},
        {"kind": "order"},
        {"kind": "order", "who": "x" * 81, "order": pause},
        {"kind": "order", "who": WHO, "order": "pause"},
        {"kind": "order", "who": WHO, "order": {"action": {}}},
        {"kind": "order", "who": WHO, "order": pause},
        {"kind": "order", "who": "\ud800", "order": {"action": "kill", "process": "w\udcff"}},
        {"kind": "order", "who": WHO, "order": {"action": "threshold", "value": math.inf}},
    ) == [
        "dance: neither an order nor watch",
        *["id: a text of up to 80 characters, a whole number, or nothing"] * 3,
        "who: a name of 1 to 80 characters",
        "who: a name of 1 to 80 characters",
        "order: an object with an action",
        f"{{}}: no such order; there are {', '.join(ACTIONS)}",
        "pause.really: unknown; pause takes nothing",
        "kill.process: Input should be a valid string, unable to parse raw data as a unicode "
        "string, not 'w\\udcff'",
        "threshold.value: Input should be a finite number, not inf",
    ]
    orders = [
        json.loads(entry, parse_constant=pytest.fail)
        for entry in (line.run_dir / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [order["who"] for order in orders[-2:]] == ["\ud800", WHO]
    assert orders[-2]["facts"] == {"process": "w\udcff"}


def test_floods_and_clients_that_hang_or_die_are_dropped(line: RunningLine) -> None:
    flood = json.dumps({"kind": "order", "who": WHO, "order": {"action": "fly"}}).encode() + b"\n"
    with _connect(line) as flooding:
        with suppress(BrokenPipeError, ConnectionResetError):
            flooding.sendall(flood * 5000)
        assert _told(flooding).count(b"\n") <= 50
    with _connect(line) as endless, suppress(BrokenPipeError, ConnectionResetError):
        while True:
            endless.sendall(b"x" * (1 << 16))
    hanging = []
    for _ in range(3):
        end = _connect(line)
        end.sendall(b'{"kind": "watch"}\n')
        end.sendall(flood * 20)
        hanging.append(end)  # it never reads
    dying = _connect(line)
    dying.sendall(b'{"kind": "watch"}\n{"kind": "ord')
    dying.close()
    rows = line.rows_written()
    line.wait_for_rows(rows + 10)
    with Control.of(line.run_dir) as control:
        assert control.order("threshold", WHO, value=0.5) == {"threshold": 0.5}
    for end in hanging:
        end.close()
    log = (line.run_dir / "orders.jsonl").read_text().splitlines()
    assert len(log) <= 50 + 3 * 20 + 5, "a flood does not fill the log"


def test_there_is_room_for_so_many_clients_and_again_when_they_go(line: RunningLine) -> None:
    ends = [_connect(line) for _ in range(MOST_CLIENTS)]
    with Control.of(line.run_dir) as control:  # who says nothing makes room
        assert control.order("threshold", WHO, value=0.5)
    for end in ends:
        end.close()
    ends = [_connect(line) for _ in range(MOST_CLIENTS)]
    for end in ends:
        end.sendall(b'{"kind": "watch"}\n')
    for end in ends:
        end.settimeout(60)
        assert end.recv(1)  # it is told how the line fares
    with _connect(line) as one_more:
        assert _told(one_more) == b""
    for end in ends:
        end.close()

    def is_let_in() -> bool:
        try:
            with Control.of(line.run_dir) as control:
                return bool(control.order("threshold", WHO, value=0.5))
        except BadInput:
            return False

    poll(is_let_in, "room for another client")


def test_after_all_that_the_line_drains_with_nothing_lost(line: RunningLine) -> None:
    with Control.of(line.run_dir) as control:
        assert control.order("drain", WHO) == {}
        poll(lambda: control.receive(0.1) or control.ended, "the end")
    status, summary = line.finish()
    assert (status, summary["ended"], summary["orders"]) == (0, "drained", 4)
    assert_accounted(summary, line.rows())
    assert not any(summary["restarts"].values())


def test_a_line_that_is_gone_is_said_to_be(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(BadInput, match=f"^{tmp_path}: no line is running there$"):
        Control.of(tmp_path)
    with _running(tmp_path / "run", tiny_model) as line, Control.of(line.run_dir) as control:
        children = [p["pid"] for p in line.processes() if p["role"] != "supervisor"]
        line.kill_runner()
        with pytest.raises(BadInput, match="the line has ended"):
            control.order("drain", WHO)
        assert control.ended
        assert control.receive(5.0) == []
        with pytest.raises(BadInput, match="no line is running there"):
            Control.of(line.run_dir)
        poll(lambda: not any(map(is_alive, children)), "orphans leave")
