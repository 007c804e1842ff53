"""Features kept in a file, so that an experiment with other options need not look again."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from training.embedding.extractor import Extractor, features
from training.folders import PictureFolder
from training.selection.choice import Vectors

VERSION = b"1"


def embeddings_of(folder: PictureFolder, extractor: Extractor, file: Path) -> tuple[Vectors, bool]:
    """Embeddings `[pictures, features]` in the folder's order, and whether they were at hand.

    `file` (.npz) is used if it was made by the same model from the same bytes under the same
    names, and replaced if not.
    """
    wanted = inputs_hash(folder, extractor)
    kept = _read(file, wanted)
    if kept is not None:
        return kept, True
    embeddings = features(extractor, [folder.root / path for path in folder.paths]).embeddings
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name("partial-" + file.name)
    np.savez(partial, inputs=np.array(wanted), embeddings=embeddings)
    partial.replace(file)
    return embeddings, False


def inputs_hash(folder: PictureFolder, extractor: Extractor) -> str:
    """SHA-256 over the model and every picture's name and bytes."""
    digest = hashlib.sha256(VERSION + extractor.key.encode())
    for path in folder.paths:
        content = hashlib.sha256((folder.root / path).read_bytes()).digest()
        digest.update(path.as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def _read(file: Path, wanted: str) -> Vectors | None:
    """None unless the file is whole and of these inputs; a damaged one is made anew."""
    if not file.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["inputs"]) == wanted:
                return np.asarray(kept["embeddings"], dtype=np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return None
