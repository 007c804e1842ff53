"""The dispatcher process: a thin loop that feeds the ledger and carries out its actions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from line.dispatch import actions as act
from line.dispatch import feed
from line.dispatch.decision_rules import decision_rules_of
from line.dispatch.ledger import Ledger
from line.dispatch.outbox import Outbox
from line.dispatch.peers import Peers, Remotes
from line.dispatch.shadow_feed import ShadowFeed
from line.messages import (
    BatchEnd,
    BatchTimes,
    Beat,
    ClockQuery,
    ClockReply,
    Frame,
    Hello,
    Refusal,
    Result,
    Stored,
    Terms,
    UnseenItems,
    Welcome,
    Who,
)
from line.outcome import Outcome
from line.plain_text import plain
from line.process.context import ProcessContext
from line.process.heartbeat import Heartbeat
from line.process.hub import REMOTE, Hub, Received
from line.process.memory import private_bytes
from line.process.picture_ring import Pictures
from line.run_files.runtime_overrides import RuntimeOverrides
from line.section import LOG

_REPORT_S = 0.4
"""Also its heartbeat."""
_ORPHAN_PATIENCE_S = 1.0
"""Without a supervisor nobody says when the last message has come."""
_MOST_CONNECTIONS = 64
"""Of one key at a time: a machine has a worker for each of its cores."""
_SPARE_BYTES = 10**9
"""Memory that this process may take beyond the frames that it holds. libzmq keeps a message until
its last part has come, however many there are: a peer that never sends the last one fills it."""
_SUM_TOLERANCE = 0.01
"""How far the probabilities of an answer may be from 1 together."""


class Dispatcher:
    """Owns the ledger and the table of peers."""

    def __init__(self, hub: Hub, context: ProcessContext, ledger: Ledger) -> None:
        self._hub = hub
        self._context = context
        self._ledger = ledger
        self._welcome = Welcome(f"{context.incarnation}-{monotonic():.6f}")
        self._peers = Peers()
        self._remotes = Remotes(context.settings.supervisor.hang_s)
        camera = context.settings.camera
        self._terms = Terms(
            context.model.sha256,
            context.settings.worker_credit,
            camera.height_px,
            camera.width_px,
            context.settings.by_slack,
            context.model.engine,
        )
        self._pictures = Pictures(context.rings)
        self._shadow = ShadowFeed(hub, self._pictures, context.settings.line.seed)
        self._outbox = Outbox(hub, self._peers, context.settings)
        self._thumbnails = feed.Thumbnails()
        self._largest_picture = 0
        self._bytes_before = private_bytes()
        self._beat = Heartbeat(context, lambda: hub.malformed + context.channel.malformed)
        self._stop = False
        self._orphaned: float | None = None

    def run(self) -> None:
        """Until the supervisor says stop, or is gone and nothing is left to do."""
        self._hub.watch(self._context.channel.fileno())
        self._context.channel.send("ready")
        report = 0.0
        report_s = min(_REPORT_S, self._context.beat_s)
        while not self._stop and not self._may_leave():
            now = monotonic()
            if now >= report:
                report = now + report_s
                self._report()
                self._check_memory()
            wake = min(report, self._ledger.next_tick(), self._outbox.due)
            self._hub.wait_for(wake - now, cameras=not self._ledger.waiting)
            self.step()
        self._outbox.send_rows()

    def step(self) -> None:
        """Everything that has arrived, and everything that is due."""
        if self._hub.is_readable(self._context.channel.fileno()):
            self._handle_channel()
        for received in self._hub.receive():
            self._carry_out(self._handle(received))
        now = monotonic()
        for peer in self._remotes.silent(now):
            self._lose(peer, "fell silent")
        if now >= self._ledger.next_tick():
            self._carry_out(self._ledger.tick(now))
        self._outbox.flush(now, is_calm=not self._ledger.waiting)

    # -- what peers say -----------------------------------------------------------------------

    def _handle(self, received: Received) -> Iterable[act.Action]:
        role, peer, message, payload, packed, is_here = received
        now = monotonic()
        if role == REMOTE:
            self._remotes.hear(peer, now)
        if isinstance(message, Hello):
            return self._greet(role, peer, message, now, is_here=is_here)
        if self._peers.name(role, peer) is None:
            # A restarted dispatcher; what is under way will be sent again after the greeting.
            self._hub.send(role, peer, Who())
            return []
        match role, message:
            case _, Beat():
                return []
            case "camera", Frame() if self._speaks_for(peer, message.camera):
                self._largest_picture = max(self._largest_picture, len(payload or b""))
                if self._hub.has_listeners():
                    picture = self._pictures.find(message, payload)
                    self._hub.publish(feed.encode(self._thumbnails.seen(message, picture, now)))
                return self._ledger.frame(message, packed, now)
            case "camera", UnseenItems(items):
                if all(self._speaks_for(peer, item.camera) for item in items):
                    return self._ledger.unseen(items)
            case "remote", ClockQuery(asked):
                self._hub.send(role, peer, ClockReply(asked, now))
                return []
            case "worker" | "remote", Result() if self._fits(message):
                return self._answer(peer, message, now)
            case "worker" | "remote", Refusal():
                refusal = replace(message, reason=plain(message.reason))
                return self._ledger.refusal(peer, refusal, now)
            case "sink", Stored(keys):
                return self._ledger.stored(keys)
        self._hub.malformed += 1  # well-formed, but not this peer's to say
        return []

    def _speaks_for(self, peer: str, camera: int) -> bool:
        """A camera tells of its own lane alone."""
        return self._peers.name("camera", peer) == f"camera-{camera}"

    def _fits(self, result: Result) -> bool:
        """Whether it can be an answer of a model of this line."""
        probabilities = result.probabilities
        return (
            len(probabilities) == len(self._context.model.classes)
            and abs(sum(probabilities) - 1) <= _SUM_TOLERANCE
            and self._ledger.judge.knows(result.model)
        )

    def _answer(self, peer: str, result: Result, now: float) -> Iterable[act.Action]:
        given = self._ledger.held_since(peer, result.key)
        if given is None:
            return []  # not this worker's to answer (any more)
        if peer in self._remotes:  # its clock is believed as far as it can be true
            started = min(max(result.started, given), now)
            inference_s = min(result.inference_s, now - started)
            result = replace(result, started=started, inference_s=inference_s)
        return self._ledger.result(peer, result, now)

    # -- who comes and goes -------------------------------------------------------------------

    def _greet(
        self, role: str, peer: str, hello: Hello, now: float, *, is_here: bool
    ) -> list[act.Action]:
        self._handle_channel()  # it may tell of the death of whoever greets
        if hello.role != role or hello.identity != peer or not self._is_name(role, hello.name):
            self._hub.malformed += 1
            return []
        if role == REMOTE:
            return self._greet_remote(peer, hello, now, is_here=is_here)
        if self._peers.is_over(hello.name, hello.incarnation):
            return []  # sent before its death: the supervisor has told of it, or its successor came
        actions: list[act.Action] = []
        older = self._peers.identity(hello.name)
        if older is not None and older != peer:
            self._peers.end(older)
            actions += self._forget(role, older, now)
        is_new = self._peers.add(role, peer, hello.name)
        self._hub.send(role, peer, self._welcome)
        if role == "worker":  # one that wants to leave says so by greeting again, with no credit
            actions += self._ledger.worker_joined(
                peer, hello.credit, now, batches=self._batches(hello)
            )
        if is_new and role == "sink":
            actions += self._ledger.log_joined(hello.credit)
        return actions

    def _is_name(self, role: str, name: str) -> bool:
        if role == REMOTE:  # its key says so: see `line.remote.curve`
            return True
        return name == LOG if role == "sink" else name.startswith(f"{role}-")

    def _greet_remote(
        self, peer: str, hello: Hello, now: float, *, is_here: bool
    ) -> list[act.Action]:
        """Its first greeting asks for terms, with no credit; so does its last, to take leave.

        `is_here`: on this machine, where it came by ipc because it has the pictures' memory.
        """
        if self._remotes.is_shut_out(hello.name):
            return []
        is_new = self._peers.name(REMOTE, peer) is None
        if is_new and self._peers.count(REMOTE, hello.name) >= _MOST_CONNECTIONS:
            self._hub.malformed += 1
            return []
        credit = min(hello.credit, self._terms.credit)
        self._peers.add(REMOTE, peer, peer)
        self._remotes.greet(peer, now, works=credit > 0, has_memory=is_here)
        if is_new:
            event_id = f"joined-{peer}-{self._context.incarnation}"
            text = f"{peer} has joined{' on this machine' if is_here else ''}"
            self._tell(event_id, "remote_joined", text, process=hello.name)
        self._hub.send(REMOTE, peer, self._welcome)
        self._hub.send(REMOTE, peer, self._terms)
        # The line's own workers die with their machines, and are not charged for that.
        owner = None if self._context.settings.placement.is_on_cluster else hello.name
        batches = self._batches(hello)
        return self._ledger.worker_joined(peer, credit, now, owner=owner, batches=batches)

    def _batches(self, hello: Hello) -> BatchTimes | None:
        """What it is given batches by; a credit that is set holds for everybody."""
        return hello.batches if self._terms.by_slack else None

    def take_up(self, overrides: RuntimeOverrides) -> None:
        """Hold to what was ordered before this process was started."""
        serving = overrides.serving(self._context.model)
        self._serve(serving.sha256, serving.engine)
        self._shadow.share = overrides.shadow.share if overrides.shadow else 0.0

    def _serve(self, sha256: str, engine: str) -> None:
        """Workers on other machines are to run the model with this hash, in this engine."""
        self._terms = replace(self._terms, model=sha256, engine=engine)
        for peer in self._remotes.peers:
            self._hub.send(REMOTE, peer, self._terms)

    def _lose(self, remote: str, how: str) -> None:
        """A worker on another machine is gone; if it lives, it will be asked who it is."""
        if self._remotes.forget(remote):
            text = f"{remote} {how}, its frames go to others"
            self._tell(f"lost-{remote}", "remote_lost", text, process=remote.partition("#")[0])
        self._carry_out(self._forget(REMOTE, remote, monotonic()))

    def _shut_out(self, owner: str) -> None:
        """Nothing of the holder of this key is heard any more, as long as this process lives."""
        self._remotes.shut_out(owner)
        text = f"{owner} is shut out: it took items and left, and others had to answer them"
        self._tell(f"shut_out-{owner}-{self._context.incarnation}", "remote_shut_out", text)
        for peer in self._remotes.peers:
            if peer.partition("#")[0] == owner:
                self._remotes.forget(peer)
                self._carry_out(self._forget(REMOTE, peer, monotonic()))

    def _check_memory(self) -> None:
        """Close the remote socket for a moment when what waits behind it takes too much memory."""
        held = self._largest_picture * self._ledger.held
        most = self._bytes_before + 2 * held + _SPARE_BYTES
        if not self._context.settings.transport.listen or private_bytes() <= most:
            return
        self._tell(
            f"remote-{self._context.incarnation}-{monotonic():.0f}",
            "remote_closed",
            "connections from other machines took too much memory; all were closed, and may return",
        )
        for peer in self._remotes.peers:
            self._remotes.forget(peer)
            self._carry_out(self._forget(REMOTE, peer, monotonic()))
        self._hub.reopen_remote()

    def _forget(self, role: str, peer: str, now: float) -> list[act.Action]:
        """The process behind `peer` is gone."""
        name = self._peers.remove(role, peer)
        if name is None:
            return []
        if role in ("worker", REMOTE):
            return self._ledger.worker_left(peer, now)
        if role == "sink":
            self._outbox.forget_rows()
            self._ledger.log_left()
        return []

    # -- what the ledger decides --------------------------------------------------------------

    def _carry_out(self, actions: Iterable[act.Action]) -> None:
        for action in actions:
            match action:
                case act.Assign(worker, picture, ends_batch) if worker in self._remotes:
                    if not self._send_remote(worker, picture):
                        self._lose(worker, "disconnected")
                    elif ends_batch:
                        self._hub.send(REMOTE, worker, BatchEnd())
                case act.Assign(worker, picture, ends_batch):
                    if not self._hub.forward("worker", worker, picture.packed):
                        self._peers.end(worker)  # dead, and its supervisor is about to say so
                        self._carry_out(self._forget("worker", worker, monotonic()))
                    elif ends_batch:
                        self._hub.send("worker", worker, BatchEnd())
                case act.Write(outcome):
                    self._tell_observers(outcome)
                    self._outbox.add_row(outcome)
                case act.Acknowledge():
                    self._outbox.acknowledge(action)
                case act.Suspect(worker) if worker in self._remotes:
                    self._lose(worker, "hung")
                case act.Suspect(worker):
                    self._peers.end(worker)
                    self._peers.remove("worker", worker)
                    self._context.channel.send("suspect", process=worker)
                case act.ShutOut(owner):
                    self._shut_out(owner)

    def _send_remote(self, worker: str, picture: act.Picture) -> bool:
        """Send a frame, with its picture to another machine; whether there is such a worker."""
        if self._remotes.has_memory(worker):
            return self._hub.forward(REMOTE, worker, picture.packed)
        frame, payload = picture.frame, picture.payload
        if payload is None:
            payload = self._pictures.copy(frame, None) or b""  # gone: its checksum will not agree
            frame = replace(frame, handle=None)
        return self._hub.send(REMOTE, worker, frame, payload)

    def _tell_observers(self, outcome: Outcome) -> None:
        if self._hub.has_listeners():
            self._hub.publish(feed.encode(feed.Decided(outcome)))
        if self._shadow.wants(outcome):
            self._shadow.offer(outcome, self._ledger.picture((outcome.camera, outcome.seq)))

    # -- the supervisor -----------------------------------------------------------------------

    def _tell(self, event_id: str, event: str, text: str, **about: str) -> None:
        self._context.channel.send("incident", id=event_id, event=event, text=text, **about)

    def _handle_channel(self) -> None:
        channel = self._context.channel
        for note in channel.receive():
            match note["kind"]:
                case "died":
                    self._peers.end(note["process"])
                    self._carry_out(self._forget(note["role"], note["process"], monotonic()))
                case "judge":
                    self._ledger.judge = decision_rules_of(self._context)
                case "serve":
                    self._serve(note["sha256"], note["engine"])
                case "shadow":
                    self._shadow.share = note["share"]
                case "stop":
                    self._stop = True
        if channel.broken and self._orphaned is None:
            self._orphaned = monotonic()
            self._hub.unwatch(channel.fileno())

    def _report(self) -> None:
        self._beat.tell(
            "flow",
            waiting=self._ledger.waiting,
            held=self._ledger.held,
            loads=self._ledger.loads(),
            strangers=self._hub.strangers,
        )

    def _may_leave(self) -> bool:
        if self._orphaned is None:
            return False
        waited = monotonic() - self._orphaned
        idle = waited > _ORPHAN_PATIENCE_S and self._ledger.held == 0
        return idle or waited > self._context.settings.supervisor.stop_s
