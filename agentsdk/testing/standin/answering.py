"""Answers one request: reads it, tells a probe what it asks, refuses what a provider would, and plays the script."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from agentsdk.testing.standin.asked import Asked, messages_of
from agentsdk.testing.standin.chat import ChatWire
from agentsdk.testing.standin.dashscope import DashScopeWire
from agentsdk.testing.standin.demands import Refused, demanded
from agentsdk.testing.standin.embeddings import ENDPOINTS, Endpoint
from agentsdk.testing.standin.exchange import Exchange, Gone
from agentsdk.testing.standin.flavours import FLAVOURS, Flavour
from agentsdk.testing.standin.judging import judge, judge_calls
from agentsdk.testing.standin.loose import mapping
from agentsdk.testing.standin.ollama import OllamaWire
from agentsdk.testing.standin.responses import ResponsesWire
from agentsdk.testing.standin.script import Line
from agentsdk.testing.standin.served import MODEL, PROBES, ServedModel, find, fitted
from agentsdk.testing.standin.wire import Wire

if TYPE_CHECKING:
    from agentsdk.testing.standin.server import Standin

_SECRET = ("authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "proxy-authorization")
"""Headers that hold keys."""


def answer(standin: Standin, handler: BaseHTTPRequestHandler, closing: socket.socket) -> None:
    """Answer a request."""
    path = handler.path.split("?")[0]
    headers = {k.lower(): v for k, v in handler.headers.items() if k.lower() not in _SECRET}
    body, broken = _body(handler)
    flavour, rest = _flavour_of(path, standin.flavour)
    protocol, wire, streamed = _wire_of(rest, headers, body, flavour)
    endpoint = ENDPOINTS.get(rest) if handler.command == "POST" else None
    if endpoint is not None:
        protocol, wire = "embeddings", endpoint.wire(flavour)
        texts = endpoint.texts(body) or []
        messages: tuple[Mapping[str, Any], ...] = tuple({"role": "user", "content": t} for t in texts)
    else:
        messages = messages_of(body, protocol)
    asked = Asked(path, headers, body, handler.command, time.monotonic(), protocol, streamed, messages)
    exchange = Exchange(handler, closing, asked, wire or ChatWire(flavour), Line())
    try:
        if broken:
            _refuse(exchange, Refused(400, "invalid_json", "The body is not JSON."))
        elif endpoint is not None:
            _embed(standin, exchange, endpoint, flavour)
        elif wire is not None and handler.command == "POST":
            _play(standin, exchange, flavour)
        else:
            _tell(standin, exchange, flavour, rest)
    except (Gone, OSError):
        handler.close_connection = True
    except Exception as error:
        # A function of the script, most likely: the client learns of it, and the test when the stand-in closes.
        standin.errors.append(error)
        handler.close_connection = True
        with contextlib.suppress(Gone, OSError):
            said = f"What the stand-in was to do has failed: {type(error).__name__}: {error}"
            exchange.send(500, exchange.wire.error(500, "standin_failed", said))


def _body(handler: BaseHTTPRequestHandler) -> tuple[Any, bool]:
    """Return the body, and whether it is broken."""
    try:
        raw = _read(handler)
        return (json.loads(raw) if raw else None), False
    except (ValueError, RecursionError):
        handler.close_connection = True
        return None, True


def _play(standin: Standin, exchange: Exchange, flavour: Flavour) -> None:
    models = standin.models or [ServedModel(MODEL)]
    exchange.asked = asked = fitted(exchange.asked, find(models, exchange.asked.model))
    standin.requests.append(asked)
    refused = (demanded(asked) if standin.check else None) or judge(asked, flavour, models)
    if refused is None and isinstance(exchange.wire, OllamaWire) and not asked.messages:
        exchange.send(200, exchange.wire.loaded(asked))
        return
    if refused is None:
        line = exchange.line = standin.script.take(asked)
        if flavour.checks_calls and asked.protocol == "chat" and standin.check:
            refused = judge_calls(asked, line)
    if refused is not None:
        _refuse(exchange, refused)
        return
    if not _did_otherwise(exchange, line):
        exchange.answer()


def _embed(standin: Standin, exchange: Exchange, endpoint: Endpoint, flavour: Flavour) -> None:
    """Answer with vectors. The row of the script is for conversations: here only its rules count."""
    asked = exchange.asked
    standin.requests.append(asked)
    refused = endpoint.refused(asked.body, flavour, standin.models or [ServedModel(MODEL)])
    if refused is not None and standin.check:
        _refuse(exchange, refused)
        return
    line = exchange.line = standin.script.ruled(asked) or Line()
    if not _did_otherwise(exchange, line):
        exchange.wait(line.slow_first or line.slow)
        exchange.send(200, endpoint.answer(asked.body), line.headers)


def _did_otherwise(exchange: Exchange, line: Line) -> bool:
    """Do what a line says instead of a good answer, and return whether it says anything of the kind."""
    if line.fault is not None:
        line.fault(exchange)
    elif line.raw is not None:
        exchange.wait(line.slow_first or line.slow)
        headers = {"Content-Type": line.content_type or "application/json", **line.headers}
        exchange.send(line.status, line.raw, headers)
    elif line.status != 200:
        exchange.wait(line.slow_first or line.slow)
        extra = {} if line.retry_after is None else {"Retry-After": _number(line.retry_after)}
        error = exchange.wire.error(line.status, line.code, line.message)
        exchange.send(line.status, error, extra | dict(line.headers))
    else:
        return False
    return True


def _refuse(exchange: Exchange, refused: Refused) -> None:
    wire = exchange.wire
    if refused.code == "tool_use_failed" and exchange.streamed:  # it has begun to answer when it finds out
        events = exchange.events(replace(exchange.line, calls=()))
        last = wire.error_event(
            refused.code, refused.message, more={**refused.more, "status_code": refused.status}
        )
        exchange.stream([*events[:-2], last])
        return
    body = wire.error(refused.status, refused.code, refused.message, param=refused.param, more=refused.more)
    exchange.send(refused.status, body)


def _tell(standin: Standin, exchange: Exchange, flavour: Flavour, path: str) -> None:
    """Answer a request that asks no model: what the server is, and what it has."""
    models = standin.models or [ServedModel(MODEL)]
    probe = PROBES.get(f"{path} {flavour.name}") or PROBES.get(path)
    if path in flavour.probes and probe is not None:
        status, body = probe(models, exchange.asked.body)
        exchange.send(status, body)
        return
    paths = sorted(
        {*flavour.probes, "/v1/chat/completions", "/v1/responses", "/api/chat", *_DASHSCOPE, *ENDPOINTS}
    )
    said = f"The stand-in has nothing at {exchange.asked.method} {exchange.asked.path}. There are: {', '.join(paths)}."
    exchange.send(404, exchange.wire.error(404, "not_found", said))


_DASHSCOPE = (
    "/api/v1/services/aigc/text-generation/generation",
    "/api/v1/services/aigc/multimodal-generation/generation",
)


def _flavour_of(path: str, own: Flavour) -> tuple[Flavour, str]:
    """Return the server that a path means, and the path without its beginning."""
    for flavour in FLAVOURS.values():
        if flavour.prefix and path.startswith(flavour.prefix + "/"):
            return flavour, path.removeprefix(flavour.prefix)
    return own, path


def _wire_of(
    path: str, headers: Mapping[str, str], body: Any, flavour: Flavour
) -> tuple[str, Wire | None, bool]:
    given = mapping(body)
    if path.endswith("/chat/completions"):
        return "chat", ChatWire(flavour), bool(given.get("stream"))
    if path.endswith("/responses"):
        return "responses", ResponsesWire(), bool(given.get("stream"))
    if path.endswith("/api/chat"):
        return "ollama", OllamaWire(), bool(given.get("stream", True))
    if path.endswith("-generation/generation"):
        return "dashscope", DashScopeWire("/multimodal" in path), headers.get("x-dashscope-sse") == "enable"
    return "", None, False


def _read(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0] or b"0", 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    while handler.rfile.readline().strip():
        pass
    return body


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
