"""Which run is meant where none is named: the newest that is under way."""

from __future__ import annotations

import json
from pathlib import Path

from line.config import load
from line.errors import BadInput
from line.run_lock import living


def running_run(named: Path | None) -> Path:
    """`named`, or the newest run in `results.dir` that takes orders.

    Raises:
        BadInput: if none does.
    """
    if named is not None:
        return named
    results = Path(load().results.dir).absolute()
    found = [path.parent for path in results.glob("*/processes.json") if _takes_orders(path)]
    if not found:
        raise BadInput(f"{results}: no line is running there; name the folder of its run")
    return max(found, key=lambda run_dir: (run_dir / "settings.json").stat().st_mtime)


def _takes_orders(processes: Path) -> bool:
    try:
        return "control" in json.loads(processes.read_bytes()) and bool(living(processes.parent))
    except (OSError, ValueError):
        return False
