"""What a follower is: a sink that reads what the line has written, at a pace of its own.

It has a channel to the supervisor and no place on the message plane. It may be slow, locked out,
full or dead: nobody waits for it, and when it can it goes on where it was.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from line.outcome import Outcome
from line.sequence_set import SeqSet
from sinks.checkpoint import runs_of, seqs_of


@dataclass(frozen=True, slots=True)
class LineEvent:
    """A line of `events.jsonl` or `alerts.jsonl`: something happened. `at` is an ISO time, UTC."""

    id: str
    event: str
    text: str
    at: str
    process: str = ""
    """that it happened to; empty where it is about no single one"""
    level: str = "event"
    """or "alarm"; with what follows of lines of alerts.jsonl alone"""
    frame_id: str = ""
    """the item that it is about, or empty"""
    priority: str = ""
    clears: str = ""
    """id of the alarm that is over"""

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """Raises ValueError for anything else."""
        try:
            found = json.loads(line)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        match found:
            case {"id": str(id_), "event": str(event), "text": str(text), "at": str(at)}:
                return cls(id_, event, text, at, str(found.get("process", "")))
            case {"id": str(id_), "kind": str(kind), "text": str(text), "at": str(at)}:
                rest = ("source", "level", "frame_id", "priority", "clears")
                return cls(id_, kind, text, at, *(str(found.get(name) or "") for name in rest))
        raise ValueError("not an event")


class Follower(Protocol):
    """Where rows and events end, once more. A new kind of sink is one file with this in it."""

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from what `state` said; None if nothing is known of what was done before.

        Called once, before anything else. May raise KeyError, TypeError or ValueError for a state
        that is none of its own, and is then called again with None.
        """

    def take(self, rows: Sequence[Outcome], *, final: bool) -> int:
        """Write rows; how many of them are done: the rest is given again, a little later.

        `final`: the line has ended, and what is not there now never comes. Raises StorageError if
        something cannot be written now. The same rows are given again then, and what they have
        led to before is not done twice.
        """

    def take_events(self, events: Sequence[LineEvent]) -> None:
        """Write events; those that came before are not written twice. Raises StorageError."""

    def turn(self) -> None:
        """Whatever time brings; called several times a second. Raises StorageError."""

    def report(self) -> tuple[str, dict[str, Any]]:
        """Kind and facts of the note that tells the supervisor how things stand."""

    def news(self) -> list[str]:
        """What somebody should be told, since last asked."""

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as JSON keeps it; asked for only when all is written."""

    def close(self) -> None:
        """Write what is left, if it can be written, and let go of the files. Never raises."""


class Passed:
    """The items whose rows a follower is done with; memory is bounded by their disorder."""

    def __init__(self) -> None:
        self._seqs: defaultdict[int, SeqSet] = defaultdict(SeqSet)

    def __contains__(self, key: tuple[int, int]) -> bool:
        return key[0] in self._seqs and key[1] in self._seqs[key[0]]

    def add(self, key: tuple[int, int]) -> None:
        self._seqs[key[0]].add(key[1])

    def update(self, keys: Iterable[tuple[int, int]]) -> None:
        for key in keys:
            self.add(key)

    def state(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {str(camera): runs_of(seqs) for camera, seqs in self._seqs.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Raises AttributeError, TypeError or ValueError for what is no state."""
        seqs = {int(camera): seqs_of(runs) for camera, runs in state.items()}
        self._seqs.update(seqs)
