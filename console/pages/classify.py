"""The Classify page: ask a model about pictures of one's own, or about what a webcam sees."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nicegui import ui

from console.classify_page.question_options import model_names
from console.classify_page.uploads import Uploads
from console.classify_page.view import ClassifyView
from console.layout import frame, load
from console.models_page.model_shelf import search
from console.site import PATIENCE_S, Site
from console.widgets import text


def build(site: Site) -> None:
    uploads = Uploads(site.classifier.max_bytes)
    uploads.serve()
    queue = ThreadPoolExecutor(1, "classifier")

    @ui.page("/classify", response_timeout=PATIENCE_S)
    async def classify(model: str = "") -> None:
        """`model`: path of the one to begin with."""
        with frame(site, "Classify"):
            load("runs.css")
            load("classify.css")
            load("classify.js")
            found = await asyncio.to_thread(search, (site.models, *site.look_in))
            models = model_names(found.models)
            if not models:
                text("p", "No model yet. `python -m training pipeline` makes one.", "empty")
                return
            view = ClassifyView(site.classifier, uploads, queue, models)
            # A model may take seconds to be loaded: not before the page is there.
            ui.timer(0, lambda: view.begin(Path(model) if model else None), once=True)
