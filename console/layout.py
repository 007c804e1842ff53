"""The frame of every page: header with the line's state, navigation, dark and light, messages.

Colours, sizes and the look of all elements are tokens and classes in `static/console.css`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nicegui import ui

from console.access.guard import LOGIN
from console.live import LiveLine
from console.run_end import REPORT
from console.runs_page.run_files import file_address
from console.site import NAME_COOKIE, Site, page_names
from console.widgets import attribute, block, button, text, toggle

STATIC = Path(__file__).parent / "static"
STATIC_ROUTE = "/console-static"
NAVIGATION = (
    ("line", "Line", "/"),
    ("review", "Review", "/review"),
    ("classify", "Classify", "/classify"),
    ("models", "Models", "/models"),
    ("runs", "Runs", "/runs"),
)
"""Page module, its name, its address; shown where the module is there."""
_BEAT_S = 0.5
"""The page hears from the console this often; it says so when it does not."""


@contextmanager
def frame(site: Site, title: str) -> Iterator[None]:
    """Everything around a page's own elements; use it once, at the top of the page function."""
    ui.page_title(f"{title} · Scrapline")
    for name in ("console.js", "presses.js", "console.css"):
        load(name)
    attribute(text("a", "Skip to the content", "skip"), "href", "#content")
    with block("header", "top"):
        brand = text("a", "Scrapline", "brand")
        attribute(brand, "href", "/")
        _navigation(title)
        head = _StateHead()
        _person(site)
        theme = button("◐", kind="quiet on-head", name="Switch between dark and light")
        theme.on("click", js_handler="() => scrapline.switchTheme()")
    with block("main", "content") as content:
        attribute(content, "id", "content")
        attribute(content, "tabindex", -1)
        text("h1", title, "page-title")
        yield
    ui.timer(_BEAT_S, lambda: _beat(site, head))


def load(name: str) -> None:
    """Have this page load a script or a stylesheet of `static/`."""
    address = f"{STATIC_ROUTE}/{name}?{(STATIC / name).stat().st_mtime_ns}"
    if name.endswith(".js"):
        ui.add_head_html(f'<script src="{address}"></script>')
    else:
        ui.add_head_html(f'<link rel="stylesheet" href="{address}">')


def _navigation(here: str) -> None:
    known = page_names()
    with block("nav", "pages") as navigation:
        attribute(navigation, "aria-label", "Pages")
        for module, name, address in NAVIGATION:
            if module in known:
                link = text("a", name)
                attribute(link, "href", address)
                if name == here:
                    attribute(link, "aria-current", "page")


def _person(site: Site) -> None:
    """Who gives the orders: that of the login, or a name of one's own choice."""
    if (name := site.login_name()) is not None:
        text("span", name, "person")
        return
    with block("label", "person"):
        text("span", "You", "person-label")
        entry = block("input", "person-name")
        # An attribute: as a property, every update of the page would undo what is being typed.
        entry.props.update({"^value": site.who(), "maxlength": 40, "autocomplete": "nickname"})
        entry.on("change", js_handler=f"(e) => scrapline.callMe('{NAME_COOKIE}', e.target.value)")


class _StateHead:
    """The line's state, and where to look when its run is over."""

    def __init__(self) -> None:
        with block("div", "state-head") as self._place:
            self._words = text("span", "", "state")
            attribute(self._words, "role", "status")
            self._link = text("a", "", "state-link")
        self._link.set_visibility(False)

    def show(self, live: LiveLine) -> None:
        seen, end = live.headline(), live.end
        self._words.set_text(seen.words)
        for kind in ("good", "busy", "off"):
            toggle(self._words, kind, kind == seen.kind)
        over = live.state == "over" and end is not None and live.run is not None
        self._link.set_visibility(over)
        if live.run is None:
            return
        attribute(self._place, "data-run", str(live.run.run_dir))
        if over and end is not None:
            has_report = end.has_report and end.is_accounted
            address = file_address(live.run.run_dir.name, REPORT) if has_report else "/"
            otherwise = "Resume …" if end.can_be_resumed else "Details"
            self._link.set_text("Report" if has_report else otherwise)
            attribute(self._link, "href", address)
            attribute(self._link, "target", "_blank" if has_report else None)
            attribute(self._link, "rel", "noopener" if has_report else None)


def _beat(site: Site, head: _StateHead) -> None:
    if site.is_shut_out:
        ui.navigate.to(LOGIN)
        return
    head.show(site.link.live)
    ui.run_javascript(f"scrapline.beat({1000 * site.silence_s:.0f})")
