"""`run_line.py diff`: which items two runs judged otherwise, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.printing import out, shown


def diff(
    run_a: Annotated[Path, typer.Argument(help="folder of the first run")],
    run_b: Annotated[Path, typer.Argument(help="folder of the second run")],
    into: Annotated[
        Path | None,
        typer.Option("--out", help="folder for diff.csv and diff.html; default: RUN_B/diff"),
    ] = None,
) -> None:
    """List the items whose verdict or predicted class changed from one run to another, and why."""
    from commands.inputs.item_pictures import ItemPictures
    from line.errors import BadInput
    from line.run_files.run_folder import reading
    from reports.comparison.changes import compare
    from reports.comparison.compared_run import read
    from reports.comparison.page import diff_page
    from reports.comparison.table import print_difference
    from reports.folder import replace_text

    difference = compare(read(run_a), read(run_b))
    folder = into or run_b / "diff"
    with reading(run_a), ItemPictures(difference.a) as of_a, ItemPictures(difference.b) as of_b:
        page = diff_page(
            difference, lambda change: of_a.of(change.a), lambda change: of_b.of(change.b)
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / "diff.csv", difference.as_csv())
        replace_text(folder / "diff.html", page)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror or error}") from None
    print_difference(difference, out)
    out.print(f"\n{shown(folder)}/diff.html  diff.csv")
