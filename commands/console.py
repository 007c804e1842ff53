"""`run_line.py console`: the web console over finished runs, and over one that is under way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import Assignments, Config, running_run
from commands.printing import err, out, shown
from commands.run_setup.run_console import tell_address
from line.config import load
from line.errors import BadInput
from line.observe.console_access import ConsoleAccess
from line.observe.control_client import Control
from line.settings import Settings

LEAST_CHARACTERS = 8


def console(
    path: Annotated[
        Path | None, typer.Argument(help="a run folder, or a folder of them; default: results.dir")
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
    make_password: Annotated[
        bool, typer.Option("--make-password", help="ask for a password and print its hash")
    ] = False,
    address: Annotated[
        bool, typer.Option("--address", help="print the address of a run's console, with its token")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="open it in this machine's browser")
    ] = False,
) -> None:
    """Serve the web console by itself, until Ctrl-C."""
    if make_password:
        _print_hash()
        return
    if address:
        print(_address_of(running_run(path)))
        return
    settings = load(config, assignments=assignments or ())
    folder = (path or Path(settings.results.dir)).absolute()
    if not folder.is_dir():
        raise BadInput(f"{folder}: is not a folder")
    _serve(settings, folder, open_browser)


def _address_of(run_dir: Path) -> str:
    """Where the console of the run lets its user in. Raises BadInput if it has none."""
    with Control.of(run_dir) as control:
        address = control.console_address()
    if address is None:
        raise BadInput(f"{run_dir}: this run has no console")
    return address


def _serve(settings: Settings, folder: Path, open_browser: bool) -> None:
    from console.__main__ import folders_to_look_in, models_folder
    from console.access.open_file import OpenFile
    from console.access.passwords import LoginTries
    from console.access.sessions import Sessions
    from console.classify_page.classify_client import ClassifyClient
    from console.link import LineLink, is_run_folder, newest_run
    from console.port import take_port
    from console.runs_page.run_starter import Starter
    from console.server import make_app, serve
    from console.site import Site

    alone = is_run_folder(folder)
    access = ConsoleAccess.fresh(settings.console.password_hash)
    with (
        take_port(settings.console) as listener,
        OpenFile(access.address(settings.console.url)) as opener,
        LineLink(lambda: folder if alone else newest_run(folder)) as link,
        ClassifyClient(settings) as classify_client,
    ):
        site = Site(
            results=folder.parent if alone else folder,
            models=models_folder(settings.model.path),
            look_in=folders_to_look_in(settings.console.look_in),
            silence_s=settings.console.silence_s,
            link=link,
            classifier=classify_client,
            starter=Starter(folder, link, only_resumes=alone),
            sessions=Sessions(access, settings.console.port),
        )
        tries = LoginTries(access.password_hash, settings.console.port)
        out.print(f"console over {shown(folder)} (Ctrl-C ends it)", soft_wrap=True)
        tell_address(settings, access, f"open {opener.path} in a browser")
        opening = open_browser

        def goes_on(started: bool) -> bool:
            nonlocal opening
            if opening and started:
                opening = False
                opener.open()
            return link.is_alive

        serve(make_app(site, tries), listener, goes_on)


def _print_hash() -> None:
    from console.access.passwords import make_hash

    password = typer.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    if len(password) < LEAST_CHARACTERS:
        raise BadInput(f"password: must have {LEAST_CHARACTERS} characters or more")
    err.print("console.password_hash, for config.toml or SCRAPLINE_CONSOLE__PASSWORD_HASH:")
    print(make_hash(password))
