"""Pages of evaluation folders over HTTP: the errors that a model is surest of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from nicegui import app
from starlette.responses import PlainTextResponse, Response

from console.inside import open_inside
from console.runs_page.run_files import HEADERS
from line.errors import BadInput

ROUTE = "/evaluation-files"
WORST = "worst.html"


def worst_address(folder: Path) -> str:
    """Where a folder's page of errors is served."""
    return f"{ROUTE}/{_key(folder)}/{WORST}"


def add_evaluation_files(folders: Callable[[], Iterable[Path]]) -> None:
    """Serve the pages of errors of those folders, and of no others."""

    @app.get(ROUTE + "/{key}/" + WORST)
    def worst(key: str) -> Response:
        folder = next((path for path in folders() if _key(path) == key), None)
        try:
            if folder is None:
                raise BadInput("There is no such evaluation.")
            with closing(open_inside(folder, WORST)) as file:
                page = file.read()
        except BadInput as error:
            return PlainTextResponse(f"{error}\n", 404)
        return Response(page, media_type="text/html; charset=utf-8", headers=HEADERS)


def _key(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:16]
