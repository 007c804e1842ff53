"""`run_line.py shadow`: how a shadow model did beside the model that decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.options import AsJson, running_run
from commands.printing import out
from line.errors import BadInput


def shadow(
    run_dir: Annotated[
        Path | None,
        typer.Argument(help="of a run, also one under way; not given: the newest that is"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare each shadow model of a run with the model that decided (begun by swap --shadow)."""
    from reports.shadow import read_comparisons
    from reports.shadow_table import print_comparison

    folder = running_run(run_dir)
    found = read_comparisons(folder)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    if not found:
        raise BadInput(f"{folder}: no shadow model has answered there (run_line.py swap --shadow)")
    for number, comparison in enumerate(found):
        if number:
            out.print()
        print_comparison(comparison, out)
