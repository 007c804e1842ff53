"""Where a model can be put and had: a folder, a web server, a repository of the Hugging Face hub.

A place holds one model: manifest.json, and beside it the files that it names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from huggingface_hub import (
    CommitOperationAdd,
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_url,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]
from rich.console import Console

from training.errors import BadInput
from training.hub import manifest
from training.hub.web import download, is_address, web_errors

ACCESS = "if it is private, set HF_TOKEN or run `hf auth login`"


@dataclass(frozen=True)
class HubFile:
    """How to ask for one file of a repository. The headers carry the user's token, if any."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Repository:
    """OWNER/NAME on a hub; `revision` and `endpoint` may be empty: the newest, the usual hub.

    Methods raise BadInput naming the repository, the hub and what is wrong.
    """

    name: str
    kind: Literal["model", "dataset"] = "model"
    revision: str = ""
    endpoint: str = ""

    def __str__(self) -> str:
        return f"hf://{'datasets/' if self.kind == 'dataset' else ''}{self.name}"

    def find(self, file: str) -> HubFile:
        """Look a file up, so that a wrong name or a missing permission is told as such."""
        with self._errors(file):
            url = hf_hub_url(
                self.name,
                file,
                repo_type=self.kind,
                revision=self.revision or None,
                endpoint=self._endpoint,
            )
            get_hf_file_metadata(url)
        return HubFile(url, build_hf_headers())

    def commit(self, contents: Mapping[str, bytes], message: str, private: bool) -> str:
        """Put files into the repository, made if it is not there; returns the commit's address."""
        api = HfApi(endpoint=self._endpoint)
        additions = [CommitOperationAdd(name, data) for name, data in contents.items()]
        with self._errors():
            api.create_repo(self.name, private=private, exist_ok=True)
            info = api.create_commit(
                self.name, additions, commit_message=message, revision=self.revision or None
            )
        return str(info.commit_url)

    @property
    def _endpoint(self) -> str:
        return self.endpoint.rstrip("/") or constants.ENDPOINT

    @contextmanager
    def _errors(self, file: str = "") -> Iterator[None]:
        where = f"{self} at {self._endpoint}"
        try:
            with web_errors(where):
                try:
                    yield
                except HfHubHTTPError as error:
                    raise BadInput(f"{where}: {_refusal(error, file)}") from error
        except HFValidationError as error:
            raise BadInput(f"{self}: not hf://owner/name") from error
        except (ValueError, KeyError) as error:
            raise BadInput(f"{where}: does not answer as a hub does") from error
        except OfflineModeIsEnabled as error:
            raise BadInput(f"{where}: not asked, as HF_HUB_OFFLINE is set") from error


def _refusal(error: HfHubHTTPError, file: str) -> str:
    if isinstance(error, GatedRepoError):
        return "its owner has to let you in first"
    if isinstance(error, RepositoryNotFoundError):
        return f"no such repository; {ACCESS}"
    if isinstance(error, RevisionNotFoundError):
        return "no such revision"
    if isinstance(error, EntryNotFoundError):
        return f"has no {file}"
    code = error.response.status_code
    if code in (401, 403):
        return f"not open to you ({code}); {ACCESS}"
    return f"the hub answers {code}: {error.server_message or error.response.reason_phrase}"


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
