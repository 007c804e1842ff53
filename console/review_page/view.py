"""The desk in a browser: what somebody presses goes to their desk, what it answers is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from nicegui import context, ui

from console.presses import on_press
from console.review_page.desk import Desk, Question
from console.review_page.export_formats import write_folder
from console.review_page.item_leases import Wanted
from console.review_page.question import REASONS, QuestionPanel, on_seen
from console.review_page.side import ExportPanel, LatestPanel, ProgressPanel
from console.site import say
from console.widgets import Text, attribute, block, choice, text
from line.errors import BadInput
from line.run_files.review_file import NONE_OF_THESE

_LOOK_S = 2.0
"""Others label too, and the line may be queueing."""
_ANY = "any"
_UNDECIDED, _DECIDED = "undecided", "decided, newest first"

Work = Callable[[], Question | None]


class DeskView:
    """One person's desk. Makes its elements where it is made; `begin` takes the first item.

    The drop-downs that choose among the items go into `row`.
    """

    def __init__(self, desk: Desk, row: ui.element) -> None:
        self._desk = desk
        self._picked = {"class": _ANY, "reason": _ANY, "show": _UNDECIDED}
        with row:
            self._filters()
        with block("div", "desk"):
            with block("div", "panel asked"):
                self._empty = text("p", "", "empty")
                with block("div", "asking") as self._asking:
                    self._question = QuestionPanel(desk.run_dir.name, desk.classes, self._answer)
                    self._actions()
            with block("div", "stack side"):
                self._progress = ProgressPanel()
                self._latest = LatestPanel(self._look_at)
                self._exports = ExportPanel(desk.run_dir, desk.classes, self._write)

    async def begin(self) -> None:
        """Take the first item, and look around from then on."""
        await self._do(self._desk.take_next)
        ui.timer(_LOOK_S, self._look_around)
        context.client.on_delete(self._leave)

    def _filters(self) -> None:
        for field, words, options in (
            ("show", "Items", [_UNDECIDED, _DECIDED]),
            ("class", "Best guess", [_ANY, *self._desk.classes]),
            ("reason", "Why queued", [_ANY, *REASONS]),
        ):
            choice(words, options, partial(self._filter, field))

    def _actions(self) -> None:
        with block("div", "actions"):
            self._accept, self._accept_words = _action(
                "Accept the best guess", "space", self._accept_guess, "primary"
            )
            _action("None of these", "x", self._none_of_these)
            _action("Later", "s", self._pass_over)
            self._undo, _ = _button("Undo", "u")
            on_press(self._undo, lambda: self._do(self._desk.undo))

    # -- what somebody does -----------------------------------------------------------------------

    async def _answer(self, frame_id: str, label: str) -> None:
        await self._do(lambda: self._desk.answer(frame_id, label))

    async def _accept_guess(self, frame_id: str) -> None:
        question = self._desk.question
        if question is not None and question.guess is not None:
            await self._answer(frame_id, question.guess)

    async def _none_of_these(self, frame_id: str) -> None:
        await self._answer(frame_id, NONE_OF_THESE)

    async def _pass_over(self, frame_id: str) -> None:
        await self._do(lambda: self._desk.pass_over(frame_id))

    async def _look_at(self, frame_id: str) -> None:
        await self._do(lambda: self._desk.look_at(frame_id))

    async def _filter(self, field: str, picked: str) -> None:
        self._picked[field] = picked
        kind, reason = (
            None if self._picked[name] == _ANY else self._picked[name]
            for name in ("class", "reason")
        )
        wanted = Wanted(predicted_class=kind, reason=reason)
        revisit = self._picked["show"] == _DECIDED
        await self._do(lambda: self._desk.look_for(wanted, revisit=revisit))

    async def _write(self) -> None:
        try:
            self._exports.wrote(await asyncio.to_thread(write_folder, self._desk.run_dir))
        except BadInput as error:
            say(str(error), bad=True)

    async def _do(self, work: Work) -> None:
        """Have the desk do something and show what is before this person then."""
        try:
            await asyncio.to_thread(work)
        except BadInput as error:
            say(str(error), bad=True)
        self._show(self._desk.question)
        await self._show_progress()

    # -- what is shown ----------------------------------------------------------------------------

    def _show(self, question: Question | None) -> None:
        self._asking.set_visibility(question is not None)
        self._empty.set_visibility(question is None)
        self._empty.set_text("" if question else self._why_nothing())
        attribute(self._undo, "disabled", None if self._desk.can_undo else "disabled")
        if question is not None:
            self._question.show(question)
            attribute(self._accept, "disabled", None if question.guess else "disabled")
            self._accept_words.set_text(
                f"Accept: {question.guess}" if question.guess else "No guess"
            )

    def _why_nothing(self) -> str:
        if self._picked["show"] == _DECIDED:
            return "Nothing of this kind is decided yet."
        return (
            "Nothing waits for a label. The line queues items whose two best classes are close, "
            "and a few others at random; new ones appear here by themselves."
        )

    async def _show_progress(self) -> None:
        with suppress(BadInput):
            progress = await asyncio.to_thread(self._desk.progress)
            self._progress.show(progress)
            self._latest.show(progress.latest)

    async def _look_around(self) -> None:
        """Hold on to what is before us, or see whether there is something by now."""
        if self._desk.question is None:
            await self._do(self._desk.take_next)
        else:
            with suppress(BadInput):
                await asyncio.to_thread(self._desk.stay)
            await self._show_progress()

    async def _leave(self) -> None:
        with suppress(BadInput):
            await asyncio.to_thread(self._desk.leave)


def _action(
    words: str, key: str, act: Callable[[str], object], kind: str = ""
) -> tuple[ui.element, Text]:
    """A button with a key, told which item the person saw when they pressed it; and its words."""
    element, label = _button(words, key, kind)
    on_seen(element, act)
    return element, label


def _button(words: str, key: str, kind: str = "") -> tuple[ui.element, Text]:
    with block("button", f"button action {kind}") as element:
        text("kbd", key, "key")
        label = text("span", words)
    attribute(element, "type", "button")
    attribute(element, "data-key", key)
    return element, label
