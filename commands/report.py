"""`run_line.py report`: the accounts of a run, made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.printing import out, shown
from commands.run_setup.accounting import account


def report(run_dir: Annotated[Path, typer.Argument(help="folder of a run")]) -> None:
    """Write summary.json and report.html of a run anew, and print its summary."""
    from reports.terminal import print_summary

    print_summary(account(run_dir), out)
    out.print(f"\n{shown(run_dir)}/report.html")
