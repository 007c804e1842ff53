"""Files of run folders over HTTP: a report to look at, a picture, a table to take away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from nicegui import app
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from console.runs_page.run_shelf import Shelf
from line.errors import BadInput

ROUTE = "/run-files"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}
"""Files of other kinds are not given out: databases, sockets, locks."""
HEADERS = {
    # A page made from others' data may show itself and do nothing else.
    "Content-Security-Policy": (
        "sandbox allow-popups; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        "font-src data:; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_CHUNK = 1 << 18


def file_address(run: str, file: str) -> str:
    """Where a file of a run is served."""
    return f"{ROUTE}/{quote(run, safe='')}/{quote(file)}"


def add_run_files(shelf: Shelf) -> None:
    """Serve the files of the shelf's runs."""

    @app.get(ROUTE + "/{run}/{file:path}")
    def run_file(run: str, file: str) -> Response:
        kind = _TYPES.get(PurePosixPath(file).suffix)
        if kind is None:
            return PlainTextResponse("No such file here.\n", 404)
        try:
            opened = shelf.open(run, file)
        except BadInput as error:
            return PlainTextResponse(f"{error}\n", 404)
        return StreamingResponse(_chunks(opened), media_type=kind, headers=HEADERS)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with closing(file):
        while chunk := file.read(_CHUNK):
            yield chunk
