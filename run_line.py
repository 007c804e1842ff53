#!/usr/bin/env python3
"""Scrapline's runner: launch the line, classify files, report on runs, check settings.

`python run_line.py` alone runs the demo scenario. Exit status: 0 fine, 2 bad input, 3 items
unaccounted for, 4 a whole stage died.
"""

from __future__ import annotations

import sys

import typer

from launch.commands.check import check
from launch.commands.classify import classify
from launch.commands.console import console
from launch.commands.diff import diff
from launch.commands.drill import drill
from launch.commands.explain import explain
from launch.commands.keys import keys
from launch.commands.order import order
from launch.commands.override import override
from launch.commands.plan import plan
from launch.commands.profile import profile
from launch.commands.replay import replay
from launch.commands.report import report
from launch.commands.run import run
from launch.commands.shadow import shadow
from launch.commands.swap import swap
from launch.console import err
from line.errors import ExitCode, ScraplineError

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)
for command in (
    run,
    replay,
    classify,
    report,
    explain,
    diff,
    drill,
    check,
    keys,
    order,
    swap,
    shadow,
    override,
    profile,
    plan,
    console,
):
    app.command()(command)


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("--help", "-h")):
        arguments = ["run", *arguments]
    try:
        return int(app(arguments, prog_name="run_line.py", standalone_mode=False) or 0)
    except typer.TyperException as error:
        message, code = error.format_message(), ExitCode.BAD_INPUT
    except ScraplineError as error:
        message, code = str(error), error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            raise
        message, code = f"{error.filename}: {error.strerror}", ExitCode.BAD_INPUT
    err.print(f"error: {message}", style="red", soft_wrap=True, markup=False)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
