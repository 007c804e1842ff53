"""The naive line in the storm: started, broken, started again at once, and counted."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from drill.plan import Injection
from line.config import ROOT
from line.settings import Settings
from producers.arrivals import lane_arrivals
from producers.sources import open_source

_LOOK_S = 0.02
_QUIET_S = 2.0
"""Without a row for so long behind the camera's end, nothing more will come."""
_STUCK_S = 60.0
_AGAIN_S = 0.3
_SEVERAL = 3


@dataclass(frozen=True, slots=True)
class Naive:
    """What became of the items. `hits`: processes that were killed or stopped."""

    hits: int
    fed: int
    rows: int
    lost: int
    duplicates: int

    def facts(self) -> dict[str, Any]:
        return asdict(self)


def storm(
    settings: Settings, model: Path, injections: Sequence[Injection], rows_file: Path
) -> Naive:
    """Run it under the kills and stops of a plan; only workers and sink are hit.

    The camera is spared: it remembers nothing, and dead it would feed its belt all over again.
    """
    with tempfile.TemporaryDirectory(prefix="scrapline-naive-") as name:
        folder = Path(name)
        (folder / "settings.json").write_text(settings.model_dump_json())
        shutil.copyfile(model, folder / "model.onnx")
        with _NaiveLine(folder, settings) as line:
            hits = _run_storm(line, list(_blows(injections)), settings.supervisor.hang_s)
        shutil.copyfile(folder / "rows.csv", rows_file)
    rows = Counter(text.partition(",")[0] for text in rows_file.read_text().splitlines())
    due = set(_items(settings))
    return Naive(
        hits=hits,
        fed=len(due),
        rows=rows.total(),
        lost=len(due - rows.keys()),
        duplicates=rows.total() - len(rows.keys() & due),
    )


def _items(settings: Settings) -> Iterator[str]:
    with closing(open_source(settings)) as source:
        for lane in range(settings.line.cameras):
            for seq, _ in enumerate(lane_arrivals(settings, lane, source.length)):
                yield f"{lane}-{seq}"


@dataclass(frozen=True, slots=True)
class _Blow:
    at_s: float
    number: int
    victims: int
    lot: float


def _blows(injections: Sequence[Injection]) -> Iterator[_Blow]:
    for each in injections:
        if each.kind in ("kill", "stop"):
            number = signal.SIGKILL if each.kind == "kill" else signal.SIGSTOP
            victims = _SEVERAL if each.variant == "several" else 1
            yield _Blow(each.at_s, number, victims, each.lot)
            if each.variant == "twice":
                yield _Blow(each.at_s + _AGAIN_S, number, victims, each.lot)


class _NaiveLine:
    """Processes, and the simplest supervisor there is. Context manager: ends them all."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        roles = ("sink", 1), ("worker", settings.line.workers), ("camera", settings.line.cameras)
        self._places = [(role, str(n)) for role, count in roles for n in range(int(count))]
        self._processes: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def __enter__(self) -> _NaiveLine:
        (self._folder / "rows.csv").touch()
        for place in self._places:
            self._start(place)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _start(self, place: tuple[str, str]) -> None:
        command = [sys.executable, "-m", "drill.naive", *place, str(self._folder)]
        self._processes[place] = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)

    def restart_the_dead(self) -> None:
        for place in self._places:
            if place[0] != "camera" and self._processes[place].poll() is not None:
                self._start(place)

    @property
    def is_fed(self) -> bool:
        """The cameras have handed over everything."""
        return all(
            process.poll() is not None
            for (role, _), process in self._processes.items()
            if role == "camera"
        )

    def victims(self) -> list[subprocess.Popen[bytes]]:
        return [p for (role, _), p in self._processes.items() if role != "camera"]

    def bytes_logged(self) -> int:
        return (self._folder / "rows.csv").stat().st_size


def _run_storm(line: _NaiveLine, blows: list[_Blow], hang_s: float) -> int:
    """Until no row comes any more; returns how many processes were hit."""
    began = monotonic()
    first_row: float | None = None
    last_row, logged, hits = began, 0, 0
    stopped: deque[tuple[float, subprocess.Popen[bytes]]] = deque()
    while True:
        sleep(_LOOK_S)
        now = monotonic()
        line.restart_the_dead()
        if line.bytes_logged() > logged:
            logged, last_row = line.bytes_logged(), now
            first_row = first_row or now
        served_s = 0.0 if first_row is None else now - first_row
        for blow in [each for each in blows if each.at_s <= served_s and first_row]:
            blows.remove(blow)
            victims = line.victims()
            rng = random.Random(blow.lot)  # noqa: S311 - the same seed, the same drill
            for victim in rng.sample(victims, min(blow.victims, len(victims))):
                victim.send_signal(blow.number)
                hits += 1
                if blow.number == signal.SIGSTOP:
                    stopped.append((now + hang_s, victim))
        while stopped and stopped[0][0] <= now:
            stopped.popleft()[1].kill()
        if line.is_fed and not stopped and now - last_row > _QUIET_S:
            return hits
        if now - last_row > _STUCK_S:
            return hits
