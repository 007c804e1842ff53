"""What stands on the Line page when the run is over: how it ended, its report, and to go on."""

from __future__ import annotations

from pathlib import Path

from nicegui import context, run, ui

from console.live import LiveLine
from console.run_end import REPORT, RunEnd
from console.runs_page.run_files import file_address
from console.site import Site, say
from console.widgets import attribute, block, button, text, toggle
from line.errors import BadInput

_HEADS = {
    "finished": "This run has finished",
    "drained": "This run was drained",
    "stopped": "This run was stopped",
    "died": "This run has died",
    "cut off": "This run was cut off",
    "ending": "This run is ending",
}
_NO_REPORT = "It has no report yet; the command below makes one."
_NO_ROWS = "Nothing was logged, so there is nothing to report."
_CUT_OFF = "Its runner is gone and has said nothing of an end. What stands in its folder is whole."


class EndedPanel:
    """Shown while no line answers."""

    def __init__(self, site: Site, run_dir: Path) -> None:
        self._site = site
        self._run_dir = run_dir
        with block("section", "panel ended-panel") as self._region:
            attribute(self._region, "aria-label", "Ended")
            self._head = text("h2")
            self._words = text("p", "", "dim")
            self._command = text("code", "", "ended-command")
            with block("div", "row"):
                self._report = _link("Report", file_address(run_dir.name, REPORT))
                attribute(self._report, "target", "_blank")
                attribute(self._report, "rel", "noopener")
                self._resume = button("Resume this run", self._go_on)
                _link("All runs", "/runs")
        self._region.set_visibility(False)

    def show(self, live: LiveLine) -> None:
        end = live.end
        over = live.state == "over" and end is not None
        self._region.set_visibility(over)
        if not over or end is None:
            return
        self._head.set_text(_HEADS.get(end.how, f"This run has ended: {end.how}"))
        self._words.set_text(_words(end))
        self._words.set_visibility(bool(_words(end)))
        self._report.set_visibility(end.has_report and end.is_accounted)
        toggle(self._report, "primary", end.kind == "good")
        toggle(self._resume, "primary", end.kind != "good")
        self._resume.set_visibility(end.can_be_resumed and self._site.starter is not None)
        command = self._needed(end)
        self._command.set_text(command)
        self._command.set_visibility(bool(command))

    def _needed(self, end: RunEnd) -> str:
        """What has to be typed, where no button does it."""
        if end.can_be_resumed and self._site.starter is None:
            return f"python run_line.py run --resume {self._run_dir}"
        if end.is_accounted and end.has_rows and not end.has_report:
            return f"python run_line.py report {self._run_dir}"
        return ""

    async def _go_on(self) -> None:
        assert self._site.starter is not None
        visitor = context.client
        attribute(self._resume, "disabled", True)
        try:
            self._site.who()  # of nobody whose session is over
            await run.io_bound(self._site.starter.resume, self._run_dir)
            said, bad = f"Resumed: {self._run_dir.name}", False
        except BadInput as error:
            said, bad = f"Not resumed: {error}", True
        with visitor:
            say(said, bad=bad)
        if not self._resume.is_deleted:
            attribute(self._resume, "disabled", None)


def _words(end: RunEnd) -> str:
    if end.how == "ending":
        return "Its processes finish what they have."
    if not end.is_accounted:
        return "Its report is being made."
    made = "" if end.has_report else _NO_REPORT if end.has_rows else _NO_ROWS
    return " ".join(part for part in (_CUT_OFF if end.how == "cut off" else "", made) if part)


def _link(words: str, address: str) -> ui.element:
    element = text("a", words, "button")
    attribute(element, "href", address)
    return element
