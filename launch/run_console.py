"""Whether a run has a console, and where it is."""

from __future__ import annotations

from console.port import take_port
from launch.console import err, out
from line.errors import BadInput
from line.settings import Settings


def with_console_decided(settings: Settings, *, silent: bool) -> Settings:
    """The settings with `console.on` as "on" or "off", which the person is told of.

    `auto` means on where the runner has a terminal and is not `silent`. A run goes on without its
    console if the port is taken.
    """
    on = settings.console.on == "on"
    if settings.console.on == "auto":
        on = out.is_terminal and not silent
    if on:
        try:
            take_port(settings.console).close()
        except BadInput as error:
            words = f"{error}; the run goes on without the console"
            err.print(words, style="yellow", soft_wrap=True, markup=False)
            on = False
        else:
            err.print(f"console: {settings.console.url}")
    values = settings.model_dump()
    values["console"]["on"] = "on" if on else "off"
    return Settings.model_validate(values)
