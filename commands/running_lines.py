"""Which run is meant where none is named: the newest that is under way."""

from __future__ import annotations

from pathlib import Path

from line.config import load
from line.errors import BadInput
from line.run_files.process_list import ProcessList, living


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
    return max(found, key=_made)


def _made(run_dir: Path) -> float:
    """Wall clock's seconds."""
    try:
        return (run_dir / "settings.json").stat().st_mtime
    except OSError:
        return 0.0


def _takes_orders(processes: Path) -> bool:
    run_dir = processes.parent
    return ProcessList.found(run_dir).control is not None and bool(living(run_dir))
