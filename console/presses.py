"""Presses of buttons: each is acknowledged in the browser at once, and answered when it was done.

`static/presses.js` is the browser's part. It shows what was sent and not answered yet, asks the
questions of `widgets.ask_first`, and sends nothing while the console is silent.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

Handler = Callable[[], Any]


def on_press(element: ui.element, act: Handler) -> None:
    """Call `act` whenever the element is pressed, and wait for it if it takes time."""

    async def press(event: GenericEventArguments) -> None:
        await answer(event, act)

    element.on("click", press, js_handler="(e) => scraplinePress.press(e.currentTarget, emit)")


async def answer(event: GenericEventArguments, act: Handler) -> None:
    """Do what a press asks for, and tell its page that this was done, or refused."""
    page, pressed = event.client, event.sender.html_id  # `act` may remove the element
    try:
        done = act()
        if isinstance(done, Awaitable):
            await done
    finally:
        page.run_javascript(f"scraplinePress.answered({json.dumps(pressed)})")
