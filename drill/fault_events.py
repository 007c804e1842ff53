"""What the line told of the faults: an event for each, and the alarms, as seen from outside.

The files are read while the storm lasts, by this process's own clock: in a storm the clocks of the
line's processes jump.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from drill.fault_records import FaultRecord

_FILES = ("events.jsonl", "alerts.jsonl")
_BEGINS = frozenset({"restart", "stopped", "given_up"})
_ENDS = frozenset({"back", "continued", "left"})
_TELLS = {
    "kill": frozenset({"restart"}),
    "stop": frozenset({"stopped", "continued", "restart"}),
    "sink": frozenset({"stopped", "continued", "restart"}),
    "model": frozenset({"restart"}),
    "disk": frozenset({"disk_full", "storage"}),
    "runner": frozenset({"resumed"}),
}
"""kind of fault → events that tell of it"""
_MARGIN_S = 2.0
"""For a busy machine, and for what is seen a moment after it was written."""
_ROW_S = 0.5
"""Longest until the next row of a belt that the log has to write."""
_LAST_S = 1.0
"""What is done to a line in the last moment of its runner nobody may have seen."""


@dataclass(frozen=True, slots=True)
class Told:
    """A line of one of the files, and the monotonic time at which it was seen."""

    at: float
    event: str
    process: str
    line: dict[str, Any]


class EventWatch:
    """Reads on in the files of the run in `run_dir`."""

    def __init__(self, run_dir: Path) -> None:
        self._paths = {name: run_dir / name for name in _FILES}
        self._read = dict.fromkeys(_FILES, 0)
        self.events: list[Told] = []
        self.alarms: list[Told] = []
        """lines that raise or clear one"""
        self.looked = monotonic()

    def look(self) -> None:
        """Take what was written since."""
        self.looked = monotonic()
        for name, path in self._paths.items():
            try:
                with path.open("rb") as file:
                    file.seek(self._read[name])
                    whole, newline, _ = file.read().rpartition(b"\n")
            except FileNotFoundError:
                continue
            self._read[name] += len(whole) + len(newline)
            for text in whole.splitlines():
                self._take(name, json.loads(text))

    def _take(self, name: str, line: dict[str, Any]) -> None:
        if name == "events.jsonl":
            told = Told(self.looked, line["event"], line.get("process", ""), line)
            self.events.append(told)
        elif line["level"] == "alarm" or "clears" in line:
            self.alarms.append(Told(self.looked, line["kind"], line.get("source") or "", line))


@dataclass(frozen=True, slots=True)
class FaultTold:
    """One fault that the drill has done to the line, and the event that tells of it."""

    kind: str
    variant: str
    process: str
    event: str
    """empty where there is none"""
    after_s: float | None
    """from the fault until the event stood in the file"""
    is_silent: bool
    """there is none, though the line had to notice"""


def faults_told(records: Sequence[FaultRecord], watch: EventWatch) -> list[FaultTold]:
    """For each process that a fault has hit; the runner counts as one."""
    ends = [r.injected for r in records if r.injection.kind == "runner"]
    ends.append(watch.looked)
    found = []
    for record in records:
        kind = record.injection.kind
        strikes = {"": record.injected} if kind == "runner" else record.strikes
        for process, struck in strikes.items():
            told = _first(watch.events, _TELLS[kind], process, struck)
            at_the_end = any(0 <= end - struck < _LAST_S for end in ends)
            is_excused = at_the_end or _was_down(watch.events, process, struck)
            if kind == "disk":
                is_excused |= _had_nothing_to_write(watch.events, struck)
            may_be_silent = is_excused or not _had_to_notice(record, process)
            found.append(
                FaultTold(
                    kind=kind,
                    variant=record.injection.variant,
                    process=process or "runner",
                    event=told.event if told else "",
                    after_s=round(max(0.0, told.at - struck), 3) if told else None,
                    is_silent=told is None and not may_be_silent,
                )
            )
    return found


def _had_to_notice(record: FaultRecord, process: str) -> bool:
    """Not a process that was not needed any more, and not a full disk with nothing to write."""
    match record.injection.kind:
        case "runner":
            return record.healed_s is not None
        case "disk":
            return process == "csv_log"
        case "sink":
            return True
    return record.blows[process].back_s is not None


def _had_nothing_to_write(events: Sequence[Told], at: float) -> bool:
    """A process was down that brings the log its rows."""
    feeding = {t.process for t in events if t.process.startswith(("camera-", "dispatcher"))}
    return any(_was_down(events, process, at + _ROW_S) for process in feeding)


def _was_down(events: Sequence[Told], process: str, at: float) -> bool:
    """It was stopped, or dead, before it was hit: nothing has begun then."""
    known = [t.event for t in events if t.process == process and t.at < at]
    turns = [event for event in known if event in _BEGINS | _ENDS]
    return bool(turns) and turns[-1] in _BEGINS


def _first(
    events: Sequence[Told], kinds: frozenset[str], process: str, since: float
) -> Told | None:
    fitting = (t for t in events if t.event in kinds and t.at >= since)
    return next((t for t in fitting if t.process == process), None)


@dataclass(frozen=True, slots=True)
class AlarmsTold:
    """The alarms of a storm."""

    raised: int
    kinds: dict[str, int]
    short: list[str]
    """ids of those that came and went within their delay"""
    missing: list[str]
    """processes that were down for longer than the delay, without an alarm"""


def alarms_told(watch: EventWatch, on_delay_s: float, off_delay_s: float) -> AlarmsTold:
    """`on_delay_s` is of alarms about stages and workers; followers are waited for longer."""
    began: dict[str, float] = {}
    kinds: dict[str, int] = {}
    short: list[str] = []
    for told in watch.alarms:
        if told.line["level"] == "alarm":
            began[told.line["id"]] = told.at
            kinds[told.event] = kinds.get(told.event, 0) + 1
        elif told.at - began.get(told.line["clears"], -1e9) < min(on_delay_s, off_delay_s):
            short.append(told.line["clears"])
    alarmed = {told.process for told in watch.alarms}
    down = _longest_outages_s(watch)
    late_s = on_delay_s + _MARGIN_S
    missing = [name for name, s in down.items() if s > late_s and name not in alarmed]
    return AlarmsTold(len(began), kinds, short, sorted(missing))


def _longest_outages_s(watch: EventWatch) -> dict[str, float]:
    """Of each stage and worker, while the process of the alarms was there to notice."""
    since: dict[str, float] = {}
    longest: dict[str, float] = {}
    for told in watch.events:
        if told.event == "resumed" or (told.process == "alerts" and told.event in _BEGINS):
            since.clear()  # a new runner has new processes; new alarms count from their own start
        elif told.event in _BEGINS and _costs_items(told.process):
            since.setdefault(told.process, told.at)
        elif told.event in _ENDS and told.process in since:
            down_s = told.at - since.pop(told.process)
            longest[told.process] = max(longest.get(told.process, 0.0), down_s)
    return longest


def _costs_items(process: str) -> bool:
    return process.startswith(("worker-", "camera-")) or process in ("dispatcher", "csv_log")
