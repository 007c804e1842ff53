"""What a model is: the list of all of them, one's facts, and its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from markdown_it import MarkdownIt
from nicegui import ui

from console.models_page.model_shelf import ModelFile
from console.widgets import attribute, block, hint, panel, text

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


def models_address(model: Path, **evaluations: str) -> str:
    """The page of one model; `judged` and `beside` name evaluation folders."""
    return f"/models?{urlencode({'model': model, **evaluations})}"


def model_list(models: Sequence[ModelFile], current: Path) -> None:
    """All models, each a link to its page."""
    with panel("Models", note=f"{len(models)} found"), block("ul", "models"):
        for model in models:
            with block("li"), block("a", "model-link") as link:
                attribute(link, "href", models_address(model.path))
                if model.path == current:
                    attribute(link, "aria-current", "true")
                text("span", model.path.name, "model-name")
                text("span", f"{megabytes(model.size_bytes)} · {model.kind}", "dim")
                text("span", str(model.path.parent), "dim mono")


def model_facts(model: ModelFile) -> None:
    """One model: what its file says."""
    with panel(model.path.name, note=model.kind):
        if model.complaint:
            text("p", model.complaint, "complaint")
        with block("dl", "facts-list"):
            _fact("classes", ", ".join(model.classes) or "not told")
            _fact("view", f"{model.view} px" if model.view else "not told")
            _fact("threshold", _number(model.threshold), "Less sure than this is left on the belt")
            _fact("temperature", _number(model.temperature), "What the logits are divided by")
            _fact("size", megabytes(model.size_bytes))
            _fact("SHA-256", model.sha256, mono=True)
            _fact("made of", model.provenance or "not told")


def model_card(model: ModelFile) -> None:
    """The card beside the file."""
    with panel("Card", note=model.path.with_suffix(".md").name):
        if model.card:
            show_markdown(model.card, below=2)
        else:
            text("p", "There is none beside the file. `python -m training report` makes it.", "dim")


def megabytes(size: int) -> str:
    """A size in 10^6 bytes."""
    return f"{size / 1e6:.1f} MB"


def _fact(name: str, value: str, words: str = "", *, mono: bool = False) -> None:
    term = text("dt", name)
    if words:
        hint(term, words)
    text("dd", value, "mono" if mono else "")


def _number(value: float | None) -> str:
    return "not told" if value is None else f"{value:.4g}"
