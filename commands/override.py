"""`run_line.py override`: say what items really are."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from commands.printing import asking, out
from line.errors import BadInput


def override(
    run_dir: Annotated[Path, typer.Argument(help="folder of a run")],
    frame_id: Annotated[str | None, typer.Argument(help="item; none = all queued ones")] = None,
    label: Annotated[str | None, typer.Argument(help="what it is")] = None,
) -> None:
    """Say what an item really is. Without an item, asks about every queued one in turn."""
    from sinks.overrides import ask, record

    if frame_id is None:
        ask(run_dir, getpass.getuser(), asking)
    elif label is None:
        raise BadInput(f"override {frame_id}: say what it is, as in: override RUN_DIR 0-17 glass")
    else:
        record(run_dir, frame_id, label, getpass.getuser())
        out.print(f"{frame_id} is {label}")
