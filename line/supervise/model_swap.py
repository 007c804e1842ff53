"""The workers change to another model, one after another, and never are there fewer that serve.

A stand-in with the new model comes first. Once it takes frames, each worker in turn finishes what
it holds, leaves, and comes back in its place with the new model; when all have, the stand-in goes.
If the new model cannot be started the same way leads back.
"""

from __future__ import annotations

from collections.abc import Callable

from line.observe.status import Status
from line.supervise.child import Child
from line.supervise.process_table import ProcessTable

_DEATHS = 3
"""Killed so often before it took a frame, a worker is taken to die of the model."""


class Swap:
    """`handle` is told the end: why it was undone, or nothing."""

    def __init__(self, table: ProcessTable, status: Status, handle: Callable[[str], None]) -> None:
        self._table = table
        self._status = status
        self._handle = handle
        self.is_under_way = False
        self._before = self._target = ""
        """short hashes"""
        self._stand_in = self._newest = ""
        """names of workers; the newest has to take frames before anybody else leaves"""
        self._deaths = 0
        self._fault = ""

    def begin(self, before: str, target: str) -> None:
        """From the model with the short hash `before` to that with `target`."""
        self.is_under_way = True
        self._before, self._target, self._fault = before, target, ""
        self._stand_in = self._table.hire(target) if self._table.workers_left else ""
        self._wait_for(self._stand_in)

    def step(self) -> None:
        """Called several times a second: go on as far as possible."""
        if not self.is_under_way or self._status.phase == "stopping":
            return
        if self._newest in self._table.given_up and not self._fault:
            self._undo(f"{self._newest} was given up")
        if not self._newest or self._newest in self._table.given_up or self._serves(self._newest):
            self._change_next()

    def lost(self, child: Child, how: str) -> None:
        """A process has ended. One that never took a frame shows that the model is no good."""
        if not self.is_under_way or child.spec.name != self._newest or child.is_ready:
            return
        if child.spec.model != self._target or self._fault:
            return  # the old one has left, or the way back goes on as after any death
        self._deaths += 1
        if child.last_words or self._deaths >= _DEATHS:
            self._undo(child.last_words or f"{child.spec.name} {how}, {self._deaths} times")

    def _wait_for(self, name: str) -> None:
        self._newest, self._deaths = name, 0

    def _serves(self, name: str) -> bool:
        """The worker has the model and the dispatcher knows it."""
        child = self._table.children.get(name)
        if child is None or child.spec.model != self._target:
            return False
        return child.identity in self._status.flow.get("loads", {})

    def _change_next(self) -> None:
        for name in self._table.workers_left:
            if name != self._stand_in and self._table.specs[name].model != self._target:
                self._table.change_model(name, self._target)
                self._wait_for(name)
                return
        if self._stand_in:
            self._table.dismiss(self._stand_in)
        self.is_under_way = False
        self._handle(self._fault)

    def _undo(self, fault: str) -> None:
        self._fault, self._target = fault, self._before
        failed = self._newest
        if failed == self._stand_in:
            self._table.dismiss(failed)
            self._stand_in = ""
            self._wait_for("")
        else:
            self._table.change_model(failed, self._target)
