"""`python -m benchmarks.long_run`: what a run of ten million rows costs when it is resumed.

Makes the folder of a run that was cut off after so many items, as the line would have left it, and
resumes it: how long until it feeds again, how much memory its processes take beside those of a
fresh run, and what the accounts of all its rows take at the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree
from time import monotonic, sleep

import numpy as np

from benchmarks.line_run import listed
from line.config import ROOT
from line.errors import StageDied
from line.model.facts import ModelFacts
from line.outcome import Verdict
from line.run_files.lane_record import SECTOR_BYTES, LaneRecord
from line.run_files.results import HEADER
from line.settings import Settings
from producers.arrivals import feed_of
from producers.feed import FeedMark
from producers.progress import feed_checksum
from producers.sources import open_source
from sinks.csv_log import CsvLog
from sinks.running_stats import bucket_bounds_s

_BATCH = 100_000
_LOOK_S = 0.05
_LATE_S = 600.0
_WATCHED_S = 15.0
"""So long a line feeds before its memory is looked at."""
_VERDICTS = (Verdict.SORTED, Verdict.MISSORTED, Verdict.LOW_CONFIDENCE, Verdict.LATE)
_SHARES = (0.94, 0.02, 0.03, 0.01)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="keep the run there; default: a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        for line in measured(Path(name), given.rows):
            print(line, flush=True)
    return 0


def measured(folder: Path, rows: int) -> Iterator[str]:
    """The lines of the table, as they are known."""
    fresh = folder / "fresh"
    yield f"{'':24}{'fresh run':>12}{f'{rows:,} rows':>18}"
    with _Line("run", "--run-dir", fresh, *_OPTIONS) as line:
        fresh_s = line.wait_for_growth(fresh)
        sleep(_WATCHED_S)
        fresh_mb = line.memory_mb(fresh)
        line.cut_off(fresh)
    made = make_long(fresh, folder / "long", rows)
    with _Line("run", "--quiet", "--resume", made) as line:
        resumed_s = line.wait_for_growth(made)
        yield f"{'feeds after':24}{fresh_s:>10.1f} s{resumed_s:>16.1f} s"
        sleep(_WATCHED_S)
        for name, size_mb in line.memory_mb(made).items():
            yield f"{name:24}{fresh_mb.get(name, 0):>9.0f} MB{size_mb:>15.0f} MB"
        line.cut_off(made)
    for run_dir in (fresh, made):
        seconds, peak_mb = accounts_of(run_dir)
        yield f"accounts of {run_dir.name:12}{seconds:>10.1f} s, at most {peak_mb:.0f} MB"


_OPTIONS = ("--duration", "0", "--interval", "0.05", "--set", "line.items=0", "--quiet")


def make_long(fresh: Path, made: Path, rows: int) -> Path:
    """A copy of a run that was cut off, as it were after `rows` items of its one lane."""
    copytree(fresh, made)
    for name in (".csv_log.checkpoint", "results.csv"):
        (made / name).unlink(missing_ok=True)
    settings = Settings.model_validate_json((made / "settings.json").read_bytes())
    model = ModelFacts.load(made)
    with closing(open_source(settings)) as source:
        times = feed_of(source, settings, 0).since(FeedMark())
        way_s = settings.belt.infeed_to_camera_m / settings.belt.speed_m_per_s
        mark, belt_s = FeedMark(), 0.0
        ends = _ends_of_rows(settings, model)
        with (made / "results.csv").open("w") as file:
            file.write(HEADER)
            for first in range(0, rows, _BATCH):
                last = min(rows, first + _BATCH)
                fed = [next(times) for _ in range(first, last)]
                mark, belt_s = FeedMark(last - 1, fed[-2][0]), fed[-1][1]
                file.writelines(
                    f"0-{seq},0,{seq},{belt + way_s:.6f},{end}"
                    for seq, (_, belt), end in zip(range(first, last), fed, ends, strict=False)
                )
    record = LaneRecord(
        low=rows,
        fed=rows,
        reached_s=belt_s + way_s,
        resume_s=belt_s + way_s,
        mark_seq=mark.seq,
        mark_feeder_s=mark.feeder_s,
        feed=feed_checksum(settings, 0),
    )
    sectors = (record.sector(count).ljust(SECTOR_BYTES, b"\0") for count in (0, 1))
    (made / "camera-0.progress").write_bytes(b"".join(sectors))
    with closing(CsvLog(made / "results.csv", latency_bounds_s=bucket_bounds_s(settings))):
        pass  # it leaves its checkpoint, as it does while rows come
    return made


def _ends_of_rows(settings: Settings, model: ModelFacts) -> list[str]:
    """All behind the trigger's moment, of `_BATCH` rows; they are used again and again."""
    lots = np.random.default_rng(1)
    truths = lots.integers(len(model.classes), size=_BATCH).tolist()
    verdicts = lots.choice(len(_VERDICTS), size=_BATCH, p=_SHARES).tolist()
    latencies_ms = np.round(lots.lognormal(3.4, 0.5, _BATCH) + 9, 3).tolist()
    confidences = np.round(lots.uniform(0.5, 1, _BATCH), 5).tolist()
    deadline_ms = 1000 * settings.deadline_s
    ends = []
    for place, (truth, chosen, latency_ms, confidence) in enumerate(
        zip(truths, verdicts, latencies_ms, confidences, strict=True)
    ):
        verdict, name = _VERDICTS[chosen], model.classes[truth]
        said = model.classes[truth - 1] if verdict is Verdict.MISSORTED else name
        doubtful = "true" if verdict is Verdict.LOW_CONFIDENCE else "false"
        ends.append(
            f"{name},{said},{confidence},{said}:{confidence:.4f},{doubtful},{verdict},,"
            f"{latency_ms},{round(deadline_ms - latency_ms, 3)},worker-{place % 2}#1,1,"
            f"{model.short_hash},{settings.mass_g(name)},{round(latency_ms - 6.5, 3)},"
            f"5.{place % 1000:03d},{place},1.5,2.25\n"
        )
    return ends


def accounts_of(run_dir: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of making them."""
    begun = monotonic()
    process = subprocess.Popen(
        [sys.executable, ROOT / "run_line.py", "report", run_dir], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise StageDied(f"the accounts of {run_dir} ended with status {status}")
    return monotonic() - begun, usage.ru_maxrss / 1024


class _Line:
    """A line under way. Context manager: nothing survives it."""

    def __init__(self, *arguments: object) -> None:
        self._begun = monotonic()
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "run_line.py", *map(str, arguments)], cwd=ROOT
        )

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def wait_for_growth(self, run_dir: Path) -> float:
        """Seconds from the start until there is a new row."""
        path = run_dir / "results.csv"
        before = path.stat().st_size if path.exists() else len(HEADER)
        while not (path.exists() and path.stat().st_size > before):
            if self._process.poll() is not None or monotonic() - self._begun > _LATE_S:
                raise StageDied(f"{run_dir}: no new row within {_LATE_S:.0f} s")
            sleep(_LOOK_S)
        return monotonic() - self._begun

    def memory_mb(self, run_dir: Path) -> dict[str, float]:
        """Resident memory of each process, the supervisor among them."""
        return {entry["name"]: _resident_mb(entry["pid"]) for entry in listed(run_dir)}

    def cut_off(self, run_dir: Path) -> None:
        """Kill the runner, and wait until its children have left."""
        pids = [entry["pid"] for entry in listed(run_dir) if entry["role"] != "supervisor"]
        self._process.kill()
        self._process.wait()
        until = monotonic() + _LATE_S
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and monotonic() < until:
            sleep(_LOOK_S)


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
