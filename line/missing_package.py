"""What is said where a package is not installed. It needs none itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from line.errors import BadInput

_ROOT = Path(__file__).resolve().parent.parent


def missing(error: ImportError) -> str:
    """One line: what is missing in which Python, and the command that brings it."""
    return (
        f"error: {error}, in {sys.executable}; `make setup` in {_ROOT} installs what the line "
        "needs, and .venv/bin/python there has it"
    )


def is_of_others(error: ImportError) -> bool:
    """It is about a package to be installed, not about a module of the project."""
    package = (error.name or "").partition(".")[0]
    return bool(package) and not (_ROOT / package).is_dir()


@contextmanager
def optional(wanted_for: str, file: str) -> Iterator[None]:
    """For the import of what `requirements/FILE` brings.

    Raises BadInput, saying how to install it, where it is not installed.
    """
    try:
        yield
    except ImportError as error:
        first, *_ = str(error).splitlines() or ["a package is missing"]
        raise BadInput(
            f"{wanted_for}: {first}; install it with: pip install -r requirements/{file}"
        ) from None
