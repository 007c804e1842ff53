"""The contenders in turns, the raw loops between every two; each in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.peers.job import WORKERS, Task, make_frames
from benchmarks.speed.measured_line import measure
from line.config import ROOT
from line.errors import ScraplineError

LINE = "line"
MODULES = {
    "raw1": "raw1",
    "sequential": "sequential",
    "pushpull": "pushpull",
    "process pool": "process_pool",
    "imagezmq": "with_imagezmq",
    "ray": "with_ray",
    "litserve": "with_litserve",
    "mosec": "with_mosec",
}
"""Contender → module of this folder that is run as a program."""
CONTENDERS = (*MODULES, LINE)
RAW = "raw"
BASE = "raw1"
"""Its inference is what added latency is counted from."""
WITHOUT_WORKERS = ("raw1", "sequential")
"""There is nobody to kill."""
_END_S = 600.0

Figures = dict[str, Any]
"""lost, duplicates, fps, processor_ms, p50_ms, p99_ms, inference_ms, ratio: those that there are;
or error, one line that says why a contender failed."""


@dataclass
class Outcomes:
    """What came of all runs: contender → figures, of each round where there are rounds."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    paced: dict[str, Figures] = field(default_factory=dict)
    killed: dict[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class Contest:
    """`python`: of the peers' environment. `pictures`: the frames as files, for the line."""

    python: Path
    pictures: Path
    line_options: Sequence[str] = ()
    say: Callable[[str], None] = print

    def run(
        self, task: Task, contenders: Sequence[str], rounds: int, rate: float, kill_after: int
    ) -> Outcomes:
        """A contender that fails is an entry with an error; the others go on."""
        outcomes = Outcomes({RAW: [], **{name: [] for name in contenders}})
        before = self._one(RAW, task)
        outcomes.rounds[RAW].append(before)
        for _ in range(rounds):
            for name in contenders:
                found, after = self._one(name, task), self._one(RAW, task)
                outcomes.rounds[name].append(found | _ratios(found, before, after))
                outcomes.rounds[RAW].append(after)
                before = after
        for name in contenders:
            outcomes.paced[name] = self._one(name, replace(task, rate=rate))
            if kill_after and name not in WITHOUT_WORKERS:
                outcomes.killed[name] = self._one(name, replace(task, kill_after=kill_after))
        return outcomes

    def _one(self, name: str, task: Task) -> Figures:
        found = self._line(task) if name == LINE else self._peer(name, task)
        self.say(f"{name}: {in_words(found)}")
        return found

    def _peer(self, name: str, task: Task) -> Figures:
        module = f"benchmarks.peers.{MODULES.get(name, name)}"
        process = subprocess.Popen(
            [self.python, "-m", module],
            cwd=ROOT,
            env=_environment(task),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            said, errors = process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return {"error": f"no end within {_END_S:.0f} s"}
        return reported(said, errors)

    def _line(self, task: Task) -> Figures:
        pace = f"--interval={1 / task.rate}" if task.rate else "--speed=max"
        options = [f"--model={task.model}", f"--source={self.pictures}", f"--workers={WORKERS}"]
        try:
            line = measure(
                task.frames,
                [*options, pace, *self.line_options],
                kill_after=task.kill_after or None,
            )
        except ScraplineError as error:
            return {"error": " ".join(str(error).split())[:200]}
        found: Figures = {"lost": line.lost, "duplicates": line.duplicates, "fps": line.fps}
        found["processor_ms"] = line.processor_ms_an_item
        if task.rate:
            latency = line.summary["latency_ms"]
            found |= {"p50_ms": latency["p50"], "p99_ms": latency["p99"]}
        return found | {"by_process": line.processor_ms}


@contextmanager
def picture_files(count: int) -> Iterator[Path]:
    """The frames of a task as BMP files, in their order, in a folder that is removed."""
    with tempfile.TemporaryDirectory() as folder:
        for number, frame in enumerate(make_frames(count)):
            Image.fromarray(frame[0]).save(Path(folder, f"{number:06}.bmp"))
        yield Path(folder)


def reported(said: str, errors: str) -> Figures:
    """A contender's last line, or why there is none."""
    lines = said.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    complaints = errors.strip().splitlines()
    return {"error": complaints[-1][:200] if complaints else "said nothing"}


def in_words(found: Mapping[str, Any]) -> str:
    """For a line of progress."""
    if "error" in found:
        return str(found["error"])
    numbers = (f"{key} {found[key]:.4g}" for key in _TOLD if key in found)
    return ", ".join(numbers)


_TOLD = ("fps", "processor_ms", "p50_ms", "p99_ms", "lost", "duplicates")


def _environment(task: Task) -> dict[str, str]:
    own = {"PEERS_TASK": json.dumps(asdict(task)), "PYTHONPATH": str(ROOT)}
    return os.environ | own


def _ratios(found: Figures, before: Figures, after: Figures) -> Figures:
    """Speed and processor time in those of the raw runs just before and just after.

    Few frames take less processor time than the kernel counts: there is no ratio to nothing.
    """
    ratios: Figures = {}
    for key, name in (("fps", "ratio"), ("processor_ms", "processor_ratio")):
        raw = before.get(key, 0) + after.get(key, 0)
        if key in found and raw:
            ratios[name] = 2 * found[key] / raw
    return ratios
