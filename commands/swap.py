"""`run_line.py swap`: another model on a running line, to serve or as a shadow model beside it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from commands.options import ModelFile, running_run
from commands.printing import out, shown
from line.errors import BadInput
from line.observe.control_client import Control
from line.section import EngineName

_LOOK_S = 1.0


def swap(
    run_dir: Annotated[
        Path | None, typer.Argument(help="of a run under way; not given: the newest")
    ] = None,
    model: ModelFile = None,
    engine: Annotated[
        EngineName | None, typer.Option(help="not given: the one that serves")
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|off",
            help="the model only answers beside, for this share of the items, 0..1; or off",
        ),
    ] = None,
) -> None:
    """Change the model of a running line, or try one beside it with --shadow."""
    folder = running_run(run_dir)
    if shadow == "off":
        if model is not None:
            raise BadInput("--shadow off: ends the shadow model that there is, without --model")
        _end_shadow(folder)
    elif model is None:
        raise BadInput("--model: name the new model")
    elif shadow is None:
        _swap(folder, model, engine)
    else:
        _begin_shadow(folder, model, engine, _share(shadow))


def _swap(folder: Path, model: Path, engine: EngineName | None) -> None:
    with Control.of(folder) as control:
        done = control.order("swap", getpass.getuser(), **_which(model, engine))
        out.print(f"{shown(folder)}: {done['before']} → {done['model']}, one worker after another")
        control.watch()
        while not control.ended:
            for status in control.receive(_LOOK_S):
                news = status["swap"] or {}
                if news.get("model") == done["model"] and news["state"] == "undone":
                    raise BadInput(f"the swap was undone: {news['reason']}")
                if news.get("model") == done["model"] and news["state"] == "done":
                    out.print(f"done: {done['model']} serves")
                    return
    raise BadInput(f"{folder}: the line has ended before the swap had")


def _begin_shadow(folder: Path, model: Path, engine: EngineName | None, share: float) -> None:
    with Control.of(folder) as control:
        which = _which(model, engine)
        done = control.order("shadow", getpass.getuser(), **which, share=share)
    out.print(
        f"{shown(folder)}: {done['model']} answers beside for {share:.0%} of the items; "
        f"compare with: run_line.py shadow {shown(folder)}",
        soft_wrap=True,
    )


def _which(model: Path, engine: EngineName | None) -> dict[str, str]:
    """The order's words for it."""
    named = {} if engine is None else {"engine": engine}
    return {"model": str(model.absolute()), **named}


def _end_shadow(folder: Path) -> None:
    with Control.of(folder) as control:
        done = control.order("shadow_off", getpass.getuser())
    out.print(f"{shown(folder)}: {done['model']} answers no more")


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"--shadow: {text!r} is neither a share (0..1) nor off") from None
