"""Frames by HTTP: starts a server and posts over eight connections that stay open, each once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import local
from time import sleep
from typing import Any

from benchmarks.peers.job import Log, Run, free_port

SERVE = "--serve"
_CONNECTIONS = 8
_REPLY_S = 10.0
_TRIES, _TRY_AGAIN_S = 100, 0.2
"""Workers may be there before the server sends them anything."""


def main(server: str) -> None:
    """`server`: module that serves when it is run with SERVE."""
    with Run() as run:
        port = free_port()
        place = {"PEER_MODEL": run.model, "PEER_FOLDER": run.folder, "PEER_PORT": str(port)}
        with Path(run.folder, "server.log").open("w") as said:
            subprocess.Popen(
                [sys.executable, "-m", server, SERVE],
                env=os.environ | place,
                stdout=said,
                stderr=said,
            )
        run.wait_for_workers()
        log, failures = Log(run.log_path), Counter[str]()
        post = _Poster(port)

        def classify(number: int) -> None:
            try:
                label, probability = post(run.frames[number])
            except (OSError, HTTPException) as error:
                failures[f"{type(error).__name__} {error}"] += 1
            else:
                log.append(number, label, probability)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            for _ in range(_TRIES):
                try:
                    list(pool.map(post, [run.frames[0]] * 4 * _CONNECTIONS))
                    break
                except (OSError, HTTPException):
                    sleep(_TRY_AGAIN_S)
            run.begin()
            for number in run.due():
                pool.submit(classify, number)
        run.facts["failures"] = dict(failures)


class _Poster:
    """Has a connection for each thread that calls it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = local()

    def __call__(self, frame: Any) -> tuple[int, float]:
        if not hasattr(self._own, "http"):
            self._own.http = HTTPConnection("127.0.0.1", self._port, timeout=_REPLY_S)
        try:
            self._own.http.request("POST", "/classify", memoryview(frame).cast("B"))
            reply = self._own.http.getresponse()
            body = reply.read().decode()
            if reply.status != HTTPStatus.OK:
                raise OSError(f"status {reply.status}")
            label, probability = body.split(",")
            return int(label), float(probability)
        except (OSError, HTTPException, ValueError) as error:
            self._own.http.close()  # the next request opens it anew
            raise OSError(str(error)) from None
