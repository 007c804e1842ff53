"""`run_line.py order`: give a running line an order, from the shell."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from commands.options import number_or_word
from commands.printing import out
from line.errors import BadInput
from line.observe.orders import ACTIONS


def order(
    run_dir: Annotated[Path, typer.Argument(help="folder of a run that is under way")],
    action: Annotated[str, typer.Argument(help=f"one of {', '.join(ACTIONS)}")],
    facts: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="as m_per_s=1.5")
    ] = None,
) -> None:
    """Give a running line an order, such as: order RUN_DIR belt_speed m_per_s=1.5."""
    from line.observe.control_client import Control

    given = dict(_fact(text) for text in facts or ())
    with Control.of(run_dir) as control:
        done = control.order(action, getpass.getuser(), **given)
    said = ", ".join(f"{key} {value}" for key, value in done.items())
    out.print(f"{action}: done{said and f' ({said})'}", markup=False)


def _fact(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise BadInput(f"{text}: expected key=value, as in m_per_s=1.5")
    if key == "action":
        raise BadInput(f"{text}: the action is named once, before what it takes")
    return key, number_or_word(value)
