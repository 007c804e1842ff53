"""Whether a run has a console, where it is, and who is let in."""

from __future__ import annotations

from pathlib import Path

from commands.printing import err, out, shown
from console.port import take_port
from line.config import load
from line.errors import BadInput
from line.observe.console_access import ConsoleAccess
from line.settings import Settings


def with_console_decided(
    settings: Settings, run_dir: Path, *, silent: bool
) -> tuple[Settings, ConsoleAccess | None]:
    """The settings with `console.on` as "on" or "off", which the person is told of; and its access.

    `auto` means on where the runner has a terminal and is not `silent`. A run goes on without its
    console if the port is taken, or if a resumed one has no password any more for other machines.
    """
    on = settings.console.on == "on"
    if settings.console.on == "auto":
        on = out.is_terminal and not silent
    access = None
    if on:
        password_hash = settings.console.password_hash or load().console.password_hash
        access = ConsoleAccess.fresh(password_hash)
        try:
            _check(settings, password_hash)
        except BadInput as error:
            err.print(
                f"{error}; the run goes on without the console", style="yellow", soft_wrap=True
            )
            access = None
        else:
            tell_address(settings, access, f"run_line.py console --address {shown(run_dir)}")
    return settings.replaced({"console": {"on": "off" if access is None else "on"}}), access


def tell_address(settings: Settings, access: ConsoleAccess, elsewhere: str) -> None:
    """Say where the console is: with its token on a terminal alone, else where to find that."""
    if err.is_terminal:
        err.print(f"console: {access.address(settings.console.url)}", soft_wrap=True)
    else:
        err.print(
            f"console: {settings.console.url} (its address with the token: {elsewhere})",
            soft_wrap=True,
        )


def _check(settings: Settings, password_hash: str) -> None:
    fault = settings.console.model_copy(update={"password_hash": password_hash}).fault()
    if fault:
        raise BadInput(fault)
    take_port(settings.console).close()
