"""`python -m console`: a run's own console, started by the supervisor, of which nothing depends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from console.enquirer import Enquirer
from console.link import LineLink
from console.port import take_port
from console.server import make_app, serve
from console.sessions import Sessions
from console.site import Site
from line.config import ROOT
from line.errors import ScraplineError
from line.leash import Leash
from line.seat import leave, take_seat

_NICE = 10
"""It yields the processor to everybody in the line."""


def main() -> int:
    seat = take_seat()
    os.nice(_NICE)
    settings = seat.settings.console
    try:
        with (
            take_port(settings) as listener,
            LineLink(lambda: seat.run_dir) as link,
            Enquirer(seat.settings) as enquirer,
        ):
            sessions = Sessions(settings.password_hash)
            site = Site(
                results=seat.run_dir.parent,
                models=models_folder(seat.settings.model.path),
                look_in=folders_to_look_in(settings.look_in),
                link=link,
                enquirer=enquirer,
                starter=None,
                sessions=sessions,
            )
            serve(make_app(site, sessions), listener, Manners(seat.leash, link))
    except ScraplineError as error:
        return leave(seat, error)
    return 0


def models_folder(path: str) -> Path:
    """Where model files are kept: the folder that `model.path` names, or that it lies in."""
    found = Path(path) if Path(path).exists() else ROOT / path
    return found if found.is_dir() else found.parent


def folders_to_look_in(named: tuple[str, ...]) -> tuple[Path, ...]:
    """Folders as the settings name them, from here or from the project's root."""
    return tuple(Path(name) if Path(name).is_dir() else ROOT / name for name in named)


class Manners:
    """Those of a process on the leash: it says that it is ready and alive, and leaves when told."""

    def __init__(self, leash: Leash, link: LineLink) -> None:
        self._leash = leash
        self._link = link
        self._is_ready = False

    def __call__(self, started: bool) -> bool:
        """Whether to go on; to be called several times a second."""
        if started:
            self._leash.send("beat" if self._is_ready else "ready")
            self._is_ready = True
        told = [note["kind"] for note in self._leash.receive()]
        return self._link.is_alive and not self._leash.broken and "stop" not in told


if __name__ == "__main__":
    sys.exit(main())
