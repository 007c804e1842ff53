"""`python -m workers --connect …`: a worker for a line on another machine.

With `--rings`, which only the package `placement` gives: on the line's own machine, by ipc.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle
from os.path import expanduser
from pathlib import Path
from time import monotonic, sleep
from typing import cast

from line.config import ROOT
from line.connection_settings import is_tcp_address
from line.errors import BadInput, ScraplineError
from line.messages import BatchTimes, Terms
from line.plain_text import plain
from line.process.remote_client import RemoteClient
from line.process.signals import Interrupts, be_told_of_parents_end
from line.remote.curve import Lock
from line.remote.keys import WorkerKeys
from line.remote.run_keys import FROM_INPUT, read_keys
from line.section import DEFAULT_ENGINE, EngineName
from workers.batches import batch_times
from workers.engines.standby import Standby
from workers.model import Model
from workers.model_file import SUFFIXES, sha256_of
from workers.worker import Worker, warmed_up

_LONGEST_WAIT_S = 5.0
_LOOK_S = 0.1
_LAST_S = 5
"""From the end of whoever started this worker for a run to its own, at the latest."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status: 0 after Ctrl-C, 2 for bad input."""
    given = _arguments().parse_args(argv)
    try:
        if not (given.rings or is_tcp_address(given.connect)):
            raise BadInput(f"--connect {given.connect}: must be tcp://HOST:PORT")
        if not given.model.exists():
            raise BadInput(f"{given.model}: no such model file or folder")
        keys = _keys(given.keys, given.name)
        with Interrupts() as interrupts:
            rings = tuple(map(int, filter(None, given.rings.split(","))))
            RemoteWorker(given.connect, keys, given.model, interrupts, rings).run()
    except ScraplineError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m workers",
        description="A worker for a line on another machine. Ctrl-C: finish what it holds, leave.",
    )
    parser.add_argument("--connect", required=True, metavar="tcp://HOST:PORT", help="the line's")
    parser.add_argument(
        "--keys", required=True, type=_path, metavar="DIR", help="a folder that the line has made"
    )
    parser.add_argument(
        "--model",
        type=_path,
        default=ROOT / "models",
        metavar="FILE",
        help="the line's model, or a folder with it; taken by its hash",
    )
    parser.add_argument("--name", help="whose keys, where the folder holds several")
    parser.add_argument("--rings", default="", help=argparse.SUPPRESS)
    return parser


def _keys(folder: Path, name: str | None) -> WorkerKeys:
    """Of whoever starts a worker for the run, they come by a pipe, and are on no disk."""
    if str(folder) == FROM_INPUT:
        _leave_with_parent()
        return read_keys(sys.stdin.buffer)
    return WorkerKeys.load(folder, name)


def _leave_with_parent() -> None:
    """As after Ctrl-C, and for certain a little later."""

    def leave(*_: object) -> None:
        signal.alarm(_LAST_S)
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGUSR1, leave)
    be_told_of_parents_end(signal.SIGUSR1)


def _path(text: str) -> Path:
    return Path(expanduser(text))  # noqa: PTH111 - Path fails for ~unknown


class RemoteWorker:
    """Comes back for ever, until it is interrupted."""

    def __init__(
        self,
        address: str,
        keys: WorkerKeys,
        path: Path,
        interrupts: Interrupts,
        rings: Sequence[int] = (),
    ) -> None:
        """`rings`: on the line's own machine, descriptors of the cameras' memory."""
        self._rings = rings
        self._address = address
        self._keys = keys
        self._path = path
        self._interrupts = interrupts
        self._model: Model | None = None
        self._batches: BatchTimes | None = None
        self._said = ""

    def run(self) -> None:
        """Raises BadInput if the line's model is not here, or its engine, or that fails here."""
        waits = _waits()
        for server in cycle(self._keys.servers):
            lock = Lock(self._keys.pair, server)
            with RemoteClient(self._address, self._keys.name, lock, self._interrupts) as client:
                worked = self._serve(client)
            if self._interrupts.count:
                self._say("left")
                return
            self._say(f"{client.lost}; trying {self._address} again")
            waits = _waits() if worked else waits
            self._rest(next(waits))

    def _serve(self, client: RemoteClient) -> bool:
        """Until the connection is lost or we are to leave; whether there was work at all."""
        if client.await_terms() is None:
            return False
        while not (client.stop or self._interrupts.count):
            self._work(client)
        return True

    def _work(self, client: RemoteClient) -> None:
        """On the terms of now, until they are others."""
        terms = client.terms
        assert terms is not None
        model = self._model_for(terms)
        batches = self._batches if terms.by_slack else None
        client.join(terms.credit, batches)
        self._say(f"joined {self._address} as {client.identity}, model {model.facts.short_hash}")
        standby, by_slack = self._standby(model), batches is not None
        Worker(
            client, model, terms.credit, rings=self._rings, standby=standby, by_slack=by_slack
        ).run()

    def _model_for(self, terms: Terms) -> Model:
        wanted = terms.model, terms.engine
        known = self._model and (self._model.facts.sha256, self._model.facts.engine)
        if self._model is None or known != wanted:
            path = matching(self._path, terms.model)
            loaded = Model.load(path, cast(EngineName, terms.engine), terms.model)
            self._batches = batch_times(loaded, terms.height_px, terms.width_px)
            self._model = warmed_up(loaded, terms.credit, terms.height_px, terms.width_px)
        return self._model

    def _standby(self, model: Model) -> Standby | None:
        """Another engine than the line's is not for one worker to choose: it ends."""
        if model.facts.engine == DEFAULT_ENGINE:
            return None

        def tell(why: str) -> None:
            raise BadInput(f"model.engine: {why}")

        path, sha256 = Path(model.facts.path), model.facts.sha256
        return Standby(lambda: Model.open(path, DEFAULT_ENGINE, sha256), tell)

    def _rest(self, seconds: float) -> None:
        until = monotonic() + seconds
        while monotonic() < until and not self._interrupts.count:
            sleep(_LOOK_S)

    def _say(self, text: str) -> None:
        if text != self._said:  # hours of trying are one line
            self._said = text
            print(f"{self._keys.name}: {text}", flush=True)


def matching(path: Path, sha256: str) -> Path:
    """The model file with this hash: `path` itself, or one in the folder `path`.

    Raises:
        BadInput: if there is none.
    """
    files = [path] if not path.is_dir() else sorted(_models_in(path))
    for file in files:
        try:
            actual = sha256_of(file)
        except OSError as error:
            raise BadInput(f"{plain(str(file))}: {error.strerror or error}") from None
        if actual == sha256:
            return file
    what = "does not hold" if path.is_dir() else "is not"
    raise BadInput(
        f"{plain(str(path))}: {what} the model that the line runs (sha256 {sha256[:12]}…)"
    )


def _models_in(folder: Path) -> Iterator[Path]:
    return (file for file in folder.glob("*") if file.suffix in SUFFIXES and file.is_file())


def _waits() -> Iterator[float]:
    """Seconds before each new try: soon at first, then less and less often."""
    wait_s = 0.2
    while True:
        yield wait_s
        wait_s = min(_LONGEST_WAIT_S, 2 * wait_s)
