"""What the console's pages share: the settings, the folders, and the access to the line.

A page is a module `console/pages/NAME.py` with one function:

    def build(site: Site) -> None:
        @ui.page("/review", response_timeout=PATIENCE_S)
        def review() -> None:
            with frame(site, "Review"):
                ...  # the page's own elements, from console.widgets where they fit

`build_pages` finds it, and the navigation shows its address if `layout.NAVIGATION` lists it. What
blocks (a file, SQLite, an order) runs in a thread: `await run.io_bound(...)` of NiceGUI. What the
page knows belongs in a plain object in a module of its own, to be tested without a browser.
Text from outside goes through `widgets.text`, never into HTML.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from nicegui import context, run, ui

from console import pages
from console.access.sessions import Session, Sessions
from console.classify_page.classify_client import ClassifyClient
from console.link import LineLink
from console.runs_page.run_starter import Starter
from line.errors import BadInput

PATIENCE_S = 60.0
"""For a page that is asked for to be built: the machine may be busy, the console yields to all."""
NAME_COOKIE = "scrapline_name"
"""How somebody who came by the token wants to be called in the logs."""
_NAME_CHARACTERS = 40


@dataclass(frozen=True)
class Site:
    """One console. `results` holds the run folders; `link` follows the newest one, or one alone."""

    results: Path
    models: Path
    """folder of model files"""
    look_in: tuple[Path, ...]
    """further folders that hold models and their evaluations, at some depth"""
    silence_s: float
    """a page that has no word from the console for so long says so and sends nothing"""
    link: LineLink
    classifier: ClassifyClient
    """classifies pictures that visitors bring, in a process of its own"""
    starter: Starter | None
    """starts runs; None in a run's own console, which ends with it"""
    sessions: Sessions
    """who was let in"""

    @property
    def run_dir(self) -> Path | None:
        """Folder of the run that is shown; None while there is none."""
        return self.link.run_dir

    def who(self) -> str:
        """Name of the person at this page, for logs. Only within a page or one of its events.

        Raises:
            BadInput: if this person's session is over.
        """
        session = self._session()
        if session is None:
            raise BadInput("your session is over; load the page again")
        if session.name:
            return session.name
        return tidy_name(unquote(self._cookie(NAME_COOKIE) or "")) or "operator"

    def login_name(self) -> str | None:
        """The name that this person has logged in with; None if they came by the token."""
        session = self._session()
        return session.name or None if session is not None else None

    @property
    def is_shut_out(self) -> bool:
        """Whether this person's session has ended while their page was open."""
        return self._session() is None

    def _session(self) -> Session | None:
        return self.sessions.find(self._cookie(self.sessions.cookie))

    @staticmethod
    def _cookie(name: str) -> str | None:
        request = context.client.request
        return request.cookies.get(name) if request else None

    async def order(self, action: str, run_dir: Path, **facts: object) -> bool:
        """Give the line of a run an order and tell the person what came of it; True if done."""
        try:
            done = await run.io_bound(self.link.order, action, self.who(), run_dir, **facts)
        except BadInput as error:
            say(f"Refused: {error}", bad=True)
            return False
        given = " ".join(str(value) for value in facts.values())
        at_s = (done or {}).get("at_s")  # of what is riding already nothing is changed
        when = "" if at_s is None else f", from belt second {at_s:.1f} on"
        say(f"Done: {action.replace('_', ' ')} {given}".rstrip() + when)
        return True


def build_pages(site: Site) -> None:
    """Add every page in `console/pages/`."""
    for module in pkgutil.iter_modules(pages.__path__):
        importlib.import_module(f"{pages.__name__}.{module.name}").build(site)


def page_names() -> set[str]:
    """Names of the pages that there are."""
    return {module.name for module in pkgutil.iter_modules(pages.__path__)}


def tidy_name(text: str) -> str:
    """A name as it may stand in a log: printable, short, without space around it."""
    return "".join(c for c in text if c.isprintable()).strip()[:_NAME_CHARACTERS]


def say(text: str, *, bad: bool = False) -> None:
    """A line at the page's foot, also read aloud; an error stays longer."""
    ui.run_javascript(f"scrapline.say({json.dumps(text)}, {json.dumps(bad)})")
