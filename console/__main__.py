"""`python -m console`: a run's own console, started by the supervisor, of which nothing depends."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from console.access.passwords import LoginTries
from console.access.sessions import Sessions
from console.classify_page.classify_client import ClassifyClient
from console.link import LineLink
from console.port import take_port
from console.server import make_app, serve
from console.site import Site
from line.config import ROOT
from line.errors import ScraplineError, StageDied
from line.observe import console_access
from line.observe.console_access import ConsoleAccess
from line.process.context import enter_process, leave
from line.process.control_channel import ControlChannel
from line.process.priority import yield_process

_NICE = 10
"""It yields the processor to everybody in the line."""


def main() -> int:
    context = enter_process()
    yield_process(_NICE)
    settings = context.settings.console
    try:
        access = receive_access(context.channel, context.settings.supervisor.start_s)
        with (
            take_port(settings) as listener,
            LineLink(lambda: context.run_dir) as link,
            ClassifyClient(context.settings) as classifier,
        ):
            site = Site(
                results=context.run_dir.parent,
                models=models_folder(context.settings.model.path),
                look_in=folders_to_look_in(settings.look_in),
                silence_s=settings.silence_s,
                link=link,
                classifier=classifier,
                starter=None,
                sessions=Sessions(access, settings.port),
            )
            tries = LoginTries(access.password_hash, settings.port)
            serve(
                make_app(site, tries),
                listener,
                SupervisorLink(context.channel, link, context.add_processor_time),
            )
    except ScraplineError as error:
        return leave(context, error)
    return 0


def receive_access(channel: ControlChannel, patience_s: float) -> ConsoleAccess:
    """Who is to be let in, as the supervisor says first of all. Raises StageDied if it does not."""
    deadline = monotonic() + patience_s
    while not channel.broken and (left_s := deadline - monotonic()) > 0:
        for note in channel.receive():
            if note["kind"] == console_access.NOTE:
                return ConsoleAccess.of_note(note)
        select.select([channel], [], [], left_s)
    raise StageDied("the runner did not say who is let in")


def models_folder(path: str) -> Path:
    """Where model files are kept: the folder that `model.path` names, or that it lies in."""
    found = Path(path) if Path(path).exists() else ROOT / path
    return found if found.is_dir() else found.parent


def folders_to_look_in(named: tuple[str, ...]) -> tuple[Path, ...]:
    """Folders as the settings name them, from here or from the project's root."""
    return tuple(Path(name) if Path(name).is_dir() else ROOT / name for name in named)


class SupervisorLink:
    """Says on the channel that the process is ready and alive; leaves when it is told to."""

    def __init__(
        self, channel: ControlChannel, link: LineLink, tell: Callable[[], None] = lambda: None
    ) -> None:
        """`tell`: called before every sign of life."""
        self._tell = tell
        self._channel = channel
        self._link = link
        self._is_ready = False

    def __call__(self, started: bool) -> bool:
        """Whether to go on; to be called several times a second."""
        if started:
            self._tell()
            self._channel.send("beat" if self._is_ready else "ready")
            self._is_ready = True
        told = [note["kind"] for note in self._channel.receive()]
        return self._link.is_alive and not self._channel.broken and "stop" not in told


if __name__ == "__main__":
    sys.exit(main())
