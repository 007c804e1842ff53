"""Bring a published set here, check it, and lay its pictures out by part."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rich.console import Console

from training.errors import BadInput
from training.fetch.archive import Archive
from training.fetch.copy import pictures_of
from training.hashes import file_sha256
from training.hub.huggingface import Repository
from training.hub.web import download, is_address


def bring(archive: Archive, given: str, endpoint: str, cache: Path, console: Console) -> Path:
    """A copy of the set: the zip file or folder `given`, or one downloaded to `cache`.

    `given` may be an address as well; if it is empty the hub has the set, at `endpoint` if that is
    not empty. A download that broke off is gone on with, a finished one is used again.
    Raises BadInput naming what cannot be had.
    """
    if given and not is_address(given):
        if not Path(given).exists():
            raise BadInput(f"--archive {given}: no such file or folder")
        return Path(given)
    copy = cache / archive.file
    if copy.is_file() and file_sha256(copy) == archive.sha256:
        return copy
    if given:
        download(given, copy, limit_bytes=2 * archive.size_bytes, console=console)
    else:
        _download_from_hub(archive, endpoint, copy, console)
    return copy


def lay_out(archive: Archive, copy: Path, root: Path) -> dict[str, str]:
    """Write a copy's pictures as ROOT/PART/CLASS/NAME; returns PART/CLASS/NAME → SHA-256.

    Raises BadInput if a picture is missing, unknown, too large or other than published.
    """
    hashes = {}
    with pictures_of(copy, archive.largest_picture_bytes) as pictures:
        archive.check_names(frozenset(pictures), str(copy))
        for name in sorted(pictures):
            data = pictures[name]()
            hashes[name] = hashlib.sha256(data).hexdigest()
            target = root / archive.split[name] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    if copy.is_dir() or file_sha256(copy) != archive.sha256:
        archive.check_pictures(hashes, str(copy))
    return {f"{archive.split[name]}/{name}": sha256 for name, sha256 in hashes.items()}


def _download_from_hub(archive: Archive, endpoint: str, copy: Path, console: Console) -> None:
    repository = Repository(archive.repository, "dataset", archive.revision, endpoint)
    try:
        file = repository.find(archive.file)
    except BadInput as error:
        raise BadInput(f"{error}; --archive takes a copy that you have") from error
    download(
        file.url,
        copy,
        limit_bytes=archive.size_bytes,
        console=console,
        sha256=archive.sha256,
        headers=file.headers,
    )
