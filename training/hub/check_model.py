"""A model on this machine and what belongs to it."""

from __future__ import annotations

from pathlib import Path

from training.errors import BadInput
from training.evaluate.model_file import ModelFile
from training.export.contract import FORMAT
from training.hub.manifest import FileFacts, Manifest


def describe(model: Path) -> Manifest:
    """The manifest of a model and its companions, the files beside it that bear its name.

    Raises BadInput naming the model if it is none, or has no card.
    """
    model_format = check_model(model)
    companions = [p for p in sorted(model.parent.glob(f"{model.stem}.*")) if _belongs(p, model)]
    card = model.with_suffix(".md")
    if card not in companions:
        raise BadInput(f"{card}: the model's card is missing; `export` writes one")
    files = tuple(FileFacts.of(path) for path in companions)
    return Manifest(model=model.name, model_format=model_format, files=files)


def check_model(path: Path) -> str:
    """Run an ONNX file once and return the format that its metadata states.

    Raises BadInput naming the file if it does not keep the contract of `training.export.contract`.
    """
    if path.suffix != ".onnx":
        raise BadInput(f"{path}: not an .onnx file")
    stated = ModelFile.open(path).engine.facts.get("scrapline.format")
    if stated != FORMAT:
        told = "no scrapline.format" if stated is None else f"scrapline.format {stated}"
        raise BadInput(f"{path}: not a model of format {FORMAT}: {told} in its metadata")
    return stated


def _belongs(path: Path, model: Path) -> bool:
    """Whether a file that begins as the model does is not another model's, as m.int8.md may be."""
    longer = [m.stem for m in model.parent.glob(f"{model.stem}.*.onnx")]
    return path.is_file() and not any(path.name.startswith(f"{stem}.") for stem in longer)
