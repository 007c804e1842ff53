"""What a run ends with: its accounts, and an exit status."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import typer

from commands.printing import out, print_error, reading_shown, shown, view_for
from line.errors import BadInput, ExitCode, ScraplineError
from line.observe.exporter import exported
from line.process.signals import hangups_held
from line.run_files.run_folder import RunFolder
from line.settings import Settings
from line.supervise import runner

Summary = dict[str, Any]


def run_and_account(
    start: Callable[[runner.Watch], runner.Ended],
    settings: Settings,
    folder: RunFolder,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run a line before whoever looks on, account for it, and exit as it went."""
    with hangups_held():
        with view_for(quiet, as_json) as view, exported(settings, view) as watch:
            ended = start(watch)
        conclude(ended, folder, quiet, as_json)


def conclude(ended: runner.Ended, folder: RunFolder, quiet: bool, as_json: bool) -> None:
    """Account for a run, and exit as it went.

    What cannot be accounted for is said in one line each; how the run ended counts for more.
    """
    summary, interrupted = None, False
    try:
        summary, failures = _accounts_of(folder.path, silent=quiet or as_json)
    except KeyboardInterrupt:
        interrupted = True
        failures = [f"interrupted; to account for the run: run_line.py report {folder.path}"]
    except Exception as error:  # of whatever kind, it is no reason to hide how the run ended
        failures = [_why(error, folder.path)]
    if summary is not None:
        _show(summary, folder, quiet, as_json)
    for failure in failures:
        print_error(f"accounts: {failure}")
    if ended.error is not None:
        raise ended.error
    if interrupted:
        raise KeyboardInterrupt
    if summary is not None and (summary["items"]["lost"] or summary["items"]["duplicates"]):
        raise typer.Exit(ExitCode.UNACCOUNTED)
    if failures:
        raise typer.Exit(ExitCode.BAD_INPUT)


def account(run_dir: Path) -> Summary:
    """Write summary.json, report.html and, if it was recorded, line.mcap; returns the summary.

    Raises:
        BadInput: `run_dir` is no run folder, a file in it is not what it should be or may not be
            read, or something cannot be written there.
    """
    try:
        summary, failures = _accounts_of(run_dir)
    except PermissionError as error:
        raise BadInput(f"{run_dir}: has no place for the accounts: {error.strerror}") from None
    if failures:
        raise BadInput(failures[0])
    return summary


def _accounts_of(run_dir: Path, *, silent: bool = False) -> tuple[Summary, list[str]]:
    """The summary, and why of the other files one could not be read or made.

    Raises what `account` raises where there is no summary.
    """
    # Imported late: pandas is not needed to start the line.
    from reports.folder import read_run
    from reports.report import write_report
    from reports.summary import write_summary

    failures: list[str] = []
    with reading_shown(silent=silent) as tell:
        run = read_run(run_dir, tell, failures)
    summary = write_summary(run_dir, run)
    writers: list[Callable[[Path], object]] = [partial(write_report, run=run)]
    if any(run_dir.glob("camera-*.mcap")):
        from reports.line_record import write_line_record

        writers.append(write_line_record)
    for write in writers:
        try:
            write(run_dir)
        except Exception as error:  # one file is not worth the others
            failures.append(_why(error, run_dir))
    return summary, failures


def _why(error: Exception, run_dir: Path) -> str:
    """In one line; where it was a mistake of ours, a log of the run has all of it."""
    if isinstance(error, ScraplineError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or run_dir}: {error.strerror or error}"
    log = run_dir / "logs" / "accounts.log"
    with suppress(OSError), log.open("a", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    return f"{run_dir}: {type(error).__name__}: {error}; see {log}"


def _show(summary: Summary, folder: RunFolder, quiet: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary, indent=1))
    elif not quiet:
        from reports.terminal import print_summary

        print_summary(summary, out)
        recorded = "  line.mcap" if (folder.path / "line.mcap").exists() else ""
        out.print(f"\n{shown(folder.path)}/report.html  results.csv  summary.json{recorded}")
