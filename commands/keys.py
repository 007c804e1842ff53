"""`run_line.py keys`: keys for workers on other machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.printing import out, shown


def keys(
    folder: Annotated[Path, typer.Argument(help="where they are kept")],
    name: Annotated[
        list[str] | None, typer.Option(help="of a worker; may be repeated; default: remote")
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="replace these workers' keys; without names, all keys")
    ] = False,
) -> None:
    """Make the keys that let workers on other machines in."""
    from line.remote.keys import make

    for carried in make(folder, name or (), rotate=rotate):
        out.print(f"{shown(carried)}: carry it to that machine, then remove it here")
