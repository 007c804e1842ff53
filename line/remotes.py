"""Workers on other machines, as the dispatcher knows them: who is in, and who is shut out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from line.actions import Action
from line.ledger import Ledger
from line.messages import Hello, Message, Terms
from line.peers import Peers
from line.resident import resident_bytes
from line.seat import Seat
from line.sockets import REMOTE, Hub

_MOST_CONNECTIONS = 64
"""Of one key at a time: a machine has a worker for each of its cores."""
_SPARE_BYTES = 10**9
"""Memory that this process may take beyond the frames that it holds. libzmq keeps a message until
its last part has come, however many there are: a peer that never sends the last one fills it."""

Tell = Callable[[str, str, str], None]
"""Told the id, the kind and the text of something that happened to the line."""


@dataclass(slots=True)
class _Remote:
    heard: float
    """monotonic time of its last message"""
    works: bool
    """takes frames, so that its silence is worth an event"""


class Remotes:
    """No leash tells of their death: one that is silent for `supervisor.hang_s` is gone.

    What returns actions has changed the ledger, and they are to be carried out.
    """

    def __init__(
        self, hub: Hub, seat: Seat, peers: Peers, ledger: Ledger, welcome: Message, tell: Tell
    ) -> None:
        self._hub = hub
        self._seat = seat
        self._peers = peers
        self._ledger = ledger
        self._welcome = welcome
        self._tell = tell
        camera = seat.settings.camera
        self._terms = Terms(
            seat.model.sha256, seat.settings.worker.credit, camera.height_px, camera.width_px
        )
        self._remotes: dict[str, _Remote] = {}
        self._shut_out: set[str] = set()
        """names of keys"""
        self._resident_before = resident_bytes()

    def __contains__(self, peer: str) -> bool:
        return peer in self._remotes

    def hear(self, peer: str, now: float) -> None:
        """It said something; no news from one that has not said hello."""
        if peer in self._remotes:
            self._remotes[peer].heard = now

    def greet(self, peer: str, hello: Hello, now: float) -> list[Action]:
        """Its first greeting asks for terms, with no credit; so does its last, to take leave."""
        if hello.name in self._shut_out:
            return []
        is_new = self._peers.name(REMOTE, peer) is None
        if is_new and self._peers.count(REMOTE, hello.name) >= _MOST_CONNECTIONS:
            self._hub.malformed += 1
            return []
        credit = min(hello.credit, self._terms.credit)
        self._peers.add(REMOTE, peer, peer)
        self._remotes[peer] = _Remote(now, works=credit > 0)
        self._hub.send(REMOTE, peer, self._welcome)
        self._hub.send(REMOTE, peer, self._terms)
        return self._ledger.worker_joined(peer, credit, now, owner=hello.name)

    def serve(self, sha256: str) -> None:
        """They are to run the model with this hash."""
        self._terms = replace(self._terms, model=sha256)
        for peer in self._remotes:
            self._hub.send(REMOTE, peer, self._terms)

    def lose_silent(self, now: float) -> list[Action]:
        """Those not heard of for too long are gone."""
        silence_s = self._seat.settings.supervisor.hang_s
        silent = [p for p, remote in self._remotes.items() if now - remote.heard > silence_s]
        return [action for peer in silent for action in self.lose(peer, "fell silent")]

    def lose(self, peer: str, how: str) -> list[Action]:
        """One is gone; if it lives, it will be asked who it is."""
        remote = self._remotes.pop(peer, None)
        if remote is not None and remote.works:
            self._tell(f"lost-{peer}", "remote_lost", f"{peer} {how}, its frames go to others")
        self._peers.remove(REMOTE, peer)
        return self._ledger.worker_left(peer, monotonic())

    def shut_out(self, owner: str) -> list[Action]:
        """Nothing of the holder of this key is heard any more, as long as this process lives."""
        self._shut_out.add(owner)
        text = f"{owner} is shut out: it took items and left, and others had to answer them"
        self._tell(f"shut_out-{owner}-{self._seat.incarnation}", "remote_shut_out", text)
        return self._drop([p for p in self._remotes if p.partition("#")[0] == owner])

    def check_memory(self, frames_bytes: int) -> list[Action]:
        """Close the door for a moment when what waits behind it takes too much memory.

        `frames_bytes`: what the frames take that the ledger holds.
        """
        most = self._resident_before + 2 * frames_bytes + _SPARE_BYTES
        if not self._seat.settings.transport.listen or resident_bytes() <= most:
            return []
        self._tell(
            f"door-{self._seat.incarnation}-{monotonic():.0f}",
            "door_closed",
            "connections from other machines took too much memory; all were closed, and may return",
        )
        actions = self._drop(list(self._remotes))
        self._hub.reopen_door()
        return actions

    def _drop(self, peers: list[str]) -> list[Action]:
        actions: list[Action] = []
        for peer in peers:
            del self._remotes[peer]
            self._peers.remove(REMOTE, peer)
            actions += self._ledger.worker_left(peer, monotonic())
        return actions
