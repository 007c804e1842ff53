"""Markdown of others, made safe to show: no HTML of its own, no pictures, no script addresses."""

from __future__ import annotations

from markdown_it import MarkdownIt
from nicegui import ui

_READER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def show_markdown(source: str, *, below: int) -> ui.element:
    """The text with its headings, lists and tables; raw HTML in it is shown as the text it is.

    `below`: level of the heading that it stands under; its own begin one level lower.
    """
    return ui.html(render(source, below=below)).classes("markdown")


def render(source: str, *, below: int) -> str:
    """As HTML. The reader escapes every tag, and lets no javascript: or data: address through."""
    tokens = _READER.parse(source)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, below + int(token.tag[1:]))}"
    return str(_READER.renderer.render(tokens, _READER.options, {}))
