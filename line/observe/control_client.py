"""A hand on a running line: gives orders and shows its status. `control_server` is the line's end.

with Control.of(run_dir) as control:
    control.order("belt_speed", "anna", m_per_s=1.5)
    control.watch()
    for status in control.receive(timeout_s=1.0):
        print(status["phase"], status["fed"])
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Self

from line.errors import BadInput
from line.process.control_channel import ControlChannel, ControlMessage
from line.process.runtime_dir import is_marked
from line.run_files.process_list import ProcessList

_ANSWER_S = 60.0
"""A line that is alive answers within milliseconds."""


class Control:
    """One connection, for one thread. Context manager: owns it."""

    def __init__(self, run_dir: Path, end: socket.socket, runtime_dir: Path) -> None:
        self.runtime_dir = runtime_dir
        """where the line's sockets are, for an `Observer`"""
        self.orders = 0
        """carried out in the run when one of ours was; a status with fewer is older"""
        self._run_dir = run_dir
        self._channel = ControlChannel(end)
        self._numbers = count(1)
        self._statuses: list[ControlMessage] = []
        self._answers: dict[int, ControlMessage] = {}
        self._addresses: list[str | None] = []

    @classmethod
    def of(cls, run_dir: Path) -> Control:
        """Connect to the line that runs in `run_dir`.

        Raises:
            BadInput: if none does.
        """
        control = ProcessList.found(run_dir).control
        if control is None or not is_marked(Path(control).parent, run_dir):
            raise BadInput(f"{run_dir}: no line is running there")
        end = socket.socket(socket.AF_UNIX)
        try:
            end.settimeout(_ANSWER_S)
            end.connect(control)
            if _user_at(end) != os.geteuid():
                raise PermissionError
        except OSError:
            end.close()
            raise BadInput(f"{run_dir}: no line is running there") from None
        return cls(run_dir, end, Path(control).parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    @property
    def ended(self) -> bool:
        """The line is gone, or has dropped this connection."""
        return self._channel.broken

    def fileno(self) -> int:
        return self._channel.fileno()

    def order(self, action: str, who: str, /, **facts: object) -> dict[str, Any]:
        """Give an order (`line.observe.orders`) in the name of `who`; wait until it is done.

        Returns:
            What was done; of an order that changes the belt, `at_s`: the belt second from which
            it holds.

        Raises:
            BadInput: with the line's reason, if it refuses; or if it ends before it answers.
        """
        number = next(self._numbers)
        self._channel.send("order", id=number, who=who, order={**facts, "action": action})
        deadline = monotonic() + _ANSWER_S
        while number not in self._answers and not self.ended and monotonic() < deadline:
            self._listen(deadline - monotonic())
        answer = self._answers.pop(number, None)
        if answer is None:
            raise BadInput(f"{self._run_dir}: the line has ended" if self.ended else self._silent)
        if not answer["done"]:
            raise BadInput(str(answer["reason"]))
        self.orders = answer.get("orders", 0)
        done: dict[str, Any] = answer["facts"]
        return done

    def console_address(self) -> str | None:
        """Where a browser is let in to the line's console, token included; None without a console.

        Raises:
            BadInput: if the line ends before it answers.
        """
        self._channel.send("console_address")
        deadline = monotonic() + _ANSWER_S
        while not (self._addresses or self.ended) and monotonic() < deadline:
            self._listen(deadline - monotonic())
        if not self._addresses:
            raise BadInput(f"{self._run_dir}: the line has ended" if self.ended else self._silent)
        return self._addresses.pop()

    def watch(self) -> None:
        """From now on the line tells how it fares, several times a second."""
        self._channel.send("watch")

    def receive(self, timeout_s: float = 0.0) -> list[dict[str, Any]]:
        """The statuses that have come, oldest first; waits for one if there is none.

        `line.observe.status_note` says what is in them. Empty after `timeout_s` seconds, or when
        the line has `ended`.
        """
        deadline = monotonic() + timeout_s
        self._listen(0.0)
        while not self._statuses and not self.ended and (left_s := deadline - monotonic()) > 0:
            self._listen(left_s)
        statuses, self._statuses = self._statuses, []
        return statuses

    @property
    def _silent(self) -> str:
        return f"{self._run_dir}: the line does not answer"

    def _listen(self, timeout_s: float) -> None:
        self._channel.flush()
        select.select([self._channel], [], [], max(0.0, timeout_s))
        for note in self._channel.receive():
            if note["kind"] == "status":
                self._statuses.append(note)
            elif note["kind"] == "answer":
                self._answers[note["id"]] = note
            elif note["kind"] == "console_address":
                address = note.get("address")
                self._addresses.append(address if isinstance(address, str) else None)


def _user_at(end: socket.socket) -> int:
    """Who listens at the other end; ourselves where the kernel does not say."""
    if sys.platform != "linux":
        return os.geteuid()
    credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user
