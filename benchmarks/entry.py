"""How a benchmark begins and ends as a program."""

from __future__ import annotations

import sys

import typer

from line.errors import ScraplineError


def run(app: typer.Typer) -> None:
    """Run `app` with the command line's words; an error of ours is one line and its own status."""
    try:
        app()
    except ScraplineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit_code))
