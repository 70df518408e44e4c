"""Listens on loopback: a thread a connection, kept alive between requests, and none left when it closes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PATIENCE = 10.0
"""Seconds that closing waits for its threads; one that a script's function holds longer is left behind."""


class Listener:
    """A listening socket and its connections."""

    def __init__(
        self,
        address: tuple[str, int],
        name: str,
        handle: Callable[[BaseHTTPRequestHandler, socket.socket], None],
    ) -> None:
        self._bell, self._hears = socket.socketpair()
        """Nobody reads `_hears`: a byte in it wakes, for good, whoever waits."""
        self._server = _Server(address, _handler(name, handle, self._hears))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="standin", daemon=True
        )
        self._started = False
        self._closed = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    @property
    def accepted(self) -> int:
        """Connections so far."""
        return self._server.accepted

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._server.sockets)

    def start(self) -> None:
        """Begin to answer."""
        self._started = True
        self._thread.start()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no connection is open, and return whether it came to that."""
        with self._server.changed:
            return self._server.changed.wait_for(lambda: not self._server.sockets, seconds)

    def close(self) -> None:
        """Stop listening, and end every connection."""
        if self._closed:
            return
        self._closed = True
        if self._started:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._bell.send(b"!")
        with self._server.changed:
            for open_one in self._server.sockets:
                with contextlib.suppress(OSError):
                    open_one.shutdown(socket.SHUT_RDWR)
        self.wait_idle(_PATIENCE)
        self._bell.close()
        self._hears.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.accepted = 0
        self.sockets: set[socket.socket] = set()
        self.changed = threading.Condition()

    def server_bind(self) -> None:
        """Bind without asking the resolver for this machine's name, which may take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection in."""
        with self.changed:
            self.accepted += 1
            self.sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Count a connection out; its thread has nothing left to do."""
        super().shutdown_request(request)
        with self.changed:
            self.sockets.discard(request)
            self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in the middle is part of many tests."""


def _handler(
    name: str, handle: Callable[[BaseHTTPRequestHandler, socket.socket], None], closing: socket.socket
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = name
        sys_version = ""
        disable_nagle_algorithm = True

        def do_POST(self) -> None:  # the name that http.server calls
            handle(self, closing)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_POST  # noqa: N815  # as above

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on stderr."""

    return Handler
