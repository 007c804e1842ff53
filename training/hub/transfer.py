"""`push` and `pull`: a model's files to and from a place that others share, checked both ways."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import ModelCardData
from rich.console import Console

from training.errors import BadInput
from training.hub import manifest
from training.hub.check_model import check_model, describe
from training.hub.manifest import Manifest
from training.hub.options import PullSettings, PushSettings
from training.hub.place import Folder, HubRepository, Place, Repository, place


def refuse_taken(folder: Path, names: Iterable[str], force: bool) -> None:
    """Raise BadInput if `folder` is none, or has a file of these names and `force` is not set."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: not a folder")
    for name in names:
        if (folder / name).exists() and not force:
            raise BadInput(f"{folder / name}: exists; --force replaces it")


def install(files: Iterable[Path], folder: Path) -> list[Path]:
    """Copy files into `folder`, made if need be, and return where they are.

    They take their places when all of them are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".arriving-") as arriving:
        waiting = [Path(shutil.copyfile(file, Path(arriving, file.name))) for file in files]
        for file in waiting:
            file.replace(folder / file.name)
    return [folder / file.name for file in waiting]


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


def pull(settings: PullSettings, console: Console) -> list[Path]:
    """Bring the files that the place's manifest names to `out`; returns where they are.

    Raises BadInput, and then has replaced nothing: a file cannot be had or is not as the manifest
    says, the card is missing, the model is none, or a file is there and `force` is not set.
    """
    source = place(settings.source, settings.endpoint)
    with tempfile.TemporaryDirectory() as arriving:
        folder = Path(arriving)
        described = _manifest(source, folder, console)
        refuse_taken(settings.out, [facts.file for facts in described.files], settings.force)
        files = _fetch(source, described, folder, console)
        return install(files, settings.out)


def _manifest(source: Place, folder: Path, console: Console) -> Manifest:
    file = folder / manifest.NAME
    source.fetch(manifest.NAME, file, manifest.MANIFEST_LIMIT_BYTES, console)
    return Manifest.decode(file.read_bytes(), f"{source}: {manifest.NAME}")


def _fetch(source: Place, described: Manifest, folder: Path, console: Console) -> list[Path]:
    files = []
    for facts in described.files:
        file = folder / facts.file
        source.fetch(facts.file, file, facts.size_bytes, console)
        try:
            facts.check(file)
        except BadInput as error:
            raise BadInput(f"{source}: {facts.file}: {error}") from error
        files.append(file)
    model = folder / described.model
    try:
        check_model(model)
    except BadInput as error:
        reason = str(error).removeprefix(f"{model}: ")
        raise BadInput(f"{source}: {described.model}: {reason}") from error
    return files
