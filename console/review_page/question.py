"""The item that is asked about: its picture, why it was chosen, and a button for every answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from console.presses import answer
from console.review_page.desk import Question
from console.runs_page.run_files import file_address
from console.widgets import attribute, block, text, toggle
from line.observe.percent import percent
from line.run_files.review_file import NONE_OF_THESE

REASONS = {
    "novelty": "it is unlike what the model was made of",
    "margin": "its two best classes are close",
    "random": "drawn at random, to see what the doubtful ones do not show",
}
KEYS = "1234567890abcdefghijklmnopqrtvwyz"
"""Of the classes, in their order: what is no key of the desk's own (s, u, x, space)."""

Answer = Callable[[str, str], Any]
"""(frame_id that was seen, label)"""


def on_seen(element: ui.element, act: Callable[[str], Any]) -> None:
    """Have a click do something about the item that the person saw; nothing before they saw one.

    What that was is known to the browser alone.
    """

    async def press(event: GenericEventArguments) -> None:
        await answer(event, lambda: act(str(event.args)))

    element.on(
        "click",
        press,
        js_handler="(e) => { const frame = scraplineSeen(); "
        "if (frame) scraplinePress.press(e.currentTarget, () => emit(frame)); }",
    )


class Choice:
    """A class as a button: its key, its name, and the model's probability as a bar and a number."""

    def __init__(self, name: str, key: str, answer: Callable[[str], Any]) -> None:
        self.name = name
        with block("button", "choice") as self.button:
            attribute(self.button, "type", "button")
            self._bar = block("span", "choice-bar")
            text("kbd", key, "key" if key else "key none")
            text("span", name, "choice-name")
            self._tag = text("span", "", "choice-tag")
            self._share = text("span", "", "choice-share")
        if key:
            attribute(self.button, "data-key", key)
            attribute(self.button, "aria-keyshortcuts", key)
        on_seen(self.button, answer)

    def show(self, question: Question) -> None:
        share = dict(question.ranking).get(self.name)
        self._bar.style(f"width: {100 * (share or 0):.1f}%")
        self._share.set_text("" if share is None else percent(share))
        self._tag.set_text(self._word(question))
        toggle(self.button, "guess", self.name == question.guess)
        toggle(self.button, "decided", self.name == question.decided)

    def _word(self, question: Question) -> str:
        if self.name == question.decided:
            return "labelled"
        return "best guess" if self.name == question.guess else ""


class QuestionPanel:
    """Picture and answers. `show` turns it to another item of the run."""

    def __init__(self, run: str, classes: tuple[str, ...], answer: Answer) -> None:
        self._run = run
        with block("section", "question") as self._panel:
            attribute(self._panel, "id", "question")
            attribute(self._panel, "aria-label", "The item to be labelled")
            self._picture = block("div", "picture")
            self._shown: str | None = None
            with block("div", "facts"):
                self._title = text("h2")
                self._why = text("p", "", "dim")
                self._said = text("p", "", "said-before")
        with block("div", "choices") as self._list:
            attribute(self._list, "role", "group")
            attribute(self._list, "aria-label", "What is it?")
            self._choices = [
                Choice(name, key, partial(_answer_with, answer, name))
                for name, key in zip(classes, [*KEYS, *[""] * len(classes)], strict=False)
            ]

    def show(self, question: Question) -> None:
        attribute(self._panel, "data-frame", question.frame_id)
        self._show_picture(question)
        self._title.set_text(f"Item {question.frame_id}")
        self._why.set_text(_why(question))
        self._said.set_text(_said(question))
        for choice in self._choices:
            choice.show(question)

    def _show_picture(self, question: Question) -> None:
        """An element for each: one that is told of another picture shows the old one until then."""
        if question.frame_id == self._shown:
            return
        self._shown = question.frame_id
        self._picture.clear()
        with self._picture:
            if question.image is None:
                words = "Its picture was not kept: only items of the queue keep theirs."
                text("p", words, "empty")
                return
            picture = block("img")
        attribute(picture, "src", file_address(self._run, f"review/{question.image}"))
        attribute(picture, "alt", f"Picture of item {question.frame_id}")


def _answer_with(answer: Answer, label: str, frame_id: str) -> Any:
    return answer(frame_id, label)


def _why(question: Question) -> str:
    reason = REASONS.get(question.reason)
    words = f"Queued because {reason}" if reason else f"Not in the queue; {question.reason}"
    gap = "" if question.margin is None else f" · margin {100 * question.margin:.1f} points"
    return f"{words}{gap} · at belt second {question.scheduled_s:.1f}"


def _said(question: Question) -> str:
    if not question.said:
        return ""
    words = [f"{label.who}: {shown(label.label)} ({label.when[:16]})" for label in question.said]
    return "Said so far – " + "; ".join(words)


def shown(label: str) -> str:
    """A label in words."""
    return "none of these" if label == NONE_OF_THESE else label
