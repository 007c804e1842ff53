"""The last alerts, a row for each kind, to be acknowledged or shelved for ten minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nicegui import run

from console.alarms import Alarm, Alarms
from console.site import Site, say
from console.widgets import block, button, panel, text, toggle

_MOST_ROWS = 6
_SIGNS = {"alarm": "▲", "warning": "◆", "info": "●"}


class AlarmsPanel:
    """Rows are made anew only when something about them has changed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._alarms = Alarms(site.run_dir) if site.run_dir else None
        self._shown: object = None
        with panel("Alerts", classes="alarms-panel"):
            self._list = block("ul", "alarms")
            self._none = text("p", "Nothing has been raised in this run.", "empty")

    async def show(self) -> None:
        alarms = self._alarms
        if alarms is None:
            return
        await run.io_bound(alarms.refresh)
        ranked = alarms.ranked()[:_MOST_ROWS]
        seen = [(a.kind, a.count, alarms.state(a), a.text, a.who) for a in ranked]
        if seen == self._shown:
            return
        self._shown = seen
        self._none.set_visibility(not ranked)
        self._list.clear()
        with self._list:
            for alarm in ranked:
                self._row(alarms, alarm)

    def _row(self, alarms: Alarms, alarm: Alarm) -> None:
        state = alarms.state(alarm)
        with block("li", f"alarm level-{alarm.level}") as row:
            toggle(row, "handled", state != "new")
            text("span", _SIGNS.get(alarm.level, "●"), "alarm-sign")
            with block("div", "alarm-words"):
                times = f" ×{alarm.count:,}" if alarm.count > 1 else ""
                text("h3", f"{alarm.title}{times}")
                text("p", alarm.text, "dim")
                text("p", _when(alarm, state), "dim alarm-when")
            with block("div", "alarm-buttons"):
                if state == "new":
                    self._button("Acknowledge", alarm, alarms.acknowledge)
                if state == "shelved":
                    self._button("Unshelve", alarm, alarms.unshelve)
                else:
                    self._button("Shelve", alarm, alarms.shelve)

    def _button(self, word: str, alarm: Alarm, deed: Callable[[str, str], None]) -> None:
        async def act() -> None:
            try:
                await run.io_bound(deed, alarm.kind, self._site.who())
            except OSError as error:
                say(f"Not kept: {error.strerror or error}", bad=True)
            self._shown = None
            await self.show()

        button(word, act, kind="small", name=f"{word} {alarm.title}")


def _when(alarm: Alarm, state: str) -> str:
    at = _clock(alarm.at)
    if state == "acknowledged":
        return f"{at}, acknowledged by {alarm.who}"
    if state == "shelved":
        return f"{at}, shelved until {_clock(alarm.shelved_until)} by {alarm.who}"
    return at


def _clock(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%H:%M:%S") if moment else ""
