"""A labelled number of the line: shows what is in force, and orders what is typed when told to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import GenericEventArguments

from console.presses import answer
from console.widgets import attribute, block, text


class NumberField:
    """What is typed is a draft until Enter or the button sends it to `on_commit`.

    That tells whether it was done. Arrow keys change the draft alone, Escape gives it up. Beside
    the field stands what is in force, also while there is a draft.

    What the field shows is set in the browser: an element whose `value` is a property is reset to
    it by every update of the page.
    """

    def __init__(
        self,
        label: str,
        unit: str,
        on_commit: Callable[[float], Awaitable[bool]],
        *,
        step: float,
    ) -> None:
        self._label, self._unit, self._on_commit = label, unit, on_commit
        self._in_force = ""
        with block("form", "field number-field") as form:
            with block("label", "field"):
                text("span", label, "field-label")
                with block("span", "field-box"):
                    self.entry = block("input", "field-input")
                    text("span", unit, "unit")
            self.button = text("button", "Set", "button small")
            attribute(self.button, "type", "submit")
            attribute(self.button, "aria-label", f"Set {label}")
            self._words = text("span", "", "in-force dim")
        attribute(form, "data-label", label)
        attribute(form, "data-draft", "no")
        attribute(form, "novalidate", True)
        self.entry.props.update(
            {"type": "number", "inputmode": "decimal", "step": step, "autocomplete": "off"}
        )
        self.entry.on("input", js_handler="(e) => scraplinePress.typed(e.target)")
        self.entry.on("keydown", js_handler="(e) => scraplinePress.key(e)")
        self.entry.on("wheel", js_handler="(e) => scraplinePress.wheel(e)")
        form.on("submit", self._submitted, js_handler="(e) => scraplinePress.submit(e, emit)")

    @property
    def parts(self) -> tuple[ui.element, ui.element]:
        """Field and button: what can be disabled."""
        return self.entry, self.button

    def show(self, value: float | None) -> None:
        """What is in force now; None where that is no number."""
        shown = "" if value is None else f"{value:.6g}"
        if shown != self._in_force:
            self._in_force = shown
            self._fill(shown, was_answered=False)
        self._words.set_text(f"in force: {shown} {self._unit}".rstrip() if shown else "")

    async def _submitted(self, event: GenericEventArguments) -> None:
        await answer(event, lambda: self._commit(str(event.args)))

    async def _commit(self, typed: str) -> None:
        if await self._on_commit(float(typed)):
            self._in_force = f"{float(typed):.6g}"  # for now: the line may have rounded it
        self._fill(self._in_force, was_answered=True)

    def _fill(self, value: str, *, was_answered: bool) -> None:
        given = (self.entry.html_id, value, was_answered)
        ui.run_javascript(f"scraplinePress.inForce({', '.join(map(json.dumps, given))})")
