"""What a run ends with: its accounts, and an exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from launch.console import out, shown
from line import runner
from line.errors import BadInput, ExitCode
from line.run_folder import RunFolder


def conclude(ended: runner.Ended, folder: RunFolder, quiet: bool, as_json: bool) -> None:
    """Account for a run, and exit as it went."""
    summary = account(folder.path)
    if as_json:
        print(json.dumps(summary, indent=1))
    elif not quiet:
        from accounts.terminal import print_summary

        print_summary(summary, out)
        recorded = "  line.mcap" if (folder.path / "line.mcap").exists() else ""
        out.print(f"\n{shown(folder.path)}/report.html  results.csv  summary.json{recorded}")
    if ended.error is not None:
        raise ended.error
    if summary["items"]["lost"] or summary["items"]["duplicates"]:
        raise typer.Exit(ExitCode.UNACCOUNTED)


def account(run_dir: Path) -> dict[str, Any]:
    """Write summary.json, report.html and, if it was recorded, line.mcap; returns the summary.

    Raises:
        BadInput: `run_dir` is no run folder, a file in it is not what it should be or may not be
            read, or nothing may be written there.
    """
    try:
        return _account(run_dir)
    except PermissionError as error:
        raise BadInput(f"{run_dir}: has no place for the accounts: {error.strerror}") from None


def _account(run_dir: Path) -> dict[str, Any]:
    # Imported late: pandas and matplotlib are not needed to start the line.
    from accounts.report import write_report
    from accounts.summary import write_summary

    summary = write_summary(run_dir)
    write_report(run_dir)
    if any(run_dir.glob("camera-*.mcap")):
        from accounts.line_record import write_line_record

        write_line_record(run_dir)
    return summary
