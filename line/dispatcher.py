"""The dispatcher process: a thin loop that feeds the ledger and carries out its actions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from line import actions as act
from line import feed
from line.candidate_feed import CandidateFeed
from line.judges import judges_of
from line.ledger import Ledger
from line.messages import (
    Acknowledged,
    Beat,
    Buffer,
    ClockQuery,
    ClockReply,
    Frame,
    Hello,
    Message,
    Notice,
    NoticeStored,
    Refusal,
    Result,
    Row,
    Stored,
    Terms,
    UnseenItems,
    Want,
    Welcome,
    Who,
)
from line.outcome import Outcome
from line.peers import Peers
from line.remotes import Remotes
from line.seat import Seat
from line.settings import SINKS
from line.sockets import REMOTE, Hub
from line.standing import Standing

REPORT_S = 0.2
_ORPHAN_PATIENCE_S = 1.0
"""Without a supervisor nobody says when the last message has come."""


class Dispatcher:
    """Owns the ledger and the table of peers."""

    def __init__(self, hub: Hub, seat: Seat, ledger: Ledger) -> None:
        self._hub = hub
        self._seat = seat
        self._ledger = ledger
        self._welcome = Welcome(f"{seat.incarnation}-{monotonic():.6f}")
        self._peers = Peers()
        self._remotes = Remotes(seat.settings.supervisor.hang_s)
        camera = seat.settings.camera
        self._terms = Terms(
            seat.model.sha256, seat.settings.worker.credit, camera.height_px, camera.width_px
        )
        self._candidate = CandidateFeed(hub, seat.settings.line.seed)
        self._acknowledged: dict[int, list[int]] = defaultdict(list)
        self._thumbnails = feed.Thumbnails()
        self._stop = False
        self._orphaned: float | None = None

    def run(self) -> None:
        """Until the supervisor says stop, or is gone and nothing is left to do."""
        self._hub.watch(self._seat.leash.fileno())
        self._seat.leash.send("ready")
        report = 0.0
        while not self._stop and not self._may_leave():
            now = monotonic()
            if now >= report:
                report = now + REPORT_S
                self._report()
            tick = self._ledger.next_tick()
            self._hub.wait((report if tick is None else min(report, tick)) - now)
            self.step()

    def step(self) -> None:
        """Everything that has arrived, and everything that is due."""
        self._heed_leash()
        for role, peer, message, payload in self._hub.receive():
            self._carry_out(self._handle(role, peer, message, payload))
        for peer in self._remotes.silent(monotonic()):
            self._lose(peer, "fell silent")
        self._carry_out(self._ledger.tick(monotonic()))
        for camera, seqs in self._acknowledged.items():
            identity = self._peers.identity(f"camera-{camera}")
            if identity is not None:
                self._hub.send("camera", identity, Acknowledged(tuple(seqs)))
        self._acknowledged.clear()

    def _handle(
        self, role: str, peer: str, message: Message, payload: Buffer | None
    ) -> Iterable[act.Action]:
        now = monotonic()
        if role == REMOTE:
            self._remotes.hear(peer, now)
        if isinstance(message, Hello):
            return self._greet(role, peer, message, now)
        name = self._peers.name(role, peer)
        if name is None:
            # A restarted dispatcher; what is under way will be sent again after the greeting.
            self._hub.send(role, peer, Who())
            return []
        match role, message:
            case _, Beat():
                return []
            case "camera", Frame():
                if payload is not None and self._hub.has_listeners():
                    self._hub.publish(feed.encode(self._thumbnails.seen(message, payload, now)))
                return self._ledger.frame(message, payload, now)
            case "camera", UnseenItems(items):
                return self._ledger.unseen(items)
            case "remote", ClockQuery(asked):
                self._hub.send(role, peer, ClockReply(asked, now))
                return []
            case "worker" | "remote", Result() if self._fits(message):
                return self._ledger.result(peer, message, now)
            case "worker" | "remote", Refusal():
                return self._ledger.refusal(peer, message, now)
            case "sink", Stored(keys, truth):
                return self._ledger.stored(name, keys, truth)
            case "sink", Want(camera, seq):
                return self._ledger.want(name, (camera, seq))
            case "sink", NoticeStored(notice_id):
                return self._ledger.notice_stored(notice_id)
        self._hub.malformed += 1  # well-formed, but not this role's to say
        return []

    def _greet(self, role: str, peer: str, hello: Hello, now: float) -> list[act.Action]:
        if role == hello.role == REMOTE:
            return self._greet_remote(peer, hello, now)
        if hello.role != role or not self._is_name(role, hello.name):
            self._hub.malformed += 1
            return []
        actions: list[act.Action] = []
        older = self._peers.identity(hello.name)
        if older is not None and older != peer:
            actions += self._forget(role, older, now)
        is_new = self._peers.add(role, peer, hello.name)
        self._hub.send(role, peer, self._welcome)
        if role == "worker":  # one that wants to leave says so by greeting again, with no credit
            actions += self._ledger.worker_joined(peer, hello.credit, now)
        if is_new and role == "sink":
            actions += self._ledger.sink_joined(hello.name, hello.credit)
        return actions

    def take_up(self, standing: Standing) -> None:
        """Hold to what was ordered before this process was started."""
        self._serve(standing.serving(self._seat.model).sha256)
        self._candidate.share = standing.shadow.share if standing.shadow else 0.0

    def _serve(self, sha256: str) -> None:
        """Workers on other machines are to run the model with this hash."""
        self._terms = replace(self._terms, model=sha256)
        for peer in self._remotes.peers:
            self._hub.send(REMOTE, peer, self._terms)

    def _fits(self, result: Result) -> bool:
        return len(result.probabilities) == len(self._seat.model.classes)

    def _greet_remote(self, peer: str, hello: Hello, now: float) -> list[act.Action]:
        """Its first greeting asks for terms, with no credit; so does its last, to take leave."""
        credit = min(hello.credit, self._terms.credit)
        self._peers.add(REMOTE, peer, peer)
        self._remotes.greet(peer, now, works=credit > 0)
        self._hub.send(REMOTE, peer, self._welcome)
        self._hub.send(REMOTE, peer, self._terms)
        return self._ledger.worker_joined(peer, credit, now)

    def _lose(self, remote: str, how: str) -> None:
        """A worker on another machine is gone; if it lives, it will be asked who it is."""
        if self._remotes.forget(remote):
            text = f"{remote} {how}, its frames go to others"
            self._carry_out(self._ledger.notice(Notice(f"lost-{remote}", "remote_lost", text)))
        self._carry_out(self._forget(REMOTE, remote, monotonic()))

    def _is_name(self, role: str, name: str) -> bool:
        if role == "sink":
            return name in (SINKS if self._seat.settings.review.enabled else SINKS[:-1])
        return name.startswith(f"{role}-")

    def _forget(self, role: str, peer: str, now: float) -> list[act.Action]:
        """The process behind `peer` is gone."""
        name = self._peers.remove(role, peer)
        if name is None:
            return []
        if role in ("worker", REMOTE):
            return self._ledger.worker_left(peer, now)
        return self._ledger.sink_left(name) if role == "sink" else []

    def _carry_out(self, actions: Iterable[act.Action]) -> None:
        # A peer that cannot be reached is dead, and its supervisor or its lease will say so.
        for action in actions:
            match action:
                case act.Assign(worker, picture) if worker in self._remotes:
                    if not self._hub.send(REMOTE, worker, picture.frame, picture.data):
                        self._lose(worker, "hung up")
                case act.Assign(worker, picture):
                    self._hub.send("worker", worker, picture.frame, picture.data)
                case act.Deliver(sink, outcome, None):
                    if sink == SINKS[0]:
                        self._tell_onlookers(outcome)
                    self._to_sink(sink, Row(outcome, "raw", 0, 0))
                case act.Deliver(sink, outcome, act.Picture(frame, data)):
                    row = Row(outcome, frame.encoding, frame.height_px, frame.width_px)
                    self._to_sink(sink, row, data)
                case act.Announce(sink, notice):
                    self._to_sink(sink, notice)
                case act.Acknowledge(camera, seq):
                    self._acknowledged[camera].append(seq)
                case act.Suspect(worker) if worker in self._remotes:
                    self._lose(worker, "hung")
                case act.Suspect(worker):
                    self._seat.leash.send("suspect", process=worker)
                case act.NoticeDone(notice_id):
                    self._seat.leash.send("notice_done", id=notice_id)

    def _tell_onlookers(self, outcome: Outcome) -> None:
        if self._hub.has_listeners():
            self._hub.publish(feed.encode(feed.Decided(outcome)))
        if self._candidate.wants(outcome):
            self._candidate.offer(self._ledger.want(SINKS[0], (outcome.camera, outcome.seq)))

    def _to_sink(self, sink: str, message: Message, payload: Buffer | None = None) -> None:
        identity = self._peers.identity(sink)
        if identity is not None:
            self._hub.send("sink", identity, message, payload)

    def _heed_leash(self) -> None:
        leash = self._seat.leash
        for note in leash.receive():
            match note["kind"]:
                case "died":
                    self._carry_out(self._forget(note["role"], note["process"], monotonic()))
                case "notice":
                    notice = Notice(note["id"], note["event"], note["text"])
                    self._carry_out(self._ledger.notice(notice))
                case "judge":
                    self._ledger.judge = judges_of(self._seat)
                case "serve":
                    self._serve(note["sha256"])
                case "shadow":
                    self._candidate.share = note["share"]
                case "stop":
                    self._stop = True
        if leash.broken and self._orphaned is None:
            self._orphaned = monotonic()
            self._hub.unwatch(leash.fileno())

    def _report(self) -> None:
        self._seat.leash.send(
            "flow",
            waiting=self._ledger.waiting,
            held=self._ledger.held,
            loads=self._ledger.loads(),
            malformed=self._hub.malformed + self._seat.leash.malformed,
            strangers=self._hub.strangers,
        )

    def _may_leave(self) -> bool:
        if self._orphaned is None:
            return False
        waited = monotonic() - self._orphaned
        idle = waited > _ORPHAN_PATIENCE_S and self._ledger.held == 0
        return idle or waited > self._seat.settings.supervisor.stop_s
