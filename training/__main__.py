"""`python -m training COMMAND`."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def program() -> None:
    """The command line, or one line about a package that is not installed."""
    try:
        from training.cli import main

        main()
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if not package or (_ROOT / package).is_dir():
            raise
        needs = _ROOT / "requirements" / "training.txt"
        said = f"error: {error}, in {sys.executable}; `pip install -r {needs}` brings it"
        print(said, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    program()
