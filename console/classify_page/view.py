"""One visitor's Classify page: what they send is asked about, what is answered is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from nicegui import context, ui

from console.classify_page.answer import AnswerPanel
from console.classify_page.classify_client import ClassifyClient
from console.classify_page.picture import PicturePanel
from console.classify_page.question_options import OptionsPanel
from console.classify_page.table import TablePanel
from console.classify_page.upload_session import Asked, QuestionOptions, UploadSession
from console.classify_page.uploads import Uploads
from console.site import say
from console.widgets import block
from line.errors import BadInput

_T = TypeVar("_T")


class ClassifyView:
    """Makes its elements where it is made; `begin` loads the model.

    `queue` has one thread, over all visitors: the classifier answers one question at a time, and
    who waits for it takes no thread from other pages.
    """

    def __init__(
        self,
        classifier: ClassifyClient,
        uploads: Uploads,
        queue: Executor,
        models: dict[str, Path],
    ) -> None:
        self._classifier = classifier
        self._queue = queue
        self._models = models
        self.session = UploadSession(classifier, QuestionOptions(next(iter(models.values()))))
        self._address = uploads.open(self)
        context.client.on_delete(lambda: uploads.close(self._address))
        with block("div", "classify-page") as self._place:
            with block("div", "stack"):
                self._picture = PicturePanel(_limits(classifier))
            with block("div", "stack"):
                self._answer = AnswerPanel()
                self._options_panel = OptionsPanel(list(models), self._use_model, self._switch)
            with block("div", "stack whole-width"):
                self._table = TablePanel(self._address, self._look_at, self._clear)

    async def begin(self, model: Path | None = None) -> None:
        """Have a model loaded, the first one unless another is named, and let pictures in."""
        names = {path: name for name, path in self._models.items()}
        limit = self._classifier.max_bytes
        ui.run_javascript(f"scraplineClassify.begin({json.dumps(self._address)}, {limit})")
        await self._use_model(
            names.get(model or self.session.options.model, next(iter(self._models)))
        )

    async def take(self, number: int, name: str, content: bytes, *, look: bool) -> None:
        """Have a picture asked about, and show the answer. Raises BadInput if it has no room."""
        if look or self.session.seen is None:
            self.session.current = number
        asked = await self._in_turn(lambda: self.session.ask(number, name, content))
        if not self._place.is_deleted:
            self._show(asked)

    def refuse(self, number: int, name: str, complaint: str) -> None:
        """Show that a picture was not taken in."""
        self._show(self.session.refuse(number, name, complaint))

    async def _use_model(self, name: str) -> None:
        model = self._models.get(name)
        if model is None:
            return
        self.session.options = replace(self.session.options, model=model)
        self._options_panel.loading(name)
        try:
            self._options_panel.loaded(
                await self._in_turn(lambda: self._classifier.ask_model(model))
            )
        except BadInput as error:
            self._options_panel.failed(str(error))
        self._ask_again(list(self.session.pictures))

    async def _switch(self, name: str, on: bool) -> None:
        switched: dict[str, Any] = {name: on}
        self.session.options = replace(self.session.options, **switched)
        current = [] if self.session.current is None else [self.session.current]
        self._ask_again(current if name == "saliency" else list(self.session.pictures))

    def _look_at(self, number: int) -> None:
        self.session.current = number
        self._show_current()
        self._table.show_all(self.session)
        ui.run_javascript("scraplineClassify.reveal()")
        seen = self.session.seen
        if self.session.options.saliency and seen is not None and not seen.heat:
            self._ask_again([number])

    def _clear(self) -> None:
        self.session.clear()
        self._table.clear()
        self._show_current()
        ui.run_javascript("scraplineClassify.forget()")

    def _ask_again(self, numbers: list[int]) -> None:
        """The browser holds the files; it sends them once more."""
        if numbers:
            ui.run_javascript(f"scraplineClassify.again({json.dumps(numbers)})")

    def _show(self, asked: Asked) -> None:
        with self._place:
            self._table.show(self.session, asked)
            if asked.number == self.session.current:
                self._show_current()
            if asked.complaint:
                say(asked.complaint, bad=True)

    def _show_current(self) -> None:
        seen = self.session.seen
        self._picture.show(seen, self._address, self.session.changed)
        self._answer.show(seen)

    async def _in_turn(self, ask: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._queue, ask)


def _limits(classifier: ClassifyClient) -> str:
    return f"up to {classifier.max_file_mb:g} MB and {classifier.max_megapixels:g} megapixels each"
