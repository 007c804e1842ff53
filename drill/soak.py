"""What long-lived processes take over time, and whether it grows.

Two ways, because a storm lets few processes live long. A long life is judged by itself: the last
quarter of what lies behind its first five minutes against the first quarter. Of what is replaced
again and again, processes of the same age are compared: those born late in the soak against those
born early.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Self

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment of the drill."""

    at_s: float
    name: str
    pid: int
    rss_mb: float
    open_files: int
    sockets: int


def sample(at_s: float, name: str, pid: int) -> Sample | None:
    """What a process takes now; None if it is gone, or this system has no /proc."""
    proc = Path(f"/proc/{pid}")
    try:
        pages = int((proc / "statm").read_text().split()[1])
        targets = [str(fd.readlink()) for fd in (proc / "fd").iterdir()]
    except OSError:
        return None
    sockets = sum(target.startswith("socket:") for target in targets)
    rss_mb = round(pages * _PAGE_BYTES / 1e6, 2)
    return Sample(round(at_s, 1), name, pid, rss_mb, len(targets), sockets)


class SoakLog:
    """Context manager over a CSV file of samples."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([field.name for field in fields(Sample)])
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, taken: Sample | None) -> None:
        if taken is not None:
            self._writer.writerow(astuple(taken))
            self._file.flush()
            self.samples.append(taken)


WARM_UP_S = 300.0
"""Growth before this is taken for warming up."""
MEMORY_SHARE = 0.02
_DESCRIPTORS = {"open_files": 4, "sockets": 2}
"""How many more the last quarter of a life may have."""
_AGE_STEP_S = 10.0
_LEAST_SAMPLES = 3
"""Of one age, early and late, to be compared."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What some process, or all of one name, took at first and at last."""

    who: str
    what: str
    """rss_mb, open_files or sockets"""
    before: float
    after: float
    is_too_much: bool

    @property
    def share(self) -> float:
        """Of what was taken at first; 0 = no growth."""
        return self.after / self.before - 1 if self.before else 0.0


Lives = dict[tuple[str, int], list[Sample]]


def judge(samples: Iterable[Sample]) -> list[Growth]:
    """Everything that can be judged; nothing where the soak was too short."""
    lives: Lives = defaultdict(list)
    for each in samples:
        lives[each.name, each.pid].append(each)
    return [*_long_lives(lives), *_equal_ages(lives)]


def _long_lives(lives: Lives) -> Iterator[Growth]:
    for (name, _), life in lives.items():
        settled = [each for each in life if each.at_s - life[0].at_s >= WARM_UP_S]
        if not settled or settled[-1].at_s - settled[0].at_s < WARM_UP_S:
            continue
        quarter = max(1, len(settled) // 4)
        first, last = settled[:quarter], settled[-quarter:]
        yield _memory(name, _typical(first, "rss_mb"), _typical(last, "rss_mb"))
        for what, allowed in _DESCRIPTORS.items():
            before, after = _typical(first, what), _typical(last, what)
            if after - before > allowed:
                yield Growth(name, what, before, after, is_too_much=True)


def _equal_ages(lives: Lives) -> Iterator[Growth]:
    end_s = max((life[-1].at_s for life in lives.values()), default=0.0)
    middle_s = (WARM_UP_S + end_s) / 2
    early: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    late: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (name, _), life in lives.items():
        born_s = life[0].at_s
        if born_s < WARM_UP_S:
            continue
        ages = (early if born_s < middle_s else late)[name.partition("-")[0]]
        for each in life:
            ages[int((each.at_s - born_s) // _AGE_STEP_S)].append(each.rss_mb)
    for name in sorted(early.keys() & late.keys()):
        common = [
            age
            for age in sorted(early[name].keys() & late[name].keys())
            if age and min(len(early[name][age]), len(late[name][age])) >= _LEAST_SAMPLES
        ]
        if common:
            before = median(median(early[name][age]) for age in common)
            ratio = median(median(late[name][age]) / median(early[name][age]) for age in common)
            yield _memory(f"{name}, of equal age", before, before * ratio)


def _memory(who: str, before: float, after: float) -> Growth:
    return Growth(who, "rss_mb", before, after, after > before * (1 + MEMORY_SHARE))


def _typical(samples: Sequence[Sample], what: str) -> float:
    return float(median(getattr(each, what) for each in samples))
