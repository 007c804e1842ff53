"""The pictures that could be labelled."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from training.errors import BadInput
from training.folders import SUFFIXES


def read_pool(root: Path) -> tuple[Path, ...]:
    """Pictures at any depth below `root`, relative to it, in a stable order.

    Sub-folders mean nothing here. Raises BadInput if there is no such folder or no picture.
    """
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    files = sorted(f for f in root.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise BadInput(f"{root}: no pictures")
    return tuple(f.relative_to(root) for f in files)


def without_copies(root: Path, paths: tuple[Path, ...], of: Collection[Path]) -> tuple[Path, ...]:
    """`paths` less those whose bytes are those of a picture in `of`, or of an earlier path."""
    seen = {_digest(file) for file in of}
    kept = []
    for path in paths:
        digest = _digest(root / path)
        if digest not in seen:
            seen.add(digest)
            kept.append(path)
    return tuple(kept)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
