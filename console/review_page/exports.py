"""Downloads of a run's labels."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import quote

from nicegui import app
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from console.review_page.export_formats import label_studio, labelling_interface, write_zip
from console.runs_page.run_shelf import Shelf
from line.errors import BadInput

ROUTE = "/review-export"


def export_address(run: str, kind: str) -> str:
    """Where a run's labels are served, as `zip` or `json`; `xml` is Label Studio's interface."""
    return f"{ROUTE}/{quote(run, safe='')}/labels.{kind}"


def add_exports(shelf: Shelf) -> None:
    """Serve the labels of the shelf's runs."""

    @app.get(ROUTE + "/{run}/labels.zip")
    def as_zip(run: str) -> Response:
        return _or_why_not(lambda: _zip(shelf.folder(run)))

    @app.get(ROUTE + "/{run}/labels.json")
    def as_json(run: str) -> Response:
        return _or_why_not(lambda: _json(shelf.folder(run)))

    @app.get(ROUTE + "/{run}/labels.xml")
    def interface(run: str) -> Response:
        return _or_why_not(lambda: _xml(shelf.folder(run)))


def _zip(run_dir: Path) -> Response:
    # Beside the queue, where there is room for its pictures; gone when it is closed.
    file: BinaryIO = TemporaryFile(dir=run_dir / "review")  # noqa: SIM115 - the response closes it
    try:
        write_zip(run_dir, file)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(
        iter(lambda: file.read(1 << 18), b""),
        media_type="application/zip",
        headers=_named(f"{run_dir.name}-labels.zip"),
        background=BackgroundTask(file.close),
    )


def _json(run_dir: Path) -> Response:
    return Response(
        label_studio(run_dir),
        media_type="application/json",
        headers=_named(f"{run_dir.name}-label-studio.json"),
    )


def _xml(run_dir: Path) -> Response:
    return Response(
        labelling_interface(run_dir),
        media_type="application/xml",
        headers=_named(f"{run_dir.name}-label-studio.xml"),
    )


def _named(file: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file)}"}


def _or_why_not(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except (BadInput, OSError, sqlite3.Error) as error:
        return PlainTextResponse(f"{error}\n", 404)
