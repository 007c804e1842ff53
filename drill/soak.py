"""What long-lived processes take over time: memory, open files, sockets."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Self

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
WARM_UP_S = 300.0
"""Growth before this is taken for warming up."""
_MEMORY_SHARE, _MEMORY_MB = 0.1, 8.0
_DESCRIPTORS = 4
"""What the last quarter may have more than the first, behind the warm-up."""


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


def growth(samples: Iterable[Sample]) -> list[str]:
    """Processes that take more and more behind the warm-up, in words; empty = none does.

    Each incarnation is judged by itself: the median of its last quarter against its first.
    """
    lives: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)
    for each in samples:
        if each.at_s >= WARM_UP_S:
            lives[each.name, each.pid].append(each)
    complaints = []
    for (name, _), life in lives.items():
        quarter = len(life) // 4
        if quarter < 2:
            continue
        first, last = life[:quarter], life[-quarter:]
        for what, least in (("rss_mb", None), ("open_files", _DESCRIPTORS), ("sockets", 2)):
            before, after = (median(getattr(s, what) for s in part) for part in (first, last))
            allowed = max(_MEMORY_MB, _MEMORY_SHARE * before) if least is None else least
            if after - before > allowed:
                complaints.append(f"{name}: {what} from {before:g} to {after:g}")
    return complaints
