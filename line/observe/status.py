"""What is known of the running line, for whoever looks on. Filled by the supervisor."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from line.belt_changes import is_paused, paused_s
from line.belt_time import Clock
from line.events import Drift
from line.observe.machine import Machine
from line.observe.processor_bill import ProcessorBill
from line.pace import belt_pace
from line.process.control_channel import ControlMessage
from line.run_files.runtime_overrides import RuntimeOverrides
from line.settings import Settings


@dataclass(slots=True)
class ProcessState:
    """A process as the live view shows it."""

    name: str
    role: str
    pid: int
    incarnation: int
    state: str
    """starting, ready, leaving, restarting or gone"""
    heard: float | None = None
    """monotonic time of its last sign of life; None while there is no process"""
    model: str = ""
    """short hash of what a worker loads; empty = the run's own model"""
    only_looks_on: bool = False
    """the line neither waits for it nor ends without it"""

    @property
    def restarts(self) -> int:
        """How often it was started anew, also by a runner that resumed the run."""
        return max(0, self.incarnation - 1)


class RunningTotal:
    """The total of a count that begins anew with each incarnation of the process that counts."""

    def __init__(self) -> None:
        self._before = 0
        self._latest = 0

    def update(self, count: int) -> None:
        """The process says that it has counted so many since it was started."""
        if count < self._latest:
            self._before += self._latest
        self._latest = count

    def __int__(self) -> int:
        return self._before + self._latest


