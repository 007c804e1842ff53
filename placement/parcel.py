"""What a node is sent: the project's code and the model, each known by its hash, and no keys."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from line.config import ROOT
from line.errors import BadInput

Parcel = tuple[str, str, bytes]
"""Name, SHA-256 of the content, content."""

OF_WORKERS = ("line", "pictures", "workers")
OF_PLANS = ("line", "pictures", "producers", "planner")
"""Packages of the project."""
_INSTALLED = {
    OF_WORKERS: ("isal", "msgpack", "numpy", "onnxruntime", "pillow", "pydantic", "pyzmq"),
    OF_PLANS: ("isal", "msgpack", "numpy", "pillow", "pydantic", "simpy"),
}
"""What they cannot do without; in another version it might answer otherwise."""
_ALWAYS = (1980, 1, 1, 0, 0, 0)


def code(packages: Iterable[str]) -> Parcel:
    """The modules of these packages as a zip file; the same modules give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in packages:
            for path in sorted((ROOT / package).rglob("*.py")):
                name = path.relative_to(ROOT).as_posix()
                archive.writestr(zipfile.ZipInfo(name, _ALWAYS), path.read_bytes())
    return _parcel("code.zip", packed.getvalue())


def model(path: Path, sha256: str) -> Parcel:
    """The model's file. Raises BadInput if it is not the one with this hash any more."""
    try:
        found = _parcel(f"model{path.suffix}", path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    if found[1] != sha256:
        raise BadInput(f"{path}: changed since the run began")
    return found


def installed(packages: tuple[str, ...]) -> dict[str, str]:
    """Name and version of what the modules of these packages need, as it is here."""
    found: dict[str, str] = {}
    for name in _INSTALLED[packages]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            raise BadInput(f"{name} is not installed: make setup") from None
    return found


def _parcel(name: str, content: bytes) -> Parcel:
    return name, hashlib.sha256(content).hexdigest(), content
