"""The server: takes a request, finds the answer in the script, and sends it in the wire format of the path."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

from agentsdk.testing.standin.script import Line, Script
from agentsdk.testing.standin.wires import DashScopeWire, OllamaWire, OpenAIWire, Wire

SERVER_NAME = "agentsdk-standin"
"""What it calls itself in every answer's Server header: a recording knows by it that no provider was asked."""

MODEL = "standin"
"""The one model that it lists."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came in. Headers that hold keys are left out."""

    path: str
    headers: Mapping[str, str]
    body: Any


class Standin:
    """A provider for tests.

        with Standin() as server:
            server.call("calculator", expression="1+1")
            server.say("It is 2.")
            model = connect("openai:gpt-4o-mini", base_url=server.url("openai"), api_key="test")

    Answers are given in the order in which they were added, whatever protocol asks; an answer added by
    `when="..."` is given, again and again, to every request whose last message holds that text.
    """

    def __init__(self) -> None:
        self._script = Script()
        self.requests: list[Seen] = []
        """What was asked, in order."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="standin", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, provider: Literal["openai", "ollama", "dashscope"]) -> str:
        """Return the base URL for a provider's protocol."""
        port = self._server.server_address[1]
        path = {"openai": "/v1", "ollama": "", "dashscope": "/api/v1"}[provider]
        return f"http://127.0.0.1:{port}{path}"

    def say(self, text: str, *, reasoning: str = "", finish: str = "", when: str | None = None) -> Self:
        """Answer with a text."""
        self._script.add(Line(text, reasoning=reasoning, finish=finish), when)
        return self

    def call(self, tool: str, /, **arguments: Any) -> Self:
        """Answer with one tool call."""
        return self.calls((tool, arguments))

    def calls(
        self, *calls: tuple[str, Mapping[str, Any]], text: str = "", finish: str = "", when: str | None = None
    ) -> Self:
        """Answer with several tool calls: `calls(("add", {"a": 1}), ("clock", {}))`."""
        self._script.add(Line(text, calls, finish=finish), when)
        return self

    def fault(
        self, status: int, *, code: str = "", message: str = "fault by script", retry_after: float | None = None
    ) -> Self:
        """Answer with an error, in the form of the provider that is asked."""
        self._script.add(Line(status=status, code=code, message=message, retry_after=retry_after), None)
        return self

    def raw(self, body: bytes) -> Self:
        """Answer 200 with these bytes, whatever was asked."""
        self._script.add(Line(raw=body), None)
        return self

    def cut(self, after: int) -> Self:
        """Close the connection after so many events of the answer added last."""
        self._script.change_last(None, cut=after)
        return self

    def slow(self, seconds: float) -> Self:
        """Wait so long before each event of the answer added last."""
        self._script.change_last(None, slow=seconds)
        return self

    def _answer(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        path = handler.path.split("?")[0]
        headers = {
            k.lower(): v for k, v in handler.headers.items() if k.lower() not in ("authorization", "api-key")
        }
        self.requests.append(Seen(path, headers, body))
        wire, streamed = _wire_of(path, headers, body)
        if wire is None:
            _send(handler, 404, b'{"error":"the stand-in does not know this path"}')
            return
        line = self._script.take(_last_text(body))
        if line.raw is not None:
            _send(handler, 200, line.raw)
        elif line.status != 200:
            extra = {} if line.retry_after is None else {"Retry-After": f"{line.retry_after:g}"}
            _send(handler, line.status, wire.fault(line), extra)
        elif streamed:
            _stream(handler, wire.events(body, line), wire.content_type, line)
        else:
            time.sleep(line.slow)
            _send(handler, 200, wire.whole(body, line))


def _wire_of(path: str, headers: Mapping[str, str], body: Any) -> tuple[Wire | None, bool]:
    if path.endswith("/chat/completions"):
        return OpenAIWire(), bool(body.get("stream"))
    if path.endswith("/api/chat"):
        return OllamaWire(), body.get("stream", True)
    if path.endswith("-generation/generation"):
        return DashScopeWire(parts="/multimodal" in path), headers.get("x-dashscope-sse") == "enable"
    return None, False


def _last_text(body: Any) -> str:
    messages = body.get("messages") or (body.get("input") or {}).get("messages") or []
    content = messages[-1].get("content") if messages else ""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, extra: Mapping[str, str] | None = None
) -> None:
    handler.send_response(status)
    for key, value in {"Content-Type": "application/json", **(extra or {})}.items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _stream(handler: BaseHTTPRequestHandler, events: list[bytes], content_type: str, line: Line) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for number, event in enumerate(events):
        if line.cut is not None and number >= line.cut:
            # A cut is a reset and not a clean end: the last chunk never comes.
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        time.sleep(line.slow)
        handler.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        handler.wfile.flush()
    handler.wfile.write(b"0\r\n\r\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in the middle is part of many tests."""


def _handler(standin: Standin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = SERVER_NAME
        sys_version = ""

        def do_POST(self) -> None:  # the name that http.server calls
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body = json.loads(raw)
            except ValueError:
                _send(self, 400, b'{"error":{"message":"the body is not JSON"}}')
                return
            if self.path.endswith("/api/show"):
                _send(self, 200, _SHOW)
                return
            standin._answer(self, body)  # noqa: SLF001  # the handler is the stand-in's own

        def do_GET(self) -> None:  # the name that http.server calls
            found = _LISTS.get(self.path)
            _send(self, 200 if found else 404, found or b'{"error":"not found"}')

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on stderr."""

    return Handler


_LISTS = {
    "/v1/models": json.dumps(
        {
            "object": "list",
            "data": [{"id": MODEL, "object": "model", "created": 1_700_000_000, "owned_by": "standin"}],
        }
    ).encode(),
    "/api/version": b'{"version":"0.17.1"}',
    "/api/tags": json.dumps(
        {"models": [{"name": f"{MODEL}:latest", "model": f"{MODEL}:latest", "size": 1}]}
    ).encode(),
}
_SHOW = json.dumps(
    {
        "capabilities": ["completion", "tools"],
        "details": {"family": "standin"},
        "model_info": {"standin.context_length": 131072},
    }
).encode()