@dataclass(slots=True)
class Status:
    """The newest notes of all processes."""

    settings: Settings
    overrides: RuntimeOverrides = field(default_factory=RuntimeOverrides)
    swap: ControlMessage | None = None
    """of the last one: `model` (short hash), `state` (under way, done, undone) and `reason`"""
    """what was ordered of the line and still holds"""
    phase: str = "starting"
    belt_started: float | None = None
    """monotonic time of belt second 0"""
    belt_ended: float | None = None
    """monotonic time at which the last item was acknowledged"""
    belts: dict[str, ControlMessage] = field(default_factory=dict)
    """camera → its last `belt` or `finished` note"""
    flow: ControlMessage = field(default_factory=dict)
    stats: ControlMessage = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=dict)
    """follower → rows in the log that it has not read yet"""
    placed: ControlMessage | None = None
    """of a cluster that workers are placed on: connected, nodes, cpus, and workers begun there"""
    queued: int = 0
    """items in the review queue"""
    alert_count: int = 0
    """lines of alerts.jsonl: events and alarms"""
    alarms_raised: int = 0
    standing_alarms: list[dict[str, Any]] = field(default_factory=list)
    """raised and not cleared: id, kind, source, priority, text of now, `stands_s`"""
    promises: list[dict[str, Any]] = field(default_factory=list)
    drift: list[dict[str, Any]] = field(default_factory=list)
    """of bins: class_name, purity, threshold, model, items in it that are labelled and right"""
    alerts: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    """the last events about single items"""
    incidents: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    """the last events about the line itself, and alarms"""
    restarts: Counter[str] = field(default_factory=Counter)
    """role → restarts"""
    processes: list[ProcessState] = field(default_factory=list)
    bill: ProcessorBill = field(default_factory=ProcessorBill)
    """processor time of all processes"""
    machine: Machine | None = None
    """None until the belt runs, and where the system does not say"""
    moved: float = field(default_factory=monotonic)
    """monotonic time at which a row was last written, or no item waited for one"""
    rows_found: int | None = None
    """that stood in the log when this session began"""
    _moved_rows: int = 0
    _malformed: defaultdict[str, RunningTotal] = field(
        default_factory=lambda: defaultdict(RunningTotal)
    )

    _strangers: RunningTotal = field(default_factory=RunningTotal)
    preparing: dict[str, ControlMessage] = field(default_factory=dict)
    """camera → its last note of pictures made before the belt begins"""
    _pictures: defaultdict[tuple[str, str], RunningTotal] = field(
        default_factory=lambda: defaultdict(RunningTotal)
    )

    def end_belt(self) -> None:
        """All lanes are done, since the last acknowledgement of all, as far as they could tell."""
        now = monotonic()
        ends = [note["at"] if note["kind"] == "finished" else now for note in self.belts.values()]
        self.belt_ended = min(now, max(ends, default=now))

    def take(self, process: str, note: ControlMessage) -> None:
        """Keep what a process said of itself."""
        if "malformed" in note:
            self._malformed[process].update(note["malformed"])
        if "strangers" in note:
            self._strangers.update(note["strangers"])
        match note["kind"]:
            case "belt" | "finished":
                self.belts[process] = note
                for kind, count in note.get("pictures", {}).items():
                    self._pictures[process, kind].update(count)
            case "preparing":
                self.preparing[process] = note
            case "flow":
                self.flow = note
            case "stats":
                self.stats = note
                if self.rows_found is None:
                    self.rows_found = note.get("logged", 0)
            case "incident":
                self.incidents.append(note["text"])
            case "placed":
                self.placed = note
            case "follower":
                self.behind[process] = note["behind_rows"]
            case "review":
                self.queued = note["queued"]
            case "alerts":
                self.alert_count = note["count"]
                self.alarms_raised = note.get("raised", 0)
                self.standing_alarms = note.get("standing", [])
                self.promises = note.get("promises", [])
                self.drift = note.get("drift", [])
                for level, text in note["fresh"]:
                    (self.alerts if level == "info" else self.incidents).append(text)

    def note_movement(self, now: float) -> None:
        """See `moved`; called several times a second."""
        if self.rows != self._moved_rows or self.fed <= self.rows:
            self._moved_rows, self.moved = self.rows, now

    def count_refused(self, process: str, notes: int) -> None:
        """So many notes of the process, since it was started, were not fit to be handled."""
        self._malformed[f"notes of {process}"].update(notes)

    @property
    def rows(self) -> int:
        """Rows in the log."""
        return int(self.stats.get("logged", 0))

    @property
    def rows_written(self) -> int:
        """Rows of this session."""
        return self.rows - (self.rows_found or 0)

    def answered(self, worker: str) -> int:
        """Rows that a worker, by its name, has answered, in all its lives and the dispatcher's."""
        return int(self.stats.get("workers", {}).get(worker, 0))

    def answered_by(self, worker: str) -> int:
        """Frames that a worker, by its identity, has answered to the dispatcher of now."""
        loads: dict[str, tuple[int, int]] = self.flow.get("loads", {})
        return loads.get(worker, (0, 0))[1]

    @property
    def remote_workers(self) -> list[str]:
        """Workers on other machines that the dispatcher knows."""
        return [name for name in self.flow.get("loads", {}) if not name.startswith("worker-")]

    @property
    def fed(self) -> int:
        """Items that have passed a photo-eye."""
        return sum(note["fed"] for note in self.belts.values())

    @property
    def fed_to_show(self) -> int:
        """The cameras tell of items later than the CSV log, and none has a row that was not fed."""
        logged: int = self.stats.get("logged", 0)
        return max(self.fed, logged)

    @property
    def has_workers(self) -> bool:
        """Somebody will take the first frame; with no workers here it depends on other machines."""
        here = not self.settings.placement.is_on_cluster and self.workers
        return bool(here or self.flow.get("loads"))

    @property
    def shown_phase(self) -> str:
        """The phase, for people."""
        if self.phase == "starting" and not self.has_workers:
            on_cluster = self.settings.placement.is_on_cluster
            where = "on the cluster" if on_cluster else f"at {self.settings.transport.listen}"
            return f"waiting for a worker {where}"
        if self.phase == "starting" and (making := self._shown_preparing):
            return making
        return "running, infeed paused" if self.phase == "running" and self.paused else self.phase

    @property
    def _shown_preparing(self) -> str:
        """How far the pictures are that the belt waits for; empty if it waits for none."""
        if all(note["done"] for note in self.preparing.values()):
            return ""
        made = sum(note["made"] for note in self.preparing.values())
        wanted = [note.get("wanted") for note in self.preparing.values()]
        known = [count for count in wanted if count is not None]
        of = f" of {sum(known)}" if len(known) == len(wanted) else ""
        return f"making pictures: {made}{of}"

    @property
    def pictures(self) -> dict[str, int]:
        """Of items at a photo-eye: made `ahead` or `live`; `processor_ms` spent on the former."""
        return {
            kind: sum(int(total) for (_, of), total in self._pictures.items() if of == kind)
            for kind in ("ahead", "live", "processor_ms")
        }

    @property
    def strangers(self) -> int:
        """Connections from other machines that were refused."""
        return int(self._strangers)

    @property
    def malformed(self) -> int:
        """Messages that some process of the line has counted and ignored."""
        return sum(int(total) for total in self._malformed.values())

    @property
    def belt_s(self) -> float:
        """Belt time of the lane that is furthest."""
        return max((note["belt_s"] for note in self.belts.values()), default=0.0)

    @property
    def feeding_s(self) -> float:
        """Belt time so far without the infeed's pauses: what `line.duration_s` is reached by."""
        return self.belt_s - paused_s(self.overrides.changes, self.belt_s)

    @property
    def wall_s(self) -> float:
        """Seconds from belt second 0 until the last item's acknowledgement, or until now."""
        if self.belt_started is None:
            return 0.0
        return max(0.0, (self.belt_ended or monotonic()) - self.belt_started)

    @property
    def workers(self) -> int:
        """Workers wanted on this machine."""
        wanted = self.overrides.workers
        if wanted is None:
            assert isinstance(self.settings.line.workers, int)  # "auto" was resolved at the start
            wanted = self.settings.line.workers
        return wanted

    @property
    def threshold(self) -> float:
        """Items less sure than this stay on the belt."""
        overrides, usual = self.overrides, self.settings.decision.threshold
        if overrides.model is not None:
            own = overrides.models[overrides.model].threshold
            usual = usual if own is None else own
        return float(usual) if overrides.threshold is None else overrides.threshold

    @property
    def paused(self) -> bool:
        """The infeed stands still, or is about to."""
        return is_paused(self.overrides.changes)

    @property
    def clock(self) -> float | Literal["max"]:
        """The clock multiplier at this moment."""
        speed = self.settings.line.speed
        if speed == "max":
            return speed
        return Clock(0.0, speed, self.overrides.changes).speed_at(self.belt_s)

    @property
    def belt_speed_m_per_s(self) -> float:
        """Speed of the first lane's belt at this moment."""
        drifts = [e for e in self.settings.events if isinstance(e, Drift) and e.index == 0]
        pace = belt_pace(self.settings.belt.speed_m_per_s, drifts, self.overrides.changes)
        return pace.rate_at(self.belt_s)

    @property
    def deadline_ms(self) -> float | None:
        """Wall time from a trigger to its deadline at this moment; None where there is none."""
        belt, clock = self.settings.belt, self.clock
        if clock == "max":
            return None
        travel_s = belt.camera_to_ejector_m / self.belt_speed_m_per_s
        return (1000 * travel_s - belt.actuator_ms) / clock

    def jitter_ms(self) -> dict[str, float] | None:
        """Trigger jitter over all lanes: the worst of each figure; None without a paced trigger."""
        facts: list[dict[str, Any]] = [
            note["jitter_ms"] for note in self.belts.values() if note["jitter_ms"]["count"]
        ]
        if not facts:
            return None
        return {key: max(fact[key] for fact in facts) for key in ("p50", "p95", "p99", "max")}

    def machine_facts(self) -> dict[str, Any] | None:
        """What the machine did beside and with the line; None where it is not known."""
        return None if self.machine is None else self.machine.facts(self._triggers())

    def machine_limits(self) -> list[str]:
        """In words, where the machine is the limit: of late, and of the cameras so far."""
        if self.machine is None:
            return []
        return self.machine.limits_lately(self._triggers())

    def _triggers(self) -> dict[str, float] | None:
        """How late they were, with their `count`."""
        jitter = self.jitter_ms()
        counts = [note["jitter_ms"]["count"] for note in self.belts.values()]
        return None if jitter is None else {**jitter, "count": max(counts)}
