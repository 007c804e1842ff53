"""`python -m benchmarks.first_hour`: run the commands of docs/first-hour.md, each in its turn.

With `--photos` on a folder of class folders, else on ninety drawn pictures of three classes. All
that is made lies in a temporary folder. What is installed already is not installed again.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from benchmarks.entry import run
from line.config import ROOT
from line.errors import BadInput
from producers.render import render

PAGE = ROOT / "docs" / "first-hour.md"
PYTHON = ".venv/bin/python"
_INSTALLS = ("make ", f"{PYTHON} -m pip ")
_CLASSES = ("glass", "metal", "paper")
_PER_CLASS = 30

app = typer.Typer(add_completion=False)


def commands(page: str) -> list[str]:
    """The lines of a page's `sh` blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def here(command: str, photos: Path, folder: Path, weights: str) -> list[str]:
    """The words of a command, with its pictures, its results and its weights as wanted."""
    places = {
        "runs/mine/prepare/photos": str(folder / "runs" / "mine" / "prepare" / photos.name),
        "runs/mine": str(folder / "runs" / "mine"),
        "results/mine": str(folder / "results" / "mine"),
    }
    words = []
    for word in shlex.split(command):
        known = next((name for name in places if word.startswith(name)), None)
        if known is not None:
            word = places[known] + word.removeprefix(known)
        words.append(
            {"photos": str(photos), "imagenet": weights, PYTHON: sys.executable}.get(word, word)
        )
    return words


@app.command()
def main(
    photos: Annotated[Path | None, typer.Option(help="folder of class folders")] = None,
    weights: Annotated[
        str, typer.Option(help="what training starts from; none: offline")
    ] = "imagenet",
) -> None:
    """Run the page; ends with 2 at the first command that fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if photos is None:
            photos = folder / "photos"
            render(photos, _PER_CLASS, classes=_CLASSES)
        for command in commands(PAGE.read_text(encoding="utf-8")):
            if command.startswith(_INSTALLS):
                print(f"installed already   {command}", flush=True)
                continue
            words = here(command, photos.absolute(), folder, weights)
            began = monotonic()
            ended = subprocess.run(words, cwd=ROOT, check=False)
            print(f"{monotonic() - began:6.0f} s   {command}", flush=True)
            if ended.returncode != 0:
                raise BadInput(f"{command}: ended with status {ended.returncode}")


if __name__ == "__main__":
    run(app)
