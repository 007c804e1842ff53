"""Embeddings and probabilities from an ONNX file, the one that the line runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from training.embedding.extractor import Files, Seen
from training.errors import BadInput
from training.evaluate.engines import onnx_engine
from training.pictures import read_pixels


class OnnxExtractor:
    """The file on one thread; without class names in its metadata its answers are not asked."""

    def __init__(self, option: str, path: Path) -> None:
        """Raises BadInput that names the option and the file."""
        if not path.is_file():
            raise BadInput(f"{option} {path}: no such file")
        content = path.read_bytes()
        try:
            engine = onnx_engine(content)
        except BadInput as error:
            raise BadInput(f"{option} {path}: {error}") from error
        if not engine.embeds:
            raise BadInput(
                f"{option} {path}: no dense layer to take embeddings from; try the checkpoint"
            )
        self.key = hashlib.sha256(content).hexdigest()
        self.classes: tuple[str, ...] = tuple(
            json.loads(engine.facts.get("scrapline.classes", "[]"))
        )
        self._ask = engine.ask

    def look(self, files: Files) -> Iterator[Seen]:
        """Look at every picture at its own size, one at a time; the file squashes them itself."""
        for file in files:
            answer = self._ask(read_pixels(file)[None])
            assert answer.embedding is not None
            known = answer.probabilities[0] if self.classes else None
            yield Seen(answer.embedding[0], known)
