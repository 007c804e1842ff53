"""Alarms, to be acknowledged or shelved for ten minutes; below them what happened, by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from nicegui import run

from console.line_page.alarm_groups import Alarm, Alarms, State
from console.live import LiveLine
from console.site import Site, say
from console.widgets import block, button, panel, text, toggle
from line.errors import BadInput

_MOST_ROWS = 6
_MOST_EVENTS = 5
_SIGNS = {"high": "▲", "medium": "◆", "low": "●"}
_LEVELS = {"high": "level-alarm", "medium": "level-warning", "low": "level-info"}

Deed = Callable[[], Awaitable[None]]


class AlarmsPanel:
    """A row stays for good and is only told what has changed: it may have somebody's focus."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._alarms = Alarms(site.run_dir) if site.run_dir else None
        self._rows: dict[str, _Row] = {}
        self._order: list[str] = []
        with panel("Alarms", classes="alarms-panel"):
            self._unwatched = text("p", "", "warn")
            self._limits = text("p", "", "warn")
            self._list = block("ul", "alarms")
            self._none = text("p", "No alarm stands.", "empty")
            self._head = text("h3", "Events", "others-head")
            with block("ul", "events"):
                self._events = [text("li", "", "dim") for _ in range(_MOST_EVENTS)]

    async def show(self, live: LiveLine) -> None:
        alarms = self._alarms
        if alarms is None:
            return
        is_running = live.state == "running"
        standing = live.status.get("alerts", {}).get("standing") if is_running else None
        await run.io_bound(alarms.refresh, standing)
        self._show_alarms(alarms)
        self._show_events(alarms)
        gone = is_running and any(
            each["name"] == "alerts" and each["state"] == "gone"
            for each in live.status.get("processes", [])
        )
        self._unwatched.set_text("Nobody watches: the process alerts was given up." if gone else "")
        self._unwatched.set_visibility(gone)
        self._show_limits(live.status.get("machine_limits", []) if is_running else [])

    def _show_limits(self, limits: list[str]) -> None:
        """Where the machine is the limit of a line that runs."""
        self._limits.set_text(f"The machine is the limit: {'; '.join(limits)}." if limits else "")
        self._limits.set_visibility(bool(limits))

    def _show_alarms(self, alarms: Alarms) -> None:
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
            if self._order[place] != alarm.key:
                self._order.remove(alarm.key)
                self._order.insert(place, alarm.key)
                row.element.move(self._list, place)
        for key in self._rows.keys() - {alarm.key for alarm in ranked}:
            self._rows[key].element.set_visibility(False)

    def _show_events(self, alarms: Alarms) -> None:
        events = alarms.events()
        self._head.set_visibility(bool(events))
        for number, line in enumerate(self._events):
            line.set_visibility(number < len(events))
            if number < len(events):
                each = events[number]
                count = f" ×{each.count:,}" if each.count > 1 else ""
                kind = each.kind.replace("_", " ")
                line.set_text(f"{_clock(each.at)} {kind}{count}: {each.text}")

    def _row(self, alarms: Alarms, alarm: Alarm) -> _Row:
        if alarm.key not in self._rows:
            deeds = {
                "Acknowledge": self._deed(alarms.acknowledge, alarm.key),
                "Shelve": self._deed(alarms.shelve, alarm.key),
                "Unshelve": self._deed(alarms.unshelve, alarm.key),
            }
            with self._list:
                self._rows[alarm.key] = _Row(alarm.title, deeds)
            self._order.append(alarm.key)
        return self._rows[alarm.key]

    def _deed(self, deed: Callable[[str, str], None], key: str) -> Deed:
        async def act() -> None:
            try:
                await run.io_bound(deed, key, self._site.who())
            except OSError as error:
                say(f"Not kept: {error.strerror or error}", bad=True)
            except BadInput as error:
                say(f"Not kept: {error}", bad=True)
            if self._alarms is not None:
                self._show_alarms(self._alarms)

        return act


class _Row:
    """One alarm."""

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
        for priority, level in _LEVELS.items():
            toggle(self.element, level, priority == alarm.priority)
        toggle(self.element, "handled", state not in ("new", "over"))
        self._sign.set_text(_SIGNS.get(alarm.priority, "●"))
        count = f" ×{alarm.count:,}{more}" if alarm.count > 1 else ""
        self._head.set_text(self._title + count)
        self._words.set_text(alarm.text)
        self._when.set_text(_when(alarm, state))
        self._buttons["Acknowledge"].set_visibility(state in ("new", "over"))
        self._buttons["Shelve"].set_visibility(state in ("new", "acknowledged"))
        self._buttons["Unshelve"].set_visibility(state == "shelved")


def _when(alarm: Alarm, state: State) -> str:
    at = f"{_clock(alarm.at)}, {alarm.priority} priority"
    if state == "over":
        return f"{at}, over and not seen yet"
    if state == "acknowledged":
        return f"{at}, acknowledged by {alarm.acknowledged_by}"
    if state == "shelved":
        return f"{at}, shelved until {_clock(alarm.shelved_until)} by {alarm.shelved_by}"
    return at


def _clock(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%H:%M:%S") if moment else ""
