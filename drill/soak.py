"""What long-lived processes take over time: memory, open files, sockets."""

from __future__ import annotations

import csv
import os
from dataclasses import astuple, dataclass, fields
from pathlib import Path
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
