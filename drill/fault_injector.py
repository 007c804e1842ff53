"""How each kind of fault is done to the line."""

from __future__ import annotations

import random
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from drill.fault_records import FaultRecord
from drill.plan import Injection
from drill.subject import Process, Subject, kill
from line.run_files.results import FILE as RESULTS

DISK_SUPPORTED = hasattr(resource, "prlimit")
_SEVERAL = 3
_AGAIN_S = 0.3
_NO_ROOM_S = 1.5
_BAD_MODEL_S = 1.5
_FROZEN_S = 1.0
_SLOW_CYCLES, _SLOW_STOP_S, _SLOW_GO_S = 6, 0.15, 0.1
_RUNNER_DOWN_S = 0.5
_FILES = {"csv_log": RESULTS, "alerts": "alerts.jsonl"}
_SPARE_BYTES = 40
"""Left to a sink on its full disk: part of a row, so that a torn one has to be taken back."""

Step = Callable[[], bool]
"""Part of a fault that comes later; False = not possible yet, to be tried again."""


class FaultInjector:
    """Carries out injections and the steps that follow them. `model` is the drill's own copy."""

    def __init__(self, subject: Subject, model: Path) -> None:
        self._subject = subject
        self._model = model
        self._sound_model = model.with_name(f"sound-{model.name}")
        shutil.copyfile(model, self._sound_model)
        self._steps: list[tuple[float, FaultRecord, Step]] = []
        self.runner_is_down = False
        self._model_is_spoiled = False

    def inject(self, injection: Injection) -> FaultRecord | None:
        """Do it; None if there is nobody to do it to (yet)."""
        record = FaultRecord(injection)
        rng = random.Random(injection.lot)  # noqa: S311 - the same seed, the same drill
        do = {
            "kill": self._signal,
            "stop": self._signal,
            "runner": self._kill_runner,
            "disk": self._fill_disk,
            "sink": self._hamper_sink,
            "model": self._spoil_model,
        }[injection.kind]
        return record if do(record, rng) else None

    def follow_up(self) -> None:
        """Do the later steps that are due."""
        now = monotonic()
        due = [step for step in self._steps if step[0] <= now]
        self._steps = [step for step in self._steps if step[0] > now]
        for at, record, step in due:
            if step():
                record.unfinished -= 1
            else:
                self._steps.append((at, record, step))

    def _later(self, record: FaultRecord, delay_s: float, step: Step) -> None:
        record.unfinished += 1
        self._steps.append((monotonic() + delay_s, record, step))

    # -- kinds --------------------------------------------------------------------------------

    def _signal(self, record: FaultRecord, rng: random.Random) -> bool:
        number = signal.SIGKILL if record.injection.kind == "kill" else signal.SIGSTOP
        candidates = self._candidates(number)
        if not candidates:
            return False
        count = _SEVERAL if record.injection.variant == "several" else 1
        for victim in rng.sample(candidates, min(count, len(candidates))):
            if kill(victim.pid, number):
                record.hit(victim)
        if record.injection.variant == "twice" and record.blows:
            (name,) = record.blows
            self._later(record, _AGAIN_S, lambda: self._signal_again(record, name, number))
        return bool(record.blows)

    def _candidates(self, number: int) -> list[Process]:
        """Who may be hit.

        A process that is stopped before it is ready is only missed after `supervisor.start_s`.
        """
        processes = self._subject.processes()
        return [p for p in processes if p.ready or number == signal.SIGKILL]

    def _signal_again(self, record: FaultRecord, name: str, number: int) -> bool:
        for process in self._candidates(number):
            if process.name == name and process.pid != record.blows[name].victim.pid:
                record.hit(process)
                kill(process.pid, number)
                return True
        return False

    def _kill_runner(self, record: FaultRecord, rng: random.Random) -> bool:
        processes = self._subject.processes()
        self.runner_is_down = True
        self._subject.kill_runner()
        if record.injection.variant == "with its children":
            for process in processes:
                kill(process.pid)
        for process in processes:
            record.hit(process)
        self._later(record, rng.uniform(0, 2 * _RUNNER_DOWN_S), self._resume)
        return True

    def _resume(self) -> bool:
        if self._model_is_spoiled:
            return False  # a runner refuses a model that is not the run's own
        self._subject.resume()
        self.runner_is_down = False
        return True

    def _fill_disk(self, record: FaultRecord, rng: random.Random) -> bool:
        sink = self._process(record.injection.variant)
        if sink is None:
            return False
        file = self._subject.run_dir / _FILES.get(sink.name, "none")
        size = file.stat().st_size if file.exists() else 0
        if not _limit_files(sink.pid, size + _SPARE_BYTES):
            return False
        record.aim_at(sink.name)
        self._later(record, _NO_ROOM_S, lambda: _limit_files(sink.pid, None) or True)
        return True

    def _hamper_sink(self, record: FaultRecord, rng: random.Random) -> bool:
        sinks = [p for p in self._subject.processes() if p.role == "sink" and p.ready]
        if not sinks:
            return False
        sink = rng.choice(sinks)
        pid = sink.pid
        record.aim_at(sink.name)
        cycles, stop_s, go_s = _SLOW_CYCLES, _SLOW_STOP_S, _SLOW_GO_S
        if record.injection.variant == "frozen":
            cycles, stop_s = 1, _FROZEN_S
        for number in range(cycles):
            begin_s = number * (stop_s + go_s)
            self._later(record, begin_s, lambda: kill(pid, signal.SIGSTOP) or True)
            self._later(record, begin_s + stop_s, lambda: kill(pid, signal.SIGCONT) or True)
        return True

    def _spoil_model(self, record: FaultRecord, rng: random.Random) -> bool:
        workers = [p for p in self._subject.processes() if p.role == "worker"]
        if not workers:
            return False
        sound = self._sound_model.read_bytes()
        cut = record.injection.variant == "cut short"
        self._replace_model(sound[: len(sound) // 2] if cut else sound + b"another")
        self._model_is_spoiled = True
        victim = rng.choice(workers)
        kill(victim.pid)
        record.hit(victim)
        self._later(record, _BAD_MODEL_S, lambda: self._mend_model(sound))
        return True

    def _mend_model(self, sound: bytes) -> bool:
        self._model_is_spoiled = False
        return self._replace_model(sound)

    def _replace_model(self, data: bytes) -> bool:
        draft = self._model.with_name(f"draft-{self._model.name}")
        draft.write_bytes(data)
        draft.replace(self._model)
        return True

    def _process(self, name: str) -> Process | None:
        found = [p for p in self._subject.processes() if p.name == name and p.ready]
        return found[0] if found else None


def _limit_files(pid: int, size: int | None) -> bool:
    """Let the process make no file longer than `size` bytes; None = any."""
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
    except (ProcessLookupError, PermissionError):
        return False
    return True
