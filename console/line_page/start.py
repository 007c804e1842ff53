"""Starts a run where the console outlives it; says how where it does not."""

from __future__ import annotations

from pathlib import Path

from nicegui import context, run

from console.live import LiveLine
from console.site import Site, say
from console.widgets import Question, ask_first, attribute, block, button, choice, panel, text
from line.errors import BadInput


class StartPanel:
    """A scenario and a button. What is under way is named, and asked about, before it is ended."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._starter = site.starter
        self._ends: Path | None = None
        """the run that the button's question names"""
        with panel("Start a run", classes="start-panel"):
            if self._starter is None or not self._starter.scenarios:
                text("p", "This console was opened over one run.", "dim")
                with block("p", "dim"):
                    text("span", "To start runs from a page: ")
                    text("code", "python run_line.py console results")
                return
            with block("div", "row"):
                self._picked = self._starter.scenarios[0]
                choice("Scenario", self._starter.scenarios, self._pick)
                self._start = button("Start", self._begin, "primary")
            self._words = text("p", "", "dim")
            attribute(self._words, "role", "status")

    def show(self, live: LiveLine) -> None:
        starter = self._starter
        if starter is None or not starter.scenarios:
            return
        self._ends = starter.under_way
        self._start.set_text("End this run, start another" if self._ends else "Start")
        title = live.run.title if live.run else ""
        ask_first(self._start, self._question(title) if self._ends else None)

    def _question(self, title: str) -> Question:
        return Question(
            f"End {title} and start {self._picked}?",
            "The run that is under way is drained: nothing more is fed, what is on the belt is "
            f"finished, and the run is accounted for. Then {self._picked} is started.",
            f"End {title}, start {self._picked}",
        )

    def _pick(self, scenario: str) -> None:
        self._picked = scenario
        self.show(self._site.link.live)

    async def _begin(self) -> None:
        assert self._starter is not None
        visitor, picked, ends = context.client, self._picked, self._ends
        attribute(self._start, "disabled", True)
        self._words.set_text("What is under way is drained first …" if ends else "Starting …")
        try:
            await run.io_bound(self._starter.start, picked, self._site.who(), ends)
            said, bad = f"Started: {picked}", False
        except BadInput as error:
            said, bad = f"Not started: {error}", True
        with visitor:  # this panel may be gone: the page turns to the new run
            say(said, bad=bad)
        if not self._start.is_deleted:
            self._words.set_text("")
            attribute(self._start, "disabled", None)
