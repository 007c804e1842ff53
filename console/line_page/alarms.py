"""The last alerts, a row for each kind, to be acknowledged or shelved for ten minutes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from nicegui import run

from console.line_page.alarm_groups import Alarm, Alarms, State
from console.site import Site, say
from console.widgets import block, button, panel, text, toggle
from line.errors import BadInput

_MOST_ROWS = 6
_SIGNS = {"alarm": "▲", "warning": "◆", "info": "●"}

Deed = Callable[[], Awaitable[None]]


class AlarmsPanel:
    """A row stays for good and is only told what has changed: it may have somebody's focus."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._alarms = Alarms(site.run_dir) if site.run_dir else None
        self._rows: dict[str, _Row] = {}
        self._order: list[str] = []
        with panel("Alerts", classes="alarms-panel"):
            self._list = block("ul", "alarms")
            self._none = text("p", "Nothing has been raised in this run.", "empty")

    async def show(self) -> None:
        alarms = self._alarms
        if alarms is None:
            return
        await run.io_bound(alarms.refresh)
        ranked = alarms.ranked()
        self._none.set_visibility(not ranked)
        for place, alarm in enumerate(ranked):
            row = self._row(alarms, alarm)
            row.show(
                alarm,
                alarms.state(alarm),
                more="" if alarms.are_all_counted else "+",
                is_listed=place < _MOST_ROWS,
            )
            if self._order[place] != alarm.kind:
                self._order.remove(alarm.kind)
                self._order.insert(place, alarm.kind)
                row.element.move(self._list, place)

    def _row(self, alarms: Alarms, alarm: Alarm) -> _Row:
        if alarm.kind not in self._rows:
            deeds = {
                "Acknowledge": self._deed(alarms.acknowledge, alarm.kind),
                "Shelve": self._deed(alarms.shelve, alarm.kind),
                "Unshelve": self._deed(alarms.unshelve, alarm.kind),
            }
            with self._list:
                self._rows[alarm.kind] = _Row(alarm.title, deeds)
            self._order.append(alarm.kind)
        return self._rows[alarm.kind]

    def _deed(self, deed: Callable[[str, str], None], kind: str) -> Deed:
        async def act() -> None:
            try:
                await run.io_bound(deed, kind, self._site.who())
            except OSError as error:
                say(f"Not kept: {error.strerror or error}", bad=True)
            except BadInput as error:
                say(f"Not kept: {error}", bad=True)
            await self.show()

        return act


class _Row:
    """All alerts of one kind."""

    def __init__(self, title: str, deeds: dict[str, Deed]) -> None:
        self._title = title
        with block("li", "alarm") as self.element:
            self._sign = text("span", "", "alarm-sign")
            with block("div", "alarm-words"):
                self._head = text("h3", title)
                self._words = text("p", "", "dim")
                self._when = text("p", "", "dim alarm-when")
            with block("div", "alarm-buttons"):
                self._buttons = {
                    word: button(word, deed, kind="small", name=f"{word} {title}")
                    for word, deed in deeds.items()
                }

    def show(self, alarm: Alarm, state: State, *, more: str, is_listed: bool) -> None:
        """`more`: a sign behind the count where there were more than were read."""
        self.element.set_visibility(is_listed)
        for level in _SIGNS:
            toggle(self.element, f"level-{level}", level == alarm.level)
        toggle(self.element, "handled", state != "new")
        self._sign.set_text(_SIGNS.get(alarm.level, "●"))
        count = f" ×{alarm.count:,}{more}" if alarm.count > 1 else ""
        self._head.set_text(self._title + count)
        self._words.set_text(alarm.text)
        self._when.set_text(_when(alarm, state))
        self._buttons["Acknowledge"].set_visibility(state == "new")
        self._buttons["Shelve"].set_visibility(state != "shelved")
        self._buttons["Unshelve"].set_visibility(state == "shelved")


def _when(alarm: Alarm, state: State) -> str:
    at = _clock(alarm.at)
    if state == "acknowledged":
        return f"{at}, acknowledged by {alarm.acknowledged_by}"
    if state == "shelved":
        return f"{at}, shelved until {_clock(alarm.shelved_until)} by {alarm.shelved_by}"
    return at


def _clock(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%H:%M:%S") if moment else ""
