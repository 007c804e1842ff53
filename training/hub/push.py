"""`push`: put a model with its card where others can have it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from huggingface_hub import ModelCardData

from training.errors import BadInput
from training.hub import manifest
from training.hub.bundle import describe
from training.hub.huggingface import Repository
from training.hub.install import install, refuse_taken
from training.hub.manifest import Manifest
from training.hub.options import PushSettings
from training.hub.place import Folder, HubRepository, place


def push(settings: PushSettings) -> str:
    """Put the model, what bears its name, and the manifest there; returns where that is.

    Raises BadInput, and then has changed nothing there.
    """
    target = place(settings.to, settings.endpoint)
    described = describe(settings.model)
    files = [settings.model.parent / facts.file for facts in described.files]
    if isinstance(target, HubRepository):
        return _commit(target.repository, described, files, settings.private)
    if isinstance(target, Folder):
        return _copy(target.path, described, files, settings.force)
    raise BadInput(f"--to {target}: a web server takes no files; hf://owner/name or a folder does")


def _commit(repository: Repository, described: Manifest, files: list[Path], private: bool) -> str:
    contents = {file.name: file.read_bytes() for file in files}
    contents["README.md"] = _front_page(contents[described.card].decode())
    contents[manifest.NAME] = described.encode()
    return repository.commit(contents, f"{described.model} with its card", private)


def _front_page(card: str) -> bytes:
    """The card as the hub shows it, below the fields that the hub sorts models by."""
    fields = ModelCardData(
        library_name="onnx", pipeline_tag="image-classification", tags=["scrapline"]
    )
    return f"---\n{fields.to_yaml()}\n---\n\n{card}".encode()


def _copy(folder: Path, described: Manifest, files: list[Path], force: bool) -> str:
    refuse_taken(folder, [manifest.NAME, *(file.name for file in files)], force)
    with tempfile.TemporaryDirectory() as written:
        listed = Path(written, manifest.NAME)
        listed.write_bytes(described.encode())
        install([*files, listed], folder)
    return str(folder / described.model)
