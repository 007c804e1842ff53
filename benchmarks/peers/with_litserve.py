"""LitServe: two workers on the processor, its fast queue, workers that are restarted."""

import os
import sys
from typing import Annotated, Any

import litserve
from fastapi import Depends, Request, Response

from benchmarks.peers import http_load
from benchmarks.peers.job import WORKERS, Classifier


async def _body(request: Request) -> bytes:
    return await request.body()


class _Served(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        self._classify = Classifier(os.environ["PEER_MODEL"], os.environ["PEER_FOLDER"])

    def decode_request(self, request: Annotated[bytes, Depends(_body)]) -> bytes:
        return request

    def predict(self, frame: bytes) -> tuple[int, float]:
        return self._classify(frame)

    def encode_response(self, output: Any) -> Response:
        label, probability = output
        return Response(f"{label},{probability}")


def _serve() -> None:
    server = litserve.LitServer(
        _Served(api_path="/classify"),
        accelerator="cpu",
        workers_per_device=WORKERS,
        fast_queue=True,
        restart_workers=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        generate_client_file=False,
        log_level="error",
        access_log=False,
    )


if __name__ == "__main__":
    if http_load.SERVE in sys.argv:
        _serve()
    else:
        http_load.main("benchmarks.peers.with_litserve")
