"""The Models page: every model, its card, and how it was judged, alone or beside another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nicegui import ui

from console.layout import frame, load
from console.models_page.card_figures import card_figures, is_of, show_card_figures
from console.models_page.evaluation import Evaluation, read_evaluation
from console.models_page.evaluation_files import add_evaluation_files, worst_address
from console.models_page.facts import model_card, model_facts, model_list, models_address
from console.models_page.judged import show_judged
from console.models_page.model_shelf import ModelFile, read_model, search
from console.site import PATIENCE_S, Site
from console.widgets import attribute, block, choice, panel, text
from line.errors import BadInput

_NONE = "none"


@dataclass(frozen=True)
class Shelf:
    """What was found when the page was asked for."""

    models: tuple[ModelFile, ...]
    evaluations: tuple[Evaluation, ...]
    complaints: tuple[str, ...]

    def model(self, path: str) -> ModelFile | None:
        """The model of that path; the first one for any other."""
        named = (model for model in self.models if str(model.path) == path)
        return next(named, self.models[0] if self.models else None)

    def of(self, model: ModelFile) -> list[Evaluation]:
        """Evaluations of this very file, told by its hash."""
        return [e for e in self.evaluations if e.figures.model.sha256 == model.sha256]

    def comparable(self, evaluation: Evaluation) -> list[Evaluation]:
        """Other evaluations on the same folder of pictures."""
        return [e for e in self.evaluations if e is not evaluation and e.same_test(evaluation)]


def build(site: Site) -> None:
    folders = (site.models, *site.look_in, site.results)
    add_evaluation_files(lambda: search(folders).evaluations)

    @ui.page("/models", response_timeout=PATIENCE_S)
    async def models(model: str = "", judged: str = "", beside: str = "") -> None:
        """`model`: path of one; `judged`, `beside`: evaluation folders."""
        with frame(site, "Models"):
            load("runs.css")
            load("models.css")
            shelf = await asyncio.to_thread(_find, folders)
            current = shelf.model(model)
            if current is None:
                text("p", "No model yet. `python -m training pipeline` makes one.", "empty")
                return
            with block("div", "models-page"):
                with block("div", "stack"):
                    model_list(shelf.models, current.path)
                with block("div", "stack"):
                    model_facts(current)
                    _judged(shelf, current, judged, beside)
                    model_card(current)


def _judged(shelf: Shelf, model: ModelFile, judged: str, beside: str) -> None:
    for complaint in shelf.complaints:
        text("p", complaint, "panel complaint")
    own = shelf.of(model)
    if not own:
        by_card = card_figures(model.card) if is_of(model.card, model.sha256) else []
        for found in by_card:
            show_card_figures(found)
        with panel("No evaluation at hand" if by_card else "Not judged yet"):
            text("p", "No evaluation of this very file was found. This makes one:", "dim")
            text("code", f"python -m training evaluate {model.path} --data DATA --out results/NAME")
        return
    first = _named(own, judged) or own[0]
    others = shelf.comparable(first)
    second = _named(others, beside)
    with block("div", "row evaluations"):
        _choose("Judged in", own, first, lambda e: models_address(model.path, judged=e))
        if others:
            _choose(
                "Beside",
                others,
                second,
                lambda e: models_address(model.path, judged=str(first.folder), beside=e),
                none=True,
            )
    show_judged([first, second] if second else [first], lambda e: worst_address(e.folder))


def _choose(
    label: str,
    offered: list[Evaluation],
    current: Evaluation | None,
    address: Callable[[str], str],
    *,
    none: bool = False,
) -> None:
    """A drop-down of evaluations; each leads to its address."""
    names = {f"{e.title} ({e.folder})": str(e.folder) for e in offered}
    if none:
        names = {_NONE: "", **names}
    picked = choice(label, list(names), lambda name: ui.navigate.to(address(names[name])))
    shown = next((name for name, of in names.items() if current and of == str(current.folder)), "")
    attribute(picked, "value", shown or next(iter(names)))


def _named(offered: list[Evaluation], folder: str) -> Evaluation | None:
    return next((e for e in offered if str(e.folder) == folder), None)


def _find(folders: tuple[Path, ...]) -> Shelf:
    """Read everything that lies there; what cannot be read is a complaint. Blocks."""
    found = search(folders)
    models, evaluations = [], []
    complaints = [f"{folder}: too much lies there to look at all of it" for folder in found.cut_off]
    for path in found.models:
        try:
            models.append(read_model(path))
        except OSError as error:
            complaints.append(f"{path}: {error.strerror or error}")
    for folder in found.evaluations:
        try:
            evaluation = read_evaluation(folder)
        except BadInput as error:
            complaints.append(str(error))
            continue
        if evaluation is not None:
            evaluations.append(evaluation)
    return Shelf(tuple(models), tuple(evaluations), tuple(complaints))
