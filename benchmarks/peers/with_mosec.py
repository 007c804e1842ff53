"""Mosec: two workers behind its HTTP server, which is written in Rust."""

from __future__ import annotations

import os
import sys

import mosec

from benchmarks.peers import http_load
from benchmarks.peers.job import WORKERS, Classifier


class _Served(mosec.Worker):  # type: ignore[misc]
    resp_mime_type = "text/plain"

    def __init__(self) -> None:
        self._classify = Classifier(os.environ["PEER_MODEL"], os.environ["PEER_FOLDER"])

    def deserialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: bytes) -> tuple[int, float]:
        return self._classify(data)

    def serialize(self, data: tuple[int, float]) -> bytes:
        label, probability = data
        return f"{label},{probability}".encode()


def _serve() -> None:
    os.environ["MOSEC_ADDRESS"] = "127.0.0.1"
    os.environ["MOSEC_PORT"] = os.environ["PEER_PORT"]
    os.environ["MOSEC_LOG_LEVEL"] = "warning"
    server = mosec.Server()
    server.append_worker(_Served, num=WORKERS, route="/classify")
    server.run()


if __name__ == "__main__":
    if http_load.SERVE in sys.argv:
        _serve()
    else:
        http_load.main("benchmarks.peers.with_mosec")
