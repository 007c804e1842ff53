"""`run_line.py explain`: what a run lost and why, or where one item's time went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from launch.console import out


def explain(
    run_dir: Annotated[Path, typer.Argument(help="folder of a run")],
    frame_id: Annotated[str | None, typer.Argument(help="item; none = the whole run")] = None,
) -> None:
    """Say what a run's recovery was lost to and which items went worst, or follow one item."""
    from accounts.explain import explain_item, explain_run
    from accounts.folder import read_run

    run = read_run(run_dir)
    if frame_id is None:
        explain_run(run, out)
    else:
        explain_item(run, frame_id, out)
