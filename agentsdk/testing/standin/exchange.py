"""One request on its socket: what an answer, or a fault instead of one, can do with it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.wire import Wire


class Gone(Exception):  # not an error: it ends the work on a request that nobody waits for
    """The client went away, or the stand-in is being closed."""


class Exchange:
    """A request, its line of the script, and the socket to answer on.

    A fault gets this and does its worst: `send` and `stream` answer in good order, `write` puts bytes on the socket
    as they are, `wait` waits as long as somebody is there, and `close`, `reset` and `end` finish the connection.
    """

    def __init__(
        self, handler: BaseHTTPRequestHandler, closing: socket.socket, asked: Asked, wire: Wire, line: Line
    ) -> None:
        self.asked = asked
        self.wire = wire
        self.line = line
        """The line that the fault stands in, with whatever else was said in it: its text, its calls."""
        self._handler = handler
        self._closing = closing
        self._sent = 0

    @property
    def streamed(self) -> bool:
        """Whether a stream was asked for."""
        return self.asked.streamed

    @property
    def socket(self) -> socket.socket:
        """The connection."""
        connection: socket.socket = self._handler.connection
        return connection

    def whole(self, line: Line | None = None) -> bytes:
        """Return the good answer, as the protocol has it whole."""
        return self.wire.whole(self.asked, line or self.line)

    def events(self, line: Line | None = None) -> list[bytes]:
        """Return the events of the good answer."""
        return self.wire.events(self.asked, line or self.line)

    def answer(self, line: Line | None = None) -> None:
        """Answer in good order, as was asked: whole or streamed."""
        line = line or self.line
        self.wait(line.slow_first)
        if self.streamed:
            self.stream(_with_failure(self.events(line), self.wire, line), line)
            return
        body = self.whole(line)
        self.wait(line.slow)
        if line.cut is not None and line.cut < 1:
            self.finish(line.cut_how)
        elif line.cut_bytes is None:
            self.send(200, body, line.headers)
        else:
            self.head(200, {"Content-Length": str(len(body)), **line.headers})
            self.write(body[: line.cut_bytes])
            self.finish(line.cut_how)

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        length = {} if "Transfer-Encoding" in (headers or {}) else {"Content-Length": str(len(body))}
        self.head(status, length | dict(headers or {}))
        if self.asked.method != "HEAD":
            self.write(body)

    def head(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send the first line and the headers; without a length or an encoding, the connection ends the body."""
        self._handler.send_response(status)
        found = {"Content-Type": "application/json", **self.wire.headers, **(headers or {})}
        for key, value in found.items():
            self._handler.send_header(key, value)
        if not any(k.lower() in ("content-length", "transfer-encoding") for k in found) and status >= 200:
            self._handler.send_header("Connection", "close")
            self._handler.close_connection = True
        self._handler.end_headers()

    def stream_head(self) -> None:
        """Send the headers of a stream."""
        headers = {"Content-Type": self.wire.content_type, "Transfer-Encoding": "chunked"}
        self.head(200, headers | dict(self.line.headers))

    def stream(self, events: Iterable[bytes], line: Line | None = None) -> None:
        """Send events as a stream, cut and slow as the line says."""
        line = line or self.line
        self.stream_head()
        if line.torn:
            whole = b"".join(events)
            events = [whole[at : at + line.torn] for at in range(0, len(whole), line.torn)]
        sent = 0
        for number, event in enumerate(events):
            if line.cut is not None and number >= line.cut:
                self.finish(line.cut_how)
                return
            if line.slow and number % max(line.slow_every, 1) == 0:
                self.wait(line.slow)
            if line.cut_bytes is not None and sent + len(event) >= line.cut_bytes:
                if rest := event[: line.cut_bytes - sent]:
                    self.chunk(rest)
                self.finish(line.cut_how)
                return
            self.chunk(event)
            sent += len(event)
        self.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        """Send a chunk of a stream."""
        self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def write(self, data: bytes) -> None:
        """Put bytes on the socket as they are."""
        try:
            self._handler.wfile.write(data)
        except OSError as error:
            raise Gone from error
        self._sent += len(data)

    def wait(self, seconds: float) -> None:
        """Wait, and raise `Gone` as soon as the client goes away or the stand-in is closed."""
        if seconds <= 0:
            return
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as watched:
            watched.register(self._closing, selectors.EVENT_READ)
            try:
                watched.register(self.socket, selectors.EVENT_READ)
            except (OSError, ValueError) as error:
                raise Gone from error
            while (left := until - time.monotonic()) > 0:
                for key, _events in watched.select(left):
                    if key.fileobj is self._closing:
                        raise Gone
                    if self._client_left():
                        raise Gone
                    watched.unregister(self.socket)  # the next request, sent early: it waits its turn

    def finish(self, how: str) -> None:
        """End the answer before its time: "close", "reset", or "clean" as if all had been sent."""
        if how == "reset":
            self.reset()
        elif how == "clean":
            self.write(b"0\r\n\r\n")
        else:
            self.close()

    def close(self) -> None:
        """End the connection; a stream then lacks its last chunk."""
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._handler.close_connection = True
        with contextlib.suppress(OSError):
            # To linger for no time at all is what makes a reset of a close.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    def _client_left(self) -> bool:
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


def _with_failure(events: list[bytes], wire: Wire, line: Line) -> list[bytes]:
    if line.fail_after is None:
        return events
    return [*events[: line.fail_after], wire.error_event(line.code, line.message)]
