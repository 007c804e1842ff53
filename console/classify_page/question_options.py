"""How pictures are asked about: which model, and what is done with a picture before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from nicegui import ui

from console.widgets import attribute, block, choice, panel, text
from line.observe.classify_protocol import ModelAnswer

Switched = Callable[[str, bool], Awaitable[None]]
"""(name of the switch, on)"""
_SWITCHES = (
    ("flips", "Average over flips", "as it is, mirrored, upside down, both: four times the work"),
    ("letterbox", "Letterbox", "pad to the shape of the model's view instead of stretching"),
    ("saliency", "Saliency", "cover one place after the other: where does the answer come from?"),
)


class OptionsPanel:
    """Model and switches. What the model says of itself is shown when it is loaded."""

    def __init__(
        self,
        models: Sequence[str],
        on_model: Callable[[str], Awaitable[None]],
        on_switch: Switched,
    ) -> None:
        self._on_switch = on_switch
        with panel("How it is asked"):
            self._model = choice("Model", list(models), on_model)
            self._facts = text("p", "", "dim model-facts")
            self._complaint = text("p", "", "complaint")
            attribute(self._complaint, "role", "alert")
            with block("div", "switches"):
                self._switches = {name: self._switch(name, *words) for name, *words in _SWITCHES}

    def loading(self, model: str) -> None:
        attribute(self._model, "value", model)
        self._facts.set_text("Loading the model …")
        self._complaint.set_text("")

    def loaded(self, facts: ModelAnswer) -> None:
        self._facts.set_text(_facts_in_words(facts))
        attribute(self._switches["letterbox"], "disabled", None if facts.size_px else "disabled")

    def failed(self, complaint: str) -> None:
        self._facts.set_text("")
        self._complaint.set_text(complaint)

    def _switch(self, name: str, label: str, words: str) -> ui.element:
        with block("div", "switch"):
            with block("label"):
                entry = block("input")
                text("span", label)
            described = text("p", words, "dim")
        attribute(entry, "type", "checkbox")
        attribute(entry, "aria-describedby", described.html_id)
        entry.on(
            "change",
            lambda event: self._on_switch(name, bool(event.args)),
            js_handler="(e) => emit(e.target.checked)",
        )
        return entry


def model_names(models: Sequence[Path]) -> dict[str, Path]:
    """What each model is called in the selector: its file, with its folder where that is needed.

    One whose path cannot be printed is left out; ONNX files come first.
    """
    printable = (path for path in models if str(path).isprintable())
    models = sorted(printable, key=lambda path: path.suffix != ".onnx")
    names = [path.name for path in models]
    return {
        path.name if names.count(path.name) == 1 else f"{path.name} ({path.parent})": path
        for path in models
    }


def _facts_in_words(facts: ModelAnswer) -> str:
    view = " × ".join(map(str, facts.size_px)) + " px" if facts.size_px else "view not told"
    threshold = (
        "no threshold" if facts.threshold is None else f"threshold {100 * facts.threshold:.1f} %"
    )
    return f"{len(facts.classes)} classes · {view} · {threshold}"
