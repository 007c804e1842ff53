"""Model files: found, read, and told from what else is given in their place."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from pathlib import Path

from line.errors import BadInput, NotAdopted
from line.model.onnx_file import external_file
from line.own_file import read_regular
from line.plain_text import plain
from pictures.regular_file import open_regular

SUFFIXES = (".onnx", ".ts", ".pt")
"""In order of preference where a folder holds several."""
LARGEST_BYTES = 2**31
"""No ONNX file can be larger."""
_MOST_UNPACKED = 64 * 10**6
"""Bytes that the packed parts of a TorchScript file may become: they hold program text alone."""
_LARGEST_EXTRA = 4 * 10**6
_LFS = b"version https://git-lfs"
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)
_OTHERS = (
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x89HDF", "an HDF5 file (Keras?)"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"\x93NUMPY", "a numpy array"),
    (0, b"%PDF", "a PDF document"),
    (8, b'{"', "a safetensors file, weights alone"),
)
"""(place, bytes there, what such a file is)"""
_TEXT_SAMPLE = 4096


def find(path: Path) -> Path:
    """The model at `path`: the file itself, or the one that a folder holds (.onnx preferred).

    Raises:
        BadInput: if there is none, or several of the preferred kind.
    """
    try:
        if path.is_dir():
            return _only_one_in(path)
        if not path.exists():
            raise BadInput(f"{plain(str(path))}: no such model file or folder")
    except (OSError, ValueError) as error:  # not to be read, too long, a zero byte
        raise BadInput(f"{plain(str(path))}: {_words(error)}") from None
    if path.suffix not in SUFFIXES:
        raise BadInput(f"{plain(str(path))}: not a model file ({', '.join(SUFFIXES)})")
    return path


def read(path: Path, sha256: str | None = None, *, alone: bool = True) -> tuple[bytes, str]:
    """All of a model file, and its hash; what is no such file is refused before a runtime sees it.

    `sha256`: what the hash must be, if that is known; `alone`: no weights may lie beside it.

    Raises:
        BadInput: without the path, which its caller names.
    """
    try:
        data = read_regular(path, LARGEST_BYTES, follow_links=True)
    except OSError as error:
        raise BadInput(_words(error)) from None
    actual = hashlib.sha256(data).hexdigest()
    if sha256 is not None and actual != sha256:
        raise BadInput(f"changed since the run began (sha256 {actual[:12]}…)")
    what = _what_else(data, path.suffix)
    if what:
        raise BadInput(what)
    if alone and path.suffix == ".onnx":
        _refuse_weights_beside(data)
    return data, actual


def sha256_of(path: Path) -> str:
    """In hex. Raises OSError if it cannot be read or is no regular file."""
    with os.fdopen(open_regular(path, follow_links=True), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _only_one_in(folder: Path) -> Path:
    for suffix in SUFFIXES:
        found = sorted(file for file in folder.glob(f"*{suffix}") if file.is_file())
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise BadInput(plain(f"{folder}: several models ({names}); name one with --model"))
        if found:
            return found[0]
    raise BadInput(f"{plain(str(folder))}: holds no model ({', '.join(SUFFIXES)})")


def _what_else(data: bytes, suffix: str) -> str:
    """What is wrong with a file at first sight; empty if nothing is."""
    if not data:
        return "not a model: it is empty"
    if data.startswith(_LFS):
        return "not the model itself but a pointer of Git LFS: run git lfs pull"
    if _WEB_PAGE.match(data.removeprefix(b"\xef\xbb\xbf")):
        return "not a model but a web page: the download went wrong"
    for place, magic, what in _OTHERS:
        if data[place : place + len(magic)] == magic:
            return f"not a model but {what}"
    if data.startswith(b"PK\x03\x04"):
        return _wrong_archive(data, suffix)
    if data.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return f"not a model but a pickle, most likely weights alone (a state dict): {_EXPORT}"
    if _is_text(data[:_TEXT_SAMPLE]):
        return "not a model but text"
    return ""


_EXPORT = "export it with the network (python -m training export, or torch.onnx.export)"


def _wrong_archive(data: bytes, suffix: str) -> str:
    """Torch packs a program, weights alone and an exported graph all as zip archives."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "not a model: the archive is damaged or cut off"
    names = {part.filename.partition("/")[2] for part in parts}
    is_program = "constants.pkl" in names
    if suffix == ".onnx":
        return (
            f"not an ONNX file but {'TorchScript: name it .ts' if is_program else 'a zip archive'}"
        )
    if "archive_format" in names or "serialized_exported_program.json" in names:
        return f"not TorchScript but a program of torch.export: {_EXPORT}"
    if not is_program and "data.pkl" in names:
        return f"not TorchScript but weights alone (a state dict) or a pickled module: {_EXPORT}"
    if not is_program:
        return "not TorchScript but another zip archive"
    unpacked = sum(part.file_size for part in parts if part.compress_type != zipfile.ZIP_STORED)
    extra = sum(part.file_size for part in parts if "/extra/" in part.filename)
    if unpacked > _MOST_UNPACKED or extra > _LARGEST_EXTRA:
        return f"not TorchScript as it should be: packed parts become {unpacked / 1e6:.0f} MB"
    return ""


def _refuse_weights_beside(data: bytes) -> None:
    """Weights in a second file are not covered by the hash that names the model."""
    try:
        location = external_file(data)
    except ValueError:
        return  # the runtime will say it
    if location is not None:
        raise NotAdopted(
            f"keeps weights in another file, {plain(location, 80)}: save it as one file"
        )


def _is_text(sample: bytes) -> bool:
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _words(error: OSError | ValueError) -> str:
    return plain(getattr(error, "strerror", None) or str(error))
