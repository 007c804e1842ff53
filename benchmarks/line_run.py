"""Runs the line as a user would, and watches the memory of its processes meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from time import sleep
from typing import Any

from line.config import ROOT
from line.errors import StageDied

_LOOK_S = 0.5

Memory = dict[str, list[float]]
"""process name → resident memory in MB, one value every half second while the belt runs"""


def run_line(run_dir: Path, options: list[str]) -> tuple[dict[str, Any], Memory]:
    """The run's summary, and the memory of its processes over time.

    Raises:
        StageDied: if the runner does not end well.
    """
    process = subprocess.Popen(
        [sys.executable, ROOT / "run_line.py", "run", "--json", f"--run-dir={run_dir}", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    memory: Memory = defaultdict(list)
    while process.poll() is None:
        for name, pid in _processes(run_dir):
            resident_mb = _resident_mb(pid)
            if resident_mb is not None:
                memory[name].append(resident_mb)
        sleep(_LOOK_S)
    text, errors = process.communicate()
    if process.returncode != 0:
        raise StageDied(f"the line ended with status {process.returncode}: {errors.strip()}")
    return json.loads(text), memory


def listed(run_dir: Path) -> list[dict[str, Any]]:
    """The entries of processes.json; none before there is one."""
    try:
        found: list[dict[str, Any]] = json.loads((run_dir / "processes.json").read_text())[
            "processes"
        ]
    except FileNotFoundError:
        return []
    return found


def _processes(run_dir: Path) -> list[tuple[str, int]]:
    found = listed(run_dir)
    if not any(entry["role"] == "camera" for entry in found):
        return []  # the accounts are being made, which is not part of the line's memory
    return [(entry["name"], entry["pid"]) for entry in found]


def _resident_mb(pid: int) -> float | None:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None
