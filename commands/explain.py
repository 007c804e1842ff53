"""`run_line.py explain`: what a run lost and why, or where one item's time went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.printing import out, reading_shown


def explain(
    run_dir: Annotated[Path, typer.Argument(help="folder of a run")],
    frame_id: Annotated[str | None, typer.Argument(help="item; none = the whole run")] = None,
) -> None:
    """Say what a run's recovery was lost to and which items went worst, or follow one item."""
    from reports.explain import explain_item, explain_run
    from reports.folder import read_files, read_run

    if frame_id is None:
        with reading_shown() as tell:
            run = read_run(run_dir, tell)
        explain_run(run, out)
    else:
        explain_item(read_files(run_dir), frame_id, out)
