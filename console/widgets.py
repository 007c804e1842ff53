"""The console's own building blocks: plain HTML elements in the classes of console.css.

They carry real headings, labels and buttons, so that a keyboard and a screen reader find them.
Everything that is text stays text: nothing here takes HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from console.presses import Handler, on_press
from line.plain_text import plain

_LONGEST_TEXT = 2000
"""Characters; titles, names and reasons come from files and from peers."""

_READ_OUT = {
    *("alt", "aria-description", "aria-label", "title"),
    *("data-hint", "data-ask", "data-ask-more", "data-ask-yes", "data-label"),
}
"""Attributes that are text for people."""


class Text(TextElement):
    """An HTML element with nothing but plain text in it; `set_text` sends only what has changed."""

    def __init__(self, tag: str, content: str = "", classes: str = "") -> None:
        super().__init__(tag=tag, text=plain(content, _LONGEST_TEXT))
        self.classes(classes)

    def set_text(self, content: str) -> Self:
        content = plain(content, _LONGEST_TEXT)
        return self if content == self.text else super().set_text(content)


def text(tag: str, content: str = "", classes: str = "") -> Text:
    """`<tag class="classes">content</tag>`."""
    return Text(tag, content, classes)


def block(tag: str = "div", classes: str = "") -> ui.element:
    """`<tag class="classes">`, to be filled with `with`."""
    return ui.element(tag).classes(classes)


def attribute(element: ui.element, name: str, value: object) -> None:
    """Set an HTML attribute; sends only a change. None removes it."""
    if value is None:
        if name in element.props:
            del element.props[name]
        return
    if isinstance(value, str) and name in _READ_OUT:
        value = plain(value, _LONGEST_TEXT)
    if element.props.get(name) != value:
        element.props[name] = value


def toggle(element: ui.element, classes: str, on: bool) -> None:
    """Add or remove classes; sends only a change."""
    if on:
        element.classes(add=classes)
    else:
        element.classes(remove=classes)


@contextmanager
def panel(title: str, classes: str = "", note: str = "") -> Iterator[ui.element]:
    """A region of the page under its own heading, with an optional word beside it."""
    with block("section", f"panel {classes}") as region:
        attribute(region, "aria-label", title)
        with block("div", "panel-head"):
            text("h2", title)
            if note:
                text("span", note, "dim")
        yield region


def hint(element: ui.element, words: str) -> ui.element:
    """Words that show while the element is pointed at or has the focus."""
    attribute(element, "data-hint", words)
    attribute(element, "aria-description", words)
    attribute(element, "tabindex", 0)
    return element


def button(
    label: str, on_click: Handler | None = None, kind: str = "", name: str | None = None
) -> Text:
    """A button. `kind`: "" or "primary", "danger", "quiet"; `name`: what a reader calls it."""
    element = Text("button", label, f"button {kind}")
    attribute(element, "type", "button")
    if name:
        attribute(element, "aria-label", name)
    if on_click is not None:
        on_press(element, on_click)
    return element


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before something that cannot be undone."""

    title: str
    """names what is to be done, and to whom, as a question"""
    consequence: str
    yes: str
    """words of the button that does it"""


def ask_first(element: ui.element, question: Question | None) -> None:
    """Have the browser ask before a press of this element counts; None: it counts at once."""
    words = (question.title, question.consequence, question.yes) if question else (None,) * 3
    for name, value in zip(("data-ask", "data-ask-more", "data-ask-yes"), words, strict=True):
        attribute(element, name, value)


def choice(
    label: str, options: list[str], on_pick: Callable[[str], Any] | None = None
) -> ui.element:
    """A labelled drop-down of the browser's own kind."""
    with block("label", "field"):
        text("span", label, "field-label")
        with block("select", "field-input") as select:
            for option in options:
                attribute(text("option", option), "value", option)
    if on_pick is not None:
        select.on(
            "change",
            lambda event: on_pick(str(event.args)),
            js_handler="(e) => emit(e.target.value)",
        )
    return select


class Figure:
    """A tile: what it is, the number with its unit, and a word below."""

    def __init__(self, label: str, unit: str = "", words: str = "") -> None:
        with block("div", "figure") as self.tile:
            self.label = text("div", label, "figure-label")
            with block("div", "figure-value"):
                self._value = text("span", "–", "number")
                text("span", unit, "unit")
            self._note = text("div", "", "figure-note")
        if words:
            hint(self.tile, words)

    def show(self, value: str, note: str = "", *, bad: bool = False) -> None:
        self._value.set_text(value)
        self._note.set_text(note)
        toggle(self.tile, "bad", bad)
