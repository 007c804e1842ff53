"""What the line's processes say of themselves and of each other, and what is done about it."""

from __future__ import annotations

from time import monotonic

from line.errors import StageDied
from line.observe.status import Status
from line.process.control_channel import ControlMessage
from line.process.runtime_dir import ROLES
from line.run_files.line_logs import EventLog
from line.run_files.results import FILE as RESULTS
from line.supervise.belts import Belts
from line.supervise.child import Child
from line.supervise.fault_injection import Faults
from line.supervise.model_orders import ModelOrders
from line.supervise.outages import Outages
from line.supervise.placement import Placement
from line.supervise.process_table import ProcessTable


class ChildNotes:
    """Takes the messages that stand in a child's channel, in order."""

    def __init__(
        self,
        table: ProcessTable,
        status: Status,
        belts: Belts,
        events: EventLog,
        outages: Outages,
        faults: Faults,
        models: ModelOrders,
        placement: Placement,
    ) -> None:
        self._table = table
        self._status = status
        self._belts = belts
        self._events = events
        self._outages = outages
        self._faults = faults
        self._models = models
        self._placement = placement

    def take(self, child: Child) -> None:
        """All that it has said.

        Raises:
            StageDied: when rows of the log are gone.
        """
        for note in child.notes():
            self._handle(child, note)
        self._status.count_refused(child.spec.name, child.refused)

    def _handle(self, child: Child, note: ControlMessage) -> None:
        if note["kind"] == "incident" and child.spec.role != "dispatcher":  # that tells of others
            note["text"] = f"{child.spec.name} {note['text']}"
        if note["kind"] == "stats" and note["logged"] < self._status.rows:
            gone = self._status.rows - note["logged"]
            raise StageDied(f"{RESULTS}: {gone} rows that stood there are gone")
        self._status.take(child.spec.name, note)
        match note["kind"]:
            case "processor":
                self._status.bill.take(child.spec.name, child.incarnation, note["parts"])
            case "ready":
                self._welcome(child)
            case "preparing":
                child.is_prepared = note["done"]
            case "progress":
                self._belts.learn(child.spec.name, note)
            case "finished":
                self._table.finished.add(child.spec.name)
            case "event":
                self._begin_fault(note["number"])
            case "suspect":
                self._end_hung_worker(note["process"])
            case "incident":
                is_teller = child.spec.role == "dispatcher"  # it tells of others, and names them
                process = note.get("process", "") if is_teller else child.spec.name
                self._events.append(note["id"], note["event"], note["text"], process)
                if is_teller and note["event"] == "remote_lost":
                    self._placement.lost(process)
            case "engine_failed":
                self._models.engine_failed(child.spec.name, note["text"])
            case "error":
                child.last_words = note["text"]
                self._status.incidents.append(f"{child.spec.name}: {note['text']}")

    def _begin_fault(self, number: int) -> None:
        """A fault of the scenario is due."""
        event = self._faults.begin(number)
        if event is not None:
            text = f"the scenario's fault {number + 1}: {event.action} on {event.process}"
            self._events.append(f"fault-{number}", "fault", text)

    def _tell_of_dispatcher(self) -> None:
        """Whoever the last one knew greets this one at once, not with its next heartbeat."""
        for child in self._table.children.values():
            if child.spec.role in ROLES and not child.spec.follows:
                child.channel.send("dispatcher")

    def _welcome(self, child: Child) -> None:
        if child.is_ready:
            return  # it says so again
        child.ready = monotonic()
        self._outages.ready(child.identity)
        child.rows_before = self._status.rows
        self._faults.greet(child)
        self._placement.welcome(child)
        if child.spec.role == "dispatcher":
            self._tell_of_dispatcher()
        self._table.record()
        if child.spec.role == "camera" and self._belts.have_started:
            child.channel.send(**self._belts.start_note())
            if self._status.phase == "draining":
                child.channel.send("drain")

    def _end_hung_worker(self, identity: str) -> None:
        for child in self._table.of_role("worker"):
            if child.identity == identity:
                child.kill_hung()
