"""The console as a process of its own, over a folder of runs, and a look at it by HTTP."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from line.errors import BadInput
from line.observe.control_client import Control
from tests.ports import free_port
from tests.running_line import ROOT, poll

PATIENCE_S = 300.0
PATIENT_PAGES = "--set=console.silence_s=15"
"""On a busy machine a page may have no word from its console for some seconds."""


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and body of an answer."""

    status: int
    headers: dict[str, str]
    text: str
    cookies: str = ""
    """those that it sets, as a browser sends them back"""


def ask(
    port: int,
    path: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    """One request, by somebody who has no session. Raises OSError while nobody listens."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=PATIENCE_S, source_address=(source, 0)
    )
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        cookies = [c.split(";")[0] for c in answer.headers.get_all("set-cookie") or ()]
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, found, text, "; ".join(cookies))
    finally:
        connection.close()


def answers(port: int) -> bool:
    """Whether a console listens at the port."""
    try:
        return ask(port).status > 0
    except OSError:
        return False


@dataclass(frozen=True)
class Console:
    """One that listens, and its token."""

    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Where a browser is let in."""
        return f"{self.url}/?token={self.token}"

    def session(self) -> str:
        """A Cookie header's value."""
        return ask(self.port, f"/?token={self.token}").cookies

    def ask(
        self,
        path: str = "/",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> Answer:
        """One request, by somebody who came by the token."""
        with_session = {"Cookie": self.session(), **(headers or {})}
        return ask(self.port, path, method, with_session, body)


@contextmanager
def console_over(results: Path, *arguments: object, port: int | None = None) -> Iterator[Console]:
    """`run_line.py console RESULTS`. Ends it with SIGTERM."""
    port = port or free_port()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "run_line.py"),
                "console",
                str(results),
                f"--set=console.port={port}",
                PATIENT_PAGES,
                *map(str, arguments),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            poll(lambda: process.poll() is not None or answers(port), "the console", PATIENCE_S)
            said.seek(0)
            words = said.read().decode()
            assert process.poll() is None, words
            opener = re.search(r"open (\S+) in a browser", words)
            assert opener, words
            yield Console(port, token_in(Path(opener[1]).read_text()))
            process.terminate()
            process.wait(30)
        finally:
            process.kill()
            process.wait()


def console_of(run_dir: Path) -> Console:
    """The console of the line that runs in a folder, when it answers."""
    address = poll(lambda: _address(run_dir), "the console's address", PATIENCE_S)
    port = int(re.search(r":(\d+)/", address)[1])
    poll(lambda: answers(port), "the console", PATIENCE_S)
    return Console(port, token_in(address))


def token_in(text: str) -> str:
    """The token in an address, wherever that stands."""
    found = re.search(r"token=([\w-]+)", text)
    assert found, text
    return found[1]


def _address(run_dir: Path) -> str | None:
    try:
        with Control.of(run_dir) as control:
            return control.console_address()
    except BadInput:
        return None
