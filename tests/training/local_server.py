"""Web servers of this machine: one of bytes in memory, and one that answers as the hub does."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class LocalServer:
    """Serves `files`, path → bytes, and records each request as (method, path, Range).

    `cut_after` makes every answer break off after so many bytes.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.cut_after: int | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                server.answer(self)

            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.take(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        self.requests.append((request.command, request.path, wanted))
        body = self.files.get(request.path)
        if body is None:
            self.refuse(request)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-") or 0)
        if wanted and start >= len(body):
            request.send_response(416)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.send_header("ETag", '"e"')
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body[start:][: self.cut_after])
            request.close_connection = True

    def refuse(self, request: BaseHTTPRequestHandler) -> None:
        request.send_error(404)

    def take(self, request: BaseHTTPRequestHandler) -> None:
        request.send_error(405)


class LocalHub(LocalServer):
    """The routes of the hub that push and pull use; commits go to `files`, for pull to find.

    `open_to_all` unset, it knows nobody and answers 401.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open_to_all = True
        self.created: list[dict[str, Any]] = []

    def refuse(self, request: BaseHTTPRequestHandler) -> None:
        known = {path.split("/")[2] for path in self.files}
        code = "EntryNotFound" if request.path.split("/")[2] in known else "RepoNotFound"
        request.send_response(404)
        request.send_header("X-Error-Code", code)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        if not self.open_to_all:
            self._json(request, {"error": "who are you?"}, 401)
            return
        parts = request.path.strip("/").split("/")
        if request.path == "/api/repos/create":
            wanted = json.loads(body)
            self.created.append(wanted)
            url = f"{self.url}/{wanted['organization']}/{wanted['name']}"
            self._json(request, {"url": url})
        elif request.path == "/api/validate-yaml":
            self._json(request, {"errors": [], "warnings": []})
        elif "preupload" in parts:
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            files = [{"path": f["path"], **modes} for f in json.loads(body)["files"]]
            self._json(request, {"files": files})
        elif "commit" in parts:
            repository = "/".join(parts[2:4])
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    value = line["value"]
                    path = f"/{repository}/resolve/{parts[5]}/{value['path']}"
                    self.files[path] = base64.b64decode(value["content"])
            url = f"{self.url}/{repository}/commit/{'a' * 40}"
            self._json(request, {"commitUrl": url, "commitOid": "a" * 40})
        else:
            self._json(request, {})

    def _json(self, request: BaseHTTPRequestHandler, answer: object, status: int = 200) -> None:
        body = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
