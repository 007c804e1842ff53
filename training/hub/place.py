"""Where a model can be put and had: a folder, a web server, a repository of the hub.

A place holds one model: manifest.json, and beside it the files that it names.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from training.errors import BadInput
from training.hub import manifest
from training.hub.huggingface import Repository
from training.hub.web import download, is_address

HUB = "hf://"


class Place(Protocol):
    """Somewhere to have files from. `str()` of it is what the user called it."""

    def fetch(self, name: str, target: Path, limit_bytes: int, console: Console) -> None:
        """Bring one file to `target`. BadInput if it cannot be had or is larger."""


@dataclass(frozen=True)
class Folder:
    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def fetch(self, name: str, target: Path, limit_bytes: int, console: Console) -> None:
        if not self.path.is_dir():
            raise BadInput(f"{self}: no such folder")
        source = self.path / name
        if not source.is_file():
            raise BadInput(f"{self}: has no {name}")
        if source.stat().st_size > limit_bytes:
            raise BadInput(f"{source}: more than the {limit_bytes} bytes expected")
        shutil.copyfile(source, target)


@dataclass(frozen=True)
class WebFolder:
    url: str

    def __str__(self) -> str:
        return self.url

    def fetch(self, name: str, target: Path, limit_bytes: int, console: Console) -> None:
        url = f"{self.url.rstrip('/')}/{name}"
        download(url, target, limit_bytes=limit_bytes, console=console)


@dataclass(frozen=True)
class HubRepository:
    repository: Repository

    def __str__(self) -> str:
        return str(self.repository)

    def fetch(self, name: str, target: Path, limit_bytes: int, console: Console) -> None:
        file = self.repository.find(name)
        download(file.url, target, limit_bytes=limit_bytes, console=console, headers=file.headers)


def place(text: str, endpoint: str) -> Folder | WebFolder | HubRepository:
    """The place that a user named. BadInput for an hf:// address that names no repository."""
    if text.startswith(HUB):
        name, _, revision = text.removeprefix(HUB).partition("@")
        if name.count("/") != 1 or not all(name.split("/")):
            raise BadInput(f"{text}: not hf://owner/name or hf://owner/name@revision")
        return HubRepository(Repository(name, revision=revision, endpoint=endpoint))
    if is_address(text):
        return WebFolder(text.removesuffix(manifest.NAME))
    return Folder(Path(text))
