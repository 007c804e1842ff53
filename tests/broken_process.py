"""Has a process of a line misbehave from its first moment on, in its own interpreter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SITECUSTOMIZE = """
import os, sys, threading, time

NAMES = {names!r}
for argument in sys.orig_argv:
    if argument.startswith("--channel="):
        CHANNEL = int(argument.partition("=")[2])

def misbehave():
{code}

if any(f"--name={{name}}" in sys.orig_argv for name in NAMES):
    threading.Thread(target=misbehave, daemon=True).start()
"""


def break_processes(
    patch: pytest.MonkeyPatch, folder: Path, names: tuple[str, ...], code: str
) -> None:
    """Lines that are started from now on run `code` in a thread of their processes `names`.

    It is the body of a function, with `os`, `sys`, `time` and CHANNEL, the descriptor of its
    channel.
    """
    folder.mkdir(exist_ok=True)
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(names=names, code=indented))
    path = os.environ.get("PYTHONPATH", "")
    patch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{path}" if path else str(folder))
