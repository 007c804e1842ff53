"""A file that leads a browser of this user to the console, token and all, and nobody else.

A token in the address of a browser that is started would stand in its arguments, for every user of
the machine to read; so the browser is given this file, as Jupyter does.
"""

from __future__ import annotations

import os
import shutil
import threading
import webbrowser
from html import escape
from pathlib import Path
from typing import Self

from line.process.runtime_dir import make_runtime_dir


class OpenFile:
    """Context manager: makes the file (mode 0600, in a folder with mode 0700) and removes it."""

    def __init__(self, address: str) -> None:
        self._folder = make_runtime_dir()
        self.path: Path = self._folder / "console.html"
        target = escape(address)
        page = (
            '<!doctype html><meta charset="utf-8"><title>Scrapline</title>'
            f'<meta http-equiv="refresh" content="0;url={target}">'
            f'<a href="{target}">Open the console</a>\n'
        )
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(page)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def open(self) -> None:
        """Have this machine's browser open it, where there is one; some return when they end."""
        uri = self.path.as_uri()
        threading.Thread(target=lambda: webbrowser.open(uri), name="browser", daemon=True).start()
