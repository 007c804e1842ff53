"""The Review page: the queue of doubtful items as a desk to label them at, by key or by click."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from nicegui import ui

from console.layout import frame, load
from console.review_page.desk import Desk
from console.review_page.exports import add_exports
from console.review_page.view import DeskView
from console.runs_page.run_files import add_run_files
from console.runs_page.run_shelf import Shelf
from console.site import PATIENCE_S, Site
from console.widgets import attribute, block, choice, text
from line.errors import BadInput


def build(site: Site) -> None:
    shelf = Shelf(site.results, lambda: site.run_dir)
    add_run_files(shelf)
    add_exports(shelf)

    @ui.page("/review", response_timeout=PATIENCE_S)
    async def review(name: str = "") -> None:
        """`name`: the run; without it the one that is shown."""
        with frame(site, "Review"):
            load("review.css")
            load("keys.js")
            load("review.js")
            names = await asyncio.to_thread(shelf.names)
            wanted = name or (site.run_dir.name if site.run_dir else next(iter(names), ""))
            with block("div", "row filters") as row:
                if names:
                    _choose_run(names, wanted)
            await _context(shelf, wanted, site.who(), row)


async def _context(shelf: Shelf, name: str, who: str, row: ui.element) -> None:
    """The person's desk, or why there is none."""
    if not name:
        text("p", "No run yet. Start one with: run_line.py run", "empty")
        return
    try:
        desk = await asyncio.to_thread(lambda: Desk(shelf.folder(name), who))
    except BadInput as error:
        text("p", str(error), "empty")
        return
    await DeskView(desk, row).begin()


def _choose_run(names: list[str], current: str) -> None:
    picked = choice("Run", names, lambda name: ui.navigate.to(f"/review?name={quote(name)}"))
    attribute(picked, "value", current)
