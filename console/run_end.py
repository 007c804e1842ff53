"""How a run ended, or whether it has: what its folder and the kernel say while no line answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from line.own_file import LARGEST_JSON, read_regular
from line.run_files.process_list import living, runner_lives
from line.run_files.results import FILE as RESULTS

REPORT = "report.html"
RESUMED = ("cut off", "stopped", "drained", "died")
"""Ends from which a run goes on if it is asked to."""
Kind = Literal["good", "busy", "off"]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The end of one run."""

    how: str
    """`finished`, `drained`, `stopped`, `died` as its runner says; `cut off` where the runner is
    gone and has said nothing; `ending` while somebody is still at work"""
    has_report: bool
    is_accounted: bool
    """nobody is at work on its report any more"""
    has_rows: bool = True
    """something was logged; else there is nothing to report"""

    @property
    def can_be_resumed(self) -> bool:
        return self.how in RESUMED and self.is_accounted

    @property
    def kind(self) -> Kind:
        """How the head of a page shows it."""
        if self.how in ("finished", "drained"):
            return "good"
        return "busy" if self.how == "ending" else "off"

    @property
    def words(self) -> str:
        if self.how == "ending":
            return "ending"
        return self.how if self.is_accounted else f"{self.how}, its report is being made"


def read_end(run_dir: Path) -> RunEnd:
    """The end of the run in a folder at which no line answers."""
    said = how_it_ended(run_dir)
    at_work = runner_lives(run_dir)  # before the report is looked for: it comes before they go
    has_report = report_stands(run_dir)
    if said is None and (at_work or living(run_dir)):
        return RunEnd("ending", has_report, is_accounted=False)
    is_accounted = has_report or not at_work
    return RunEnd(said or "cut off", has_report, is_accounted, _stands(run_dir / RESULTS))


def how_it_ended(run_dir: Path) -> str | None:
    """What run.json says: finished, drained, stopped or died; None if it says nothing."""
    try:
        return str(json.loads(read_regular(run_dir / "run.json", LARGEST_JSON))["ended"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def report_stands(run_dir: Path) -> bool:
    """Whether there is a report to open."""
    return _stands(run_dir / REPORT)


def _stands(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
