"""`run_line.py` on a disk that takes long over session.json whenever the belts were changed."""

from __future__ import annotations

import sys
from time import sleep

from line.belt_changes import BeltChange
from line.run_files.run_folder import RunFolder
from line.run_files.session import Session
from run_line import main

SLOW_S = 2.0

_keep = Session.keep
_written: list[BeltChange] = []


def keep_slowly(session: Session, folder: RunFolder) -> None:
    """As `Session.keep`."""
    global _written
    if session.overrides.changes != _written:
        _written = session.overrides.changes
        sleep(SLOW_S)
    _keep(session, folder)


if __name__ == "__main__":
    setattr(Session, "keep", keep_slowly)  # noqa: B010
    sys.exit(main(sys.argv[1:]))
