"""A published set in miniature: nine pictures of two classes, in a zip file as macOS packs them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from training.prepare.trashnet import Archive, picture_digest

SPLIT = {
    **{f"glass/glass{n}.jpg": part for n, part in enumerate(["train"] * 3 + ["val", "test"], 1)},
    **{f"metal/metal{n}.jpg": part for n, part in enumerate(["train", "train", "val", "test"], 1)},
}
LARGEST_BYTES = 5_000


def small_pictures() -> dict[str, bytes]:
    """CLASS/NAME → a JPEG of noise, 24×16 pixels."""
    rng = np.random.default_rng(0)
    pictures = {}
    for name in SPLIT:
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (16, 24, 3), np.uint8)).save(stream, "jpeg")
        pictures[name] = stream.getvalue()
    return pictures


def packed(files: dict[str, bytes]) -> bytes:
    """A zip file of these files, path → bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return stream.getvalue()


def published() -> tuple[Archive, bytes]:
    """The set's description and its zip file."""
    pictures = small_pictures()
    data = packed(
        {
            "small/.DS_Store": b"-",
            **{f"small/{name}": picture for name, picture in pictures.items()},
            "__MACOSX/small/glass/._glass1.jpg": b"-",
        }
    )
    known = {n: hashlib.sha256(p).hexdigest() for n, p in pictures.items() if SPLIT[n] != "test"}
    archive = Archive(
        repository="someone/small",
        revision="f" * 40,
        file="small.zip",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        largest_picture_bytes=LARGEST_BYTES,
        split=SPLIT,
        digest=picture_digest(known),
    )
    return archive, data


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root
