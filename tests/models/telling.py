"""A server on loopback that tells about itself: each path has its answer, over a real socket."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Telling:
    """Answers GET and POST by path; a path without an answer is a 404.

    Args:
        answers: by path, what is sent as JSON; bytes are sent as they are.
        slow: seconds before each answer.

    """

    def __init__(self, answers: Mapping[str, Any], *, slow: float = 0.0) -> None:
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, answers, slow))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def _handler(telling: Telling, answers: Mapping[str, Any], slow: float) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            telling.asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(slow)
            found = answers.get(self.path)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:  # as above
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on stderr."""

    return Handler
