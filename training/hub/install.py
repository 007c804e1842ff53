"""Files put into a folder each as a whole: nobody ever sees half of one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from training.errors import BadInput


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
