"""The Runs page: every run there is with its report, and two of them side by side."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from nicegui import app, ui
from nicegui import run as nicegui_run
from starlette.responses import PlainTextResponse, Response

from console.layout import frame, load
from console.runs_page.difference import difference, show_difference, show_figures
from console.runs_page.figures import pairs
from console.runs_page.run_shelf import Run, Shelf
from console.runs_page.table import Resume, RunTable
from console.site import PATIENCE_S, Site, say
from console.widgets import attribute, block, button, choice, panel, text
from line.errors import BadInput

_CSV = "/run-difference"


def build(site: Site) -> None:
    shelf = Shelf(site.results, lambda: site.run_dir)
    _add_download(shelf)

    @ui.page("/runs", response_timeout=PATIENCE_S)
    async def runs(a: str = "", b: str = "") -> None:
        """`a`, `b`: names of runs to compare."""
        with frame(site, "Runs"):
            load("runs.css")
            with block("div", "stack"):
                found = await asyncio.to_thread(shelf.runs)
                if len(found) > 1:
                    _pair(found, a, b)
                if a and b:
                    _figures(found, a, b)
                    _begin_to_compare(shelf, a, b)
                RunTable(found, _resume(site))


def _resume(site: Site) -> Resume | None:
    """What goes on with a run that was cut off; None where this console starts none."""
    starter = site.starter
    if starter is None:
        return None

    async def resume(run: Run) -> None:
        try:
            site.who()  # of nobody whose session is over
            await nicegui_run.io_bound(starter.resume, run.path)
        except BadInput as error:
            say(f"Not resumed: {error}", bad=True)
            return
        ui.navigate.to("/")

    return resume


def _figures(found: list[Run], a: str, b: str) -> None:
    """Those of the two runs' accounts, where both have some."""
    accounts = {run.name: run.accounts for run in found}
    one, other = accounts.get(a), accounts.get(b)
    if one is not None and other is not None:
        show_figures(a, b, pairs(one, other))


def _pair(found: list[Run], a: str, b: str) -> None:
    """Which two runs to compare."""
    names = [run.name for run in found]
    picked = {"a": a or names[1], "b": b or names[0]}
    note = "item by item: what was judged otherwise, and why"
    with panel("Compare two runs", note=note), block("div", "pair"):
        for side in picked:
            _choose(f"Run {side.upper()}", names, picked, side)
        button(
            "Compare",
            lambda: ui.navigate.to(f"/runs?a={quote(picked['a'])}&b={quote(picked['b'])}"),
            kind="primary",
        )


def _choose(label: str, names: list[str], picked: dict[str, str], side: str) -> None:
    def pick(name: str) -> None:
        picked[side] = name
        attribute(entry, "value", name)  # or any update of the page would undo it

    entry = choice(label, names, pick)
    attribute(entry, "value", picked[side])


def _begin_to_compare(shelf: Shelf, a: str, b: str) -> None:
    """The page does not wait: large runs take a while."""
    with block("div") as place:
        waits = text("p", f"Comparing {a} and {b} …", "panel")
        attribute(waits, "role", "status")

    async def compare() -> None:
        try:
            found = await asyncio.to_thread(lambda: difference(shelf.folder(a), shelf.folder(b)))
        except BadInput as error:
            waits.set_text(str(error))
            waits.classes("complaint")
            return
        place.clear()
        with place:
            show_difference(found, f"{_CSV}/{quote(a, safe='')}/{quote(b, safe='')}/diff.csv")

    ui.timer(0.0, compare, once=True)


def _add_download(shelf: Shelf) -> None:
    @app.get(_CSV + "/{a}/{b}/diff.csv")
    def changes(a: str, b: str) -> Response:
        try:
            content = difference(shelf.folder(a), shelf.folder(b)).as_csv()
        except BadInput as error:
            return PlainTextResponse(f"{error}\n", 404)
        return Response(content, media_type="text/csv; charset=utf-8")
