"""`pull`: bring a model with its card here, and let nothing in that is not what it should be."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console

from training.errors import BadInput
from training.hub import manifest
from training.hub.bundle import check_model
from training.hub.install import install, refuse_taken
from training.hub.manifest import Manifest
from training.hub.options import PullSettings
from training.hub.place import Place, place


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
