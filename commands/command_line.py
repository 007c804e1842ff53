"""The commands of `run_line.py`, and what becomes of an error that one of them raises."""

from __future__ import annotations

from importlib import import_module
from os.path import expanduser

import typer

from commands.printing import print_error
from line.errors import ExitCode, ScraplineError

HELP = """Scrapline's runner: launch the line, classify files, report on runs, check settings.

`python run_line.py` alone runs the demo scenario. Exit status: 0 fine, 2 bad input, 3 items
unaccounted for, 4 a whole stage died, 130 interrupted by Ctrl-C before anything was done.
"""
_INTERRUPTED = 130

_COMMANDS = (
    "run",
    "replay",
    "classify",
    "adopt",
    "calibrate",
    "report",
    "explain",
    "diff",
    "drill",
    "check",
    "keys",
    "order",
    "swap",
    "shadow",
    "override",
    "learn",
    "promise",
    "sink",
    "profile",
    "plan",
    "console",
)
"""Each is the function of that name in the module of that name, in the order of the help."""


def _program(first: str) -> typer.Typer:
    """The command named `first` alone, which needs no other's modules; all if none is."""
    app = typer.Typer(add_completion=False, help=HELP, rich_markup_mode=None)
    app.callback()(lambda: None)  # else a program of one command would take no command's name
    for name in (first,) if first in _COMMANDS else _COMMANDS:
        app.command()(getattr(import_module(f"commands.{name}"), name))
    return app


def _with_home(argument: str) -> str:
    """`~` as the shell writes it out, also behind `--option=`, where the shell does not."""
    option, equals, value = argument.partition("=")
    if option.startswith("--"):
        return f"{option}{equals}{expanduser(value)}"  # noqa: PTH111 - Path fails for ~unknown
    return expanduser(argument)  # noqa: PTH111


def run_command(arguments: list[str]) -> int:
    """Carry out a command line; returns the exit status."""
    arguments = [_with_home(argument) for argument in arguments]
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("--help", "-h")):
        arguments = ["run", *arguments]
    try:
        return int(
            _program(arguments[0])(arguments, prog_name="run_line.py", standalone_mode=False) or 0
        )
    except typer.TyperException as error:
        message, code = error.format_message(), ExitCode.BAD_INPUT
    except ScraplineError as error:
        message, code = str(error), error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print_error("interrupted")
        return _INTERRUPTED
    except (OSError, SystemExit) as ended:
        # Typer takes every broken pipe for that of a reader who has seen enough, and exits.
        fault = ended if isinstance(ended, OSError) else ended.__context__
        if not isinstance(fault, OSError):
            raise
        why = fault.strerror or str(fault)
        message = why if fault.filename is None else f"{fault.filename}: {why}"
        code = ExitCode.BAD_INPUT
    print_error(message)
    return int(code)
