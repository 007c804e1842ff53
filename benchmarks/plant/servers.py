"""Real servers of a plant, in folders of their own, which tests and benchmarks may kill."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import psycopg

_PATIENCE_S = 120.0
_LOOK_S = 0.05
_QUICK: tuple[str, ...] = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
)


class NoServer(Exception):
    """It is not installed; the text says what to install."""


class PostgresServer:
    """PostgreSQL on 127.0.0.1 and a Unix socket. Context manager: nothing survives it.

    Whoever comes by the socket is believed, by TCP a password is asked for. `is_durable`: with its
    usual settings; else a power cut would cost it everything, which costs it less time.
    """

    def __init__(self, port: int, *, is_durable: bool = False) -> None:
        self._programs = _programs()
        self.port = port
        self._settings = () if is_durable else _QUICK
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # another user's, often
        self._user = _unprivileged()
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        data = self.folder / "data"
        made = subprocess.run(
            [self._programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"],
            **self._as_user(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        hosts = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(hosts)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {"cwd": self.folder}
        return {"cwd": self.folder, "user": self._user, "group": self._user, "extra_groups": []}

    def start(self, *, wait: bool = True) -> None:
        """Start it, again after it was killed."""
        options = [part for setting in self._settings for part in ("-c", setting)]
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *command,
                    "-k",
                    str(self.folder),
                    "-h",
                    "127.0.0.1",
                    "-p",
                    str(self.port),
                    *options,
                ],
                **self._as_user(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until it answers; started again where what was killed before was still in its way."""
        deadline = monotonic() + _PATIENCE_S
        while True:
            try:
                psycopg.connect(self.dsn("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if monotonic() > deadline:
                    said = (self.folder / "log").read_text()[-2000:]
                    raise AssertionError(f"no answer: {error}; it said: {said}") from None
                if self._process is None or self._process.poll() is not None:
                    self.start(wait=False)
                sleep(_LOOK_S)
            else:
                return

    def kill(self) -> None:
        """SIGKILL to all its processes."""
        if self._process is not None:
            for pid in self._pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop_all(self, number: int) -> None:
        """SIGSTOP or SIGCONT to all its processes."""
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        assert self._process is not None
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children")
        return [first, *map(int, children.read_text().split())]

    def dsn(self, database: str) -> str:
        """Of its owner, by the socket."""
        return f"host={self.folder} port={self.port} user=postgres dbname={database}"

    def database(self) -> str:
        """A new one; its connection string."""
        self._databases += 1
        name = f"plant_{self._databases}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return self.dsn(name)


class MosquittoServer:
    """Mosquitto on 127.0.0.1; it keeps sessions on its disk. Context manager."""

    def __init__(self, port: int, *, user: str = "", password: str = "") -> None:
        self._program = _program("mosquitto")
        self.port = port
        self._login = (user, password) if user else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="mq-", dir="/tmp"))
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'false' if self._login else 'true'}",
            "persistence true",
            f"persistence_location {self.folder}/",
            f"user {getpass.getuser()}",
        ]
        if self._login:
            passwords = self.folder / "passwords"
            make = [_program("mosquitto_passwd"), "-b", "-c", str(passwords)]
            subprocess.run([*make, *self._login], check=True)
            lines.append(f"password_file {passwords}")
        (self.folder / "conf").write_text("\n".join(lines) + "\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, again after it was killed; returns when it listens."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", self.folder / "conf"], stdout=log, stderr=log
            )
        deadline = monotonic() + _PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError:
                said = (self.folder / "log").read_text()[-2000:]
                assert monotonic() < deadline, said
                assert self._process.poll() is None, said
                sleep(_LOOK_S)
            else:
                return

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it; by SIGTERM it writes its sessions to the disk first."""
        if self._process is not None:
            self.send(signal.SIGCONT)
            self.send(number)
            self._process.wait()
            self._process = None


def _program(name: str) -> str:
    """Debian has it where a user's PATH may not look. Raises NoServer."""
    path = shutil.which(name) or f"/usr/sbin/{name}"
    if not Path(path).exists():
        raise NoServer(f"no {name} on this machine: apt-get install mosquitto")
    return path


def _programs() -> Path:
    """Where PostgreSQL's are. Raises NoServer."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    anywhere = shutil.which("initdb")
    if found:
        return found[-1].parent
    if anywhere is None:
        raise NoServer("no PostgreSQL on this machine: apt-get install postgresql")
    return Path(anywhere).parent


def _unprivileged() -> str | None:
    """Whom it runs as where this user is root, as which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return None
    pwd.getpwnam("postgres")
    return "postgres"


def rows_of(dsn: str, query: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with psycopg.connect(dsn, connect_timeout=10) as db:
        return db.execute(query.encode()).fetchall()
