"""The models that there are, and what their files and cards say of them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from line.model.onnx_file import LARGEST_ENTRIES, read_entries
from line.plain_text import plain
from line.run_files.results import FILE as RESULTS
from pictures.class_names import complaint_about_names
from pictures.regular_file import open_regular

SUFFIXES = (".onnx", ".ts")
METRICS = "metrics.json"
_DEEPEST = 4
"""Folders within a folder that is searched."""
_MOST = 20_000
"""Entries looked at in one folder that is searched."""
_LONGEST_CARD = 200_000
_LONGEST_PROVENANCE = 2000
_NO_MODEL = (
    *(ValueError, KeyError, RecursionError, EOFError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),
)
"""What a damaged archive may raise: an unknown compression, a password, an end too soon."""
_UNPACKED_BY_PARTS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others unpack all that a part holds, however large."""
_EXTRA = "/extra/scrapline.json"
"""Where a TorchScript file, which is a zip file, keeps its entries."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file. Figures are None where the file does not say."""

    path: Path
    size_bytes: int
    sha256: str
    classes: tuple[str, ...]
    view: str
    """the network's view of a picture, as `height × width`; empty if not told"""
    threshold: float | None
    temperature: float | None
    provenance: str
    card: str
    """Markdown of the card beside it; empty if there is none"""
    complaint: str
    """why its entries cannot be read; empty if they can"""

    @property
    def kind(self) -> str:
        return "ONNX" if self.path.suffix == ".onnx" else "TorchScript"

    @property
    def short_hash(self) -> str:
        """As rows of results.csv name the model."""
        return self.sha256[:12]


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the folders: model files, and folders that an evaluation wrote."""

    models: tuple[Path, ...]
    evaluations: tuple[Path, ...]
    cut_off: tuple[Path, ...]
    """folders that hold more than was looked at"""


def search(folders: tuple[Path, ...]) -> Found:
    """Look through the folders, not too deep and through no link; what comes first stands first.

    Folders of the line's runs, which hold neither and many pictures, are passed over.
    """
    cut_off = []
    models: dict[Path, None] = {}
    evaluations: dict[Path, None] = {}
    for folder in folders:
        for count, path in enumerate(_walk(folder, _DEEPEST)):
            if count >= _MOST:
                cut_off.append(folder)
                break
            if path.suffix in SUFFIXES:
                models[path.resolve()] = None
            elif path.name == METRICS:
                evaluations[path.parent.resolve()] = None
    return Found(tuple(models), tuple(evaluations), tuple(cut_off))


def read_model(path: Path) -> ModelFile:
    """What is known of a model file. Raises OSError if it is gone."""
    status = path.stat()
    card = _card(path)
    sha256, entries, complaint = _inside(path, status.st_size, status.st_mtime_ns)
    classes, fault = _classes(_json(entries.get("scrapline.classes")))
    return ModelFile(
        path=path,
        size_bytes=status.st_size,
        sha256=sha256,
        classes=classes,
        view=_view(_json(entries.get("scrapline.size"))),
        threshold=_number(entries.get("scrapline.threshold")),
        temperature=_number(entries.get("scrapline.temperature")),
        provenance=entries.get("scrapline.provenance", "")[:_LONGEST_PROVENANCE],
        card=card,
        complaint=complaint or fault,
    )


@lru_cache(maxsize=256)
def _inside(path: Path, size: int, changed_ns: int) -> tuple[str, dict[str, str], str]:
    """(SHA-256, entries, complaint); kept as long as the file is not touched."""
    del size, changed_ns
    with os.fdopen(open_regular(path, follow_links=True), "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        read = read_entries if path.suffix == ".onnx" else _torchscript_entries
        return sha256, read(path), ""
    except (OSError, *_NO_MODEL) as error:
        return sha256, {}, plain(f"not readable as a model: {error}")


def _torchscript_entries(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        info = next((i for i in archive.infolist() if i.filename.endswith(_EXTRA)), None)
        if info is None:
            return {}
        if info.file_size > LARGEST_ENTRIES:  # before it is unpacked
            raise ValueError(f"its entries are larger than {LARGEST_ENTRIES / 1e6:g} MB")
        if info.compress_type not in _UNPACKED_BY_PARTS:
            raise ValueError("its entries are packed as torch packs none")
        # A small file may hold a very large one, and say of its size what it likes.
        with archive.open(info) as file:
            entries = json.loads(file.read(LARGEST_ENTRIES))
    if not isinstance(entries, dict):
        raise ValueError("its entries are no table")
    return {str(key): str(value) for key, value in entries.items()}


def _card(path: Path) -> str:
    try:
        with os.fdopen(open_regular(path.with_suffix(".md"), follow_links=True), "rb") as file:
            return file.read(_LONGEST_CARD).decode(errors="replace")
    except OSError:
        return ""


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Plain files of a folder, and of its folders to that depth; hidden ones are passed over."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    if any(entry.name == RESULTS for entry in listed):  # a run of the line, not of the trainer
        return
    for entry in listed:
        if entry.name.startswith("."):
            continue
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), depth - 1)


def _classes(told: object) -> tuple[tuple[str, ...], str]:
    """The names, or what is wrong with them."""
    if not isinstance(told, list):
        return (), ""
    names = tuple(map(str, told))
    fault = complaint_about_names(names)
    return ((), fault) if fault else (names, "")


def _view(told: object) -> str:
    if not isinstance(told, list) or len(told) != 2 or not all(type(n) is int for n in told):
        return ""
    return " × ".join(map(str, told))


def _json(text: str | None) -> object:
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "nan")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
