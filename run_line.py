#!/usr/bin/env python3
"""Scrapline's runner: `python run_line.py --help` lists its commands."""

from __future__ import annotations

import sys

from line.missing_package import is_of_others, missing
from line.process.standard_streams import drain_streams, secure_streams

_PRINT_ONLY = frozenset({"check", "classify", "explain", "shadow"})
"""Commands that leave no file: what they print is all that they do."""
_NOT_PRINTED = 2


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    # Imported late: closed streams must be secured before anything opens a file for good.
    try:
        from commands.command_line import run_command

        return run_command(arguments)
    except ImportError as error:
        if not is_of_others(error):
            raise
        print(missing(error), file=sys.stderr)
        return 2


def program(arguments: list[str]) -> int:
    """`main` on streams that may break: the exit status is the command's own all the same."""
    secure_streams()
    status = _NOT_PRINTED
    try:
        status = main(arguments)
    finally:
        lost = drain_streams()
        if lost is not None:
            print(f"error: standard output: {lost.strerror}", file=sys.stderr)
            drain_streams()
    return _NOT_PRINTED if lost and not status and _PRINT_ONLY & {*arguments[:1]} else status


if __name__ == "__main__":
    sys.exit(program(sys.argv[1:]))
