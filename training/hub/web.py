"""Files over HTTP(S), bounded in size, gone on with after an interruption, checked by hash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx2
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from training.errors import BadInput
from training.whole_file import file_sha256, naming

TIMEOUT_S = httpx2.Timeout(10.0, read=60.0)


def is_address(text: str) -> bool:
    """Whether a text is an HTTP(S) address rather than a path."""
    return text.startswith(("http://", "https://"))


def download(
    url: str,
    target: Path,
    *,
    limit_bytes: int,
    console: Console,
    sha256: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Bring `url` to `target`, which appears only when it is whole and, if given, of that hash.

    What arrived before an interruption is kept beside it and used the next time. Raises BadInput
    naming the address: unreachable, refused, more than `limit_bytes`, cut off, of another hash.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with web_errors(url), naming(part):
        _go_on(url, part, dict(headers or {}), limit_bytes, console)
    if sha256 and (found := file_sha256(part)) != sha256:
        part.unlink()
        raise BadInput(f"{url}: SHA-256 is {found[:12]}…, expected {sha256[:12]}…")
    part.replace(target)


@contextmanager
def web_errors(where: str) -> Iterator[None]:
    """Turn what can go wrong between here and a server into one line about `where`."""
    try:
        yield
    except httpx2.HTTPStatusError as error:
        code = error.response.status_code
        raise BadInput(f"{where}: the server answers {code} {_meaning(code)}") from error
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise BadInput(f"{where}: cannot be reached: {error}") from error
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise BadInput(f"{where}: not an address: {error}") from error
    except httpx2.HTTPError as error:
        raise BadInput(f"{where}: broke off, run it again: {error or type(error)}") from error


def _go_on(
    url: str, part: Path, headers: dict[str, str], limit_bytes: int, console: Console
) -> None:
    have = part.stat().st_size if part.exists() else 0
    # Compressed on the way, a file's bytes could neither be counted nor gone on with.
    headers["Accept-Encoding"] = "identity"
    if have:
        headers["Range"] = f"bytes={have}-"
    with httpx2.stream(
        "GET", url, headers=headers, timeout=TIMEOUT_S, follow_redirects=True
    ) as response:
        unsatisfiable = response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if not unsatisfiable:
            response.raise_for_status()
            if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                have = 0
            _receive(response, part, have, limit_bytes, console)
    if unsatisfiable:
        part.unlink()
        headers.pop("Range")
        _go_on(url, part, headers, limit_bytes, console)


def _receive(
    response: httpx2.Response, part: Path, have: int, limit_bytes: int, console: Console
) -> None:
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isdecimal() else None
    with part.open("ab" if have else "wb") as file, _progress(console) as progress:
        task = progress.add_task(part.name[1:].removesuffix(".part"), completed=have, total=total)
        for data in response.iter_raw():
            have += len(data)
            if max(have, total or 0) > limit_bytes:
                break
            file.write(data)
            progress.advance(task, len(data))
    if max(have, total or 0) > limit_bytes:
        part.unlink()
        raise BadInput(f"{response.url}: more than the {limit_bytes} bytes expected at most")


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _meaning(code: int) -> str:
    known = {401: "(not open to you)", 403: "(not open to you)", 404: "(not there)"}
    return known.get(code, httpx2.codes.get_reason_phrase(code))
