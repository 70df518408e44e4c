"""Delivers a recorded answer through the adapter of its protocol, cut as one likes, and says what came out as a line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from types import ModuleType
from typing import Any

import httpx
import httpx2

from agentsdk.errors import AgentError, EmptyResponse, ModelError
from agentsdk.messages import Message
from agentsdk.models.exchange import WireModel
from agentsdk.models.model import CallDelta, Prepared, ReasoningDelta, Reply, Restated, TextDelta, ToolSpec
from tests.conformance.folder import Exchange
from tests.conformance.offer import Offered, offered
from tests.conformance.protocol import Protocol, events_of, protocol_of, streamed

SECONDS = 20.0
"""Deadline of one delivery. It all lies in memory: only a loop without an end comes here."""


class Delivery:
    """What the transport gives out: a status, headers, and the body in the chunks that are wanted."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = dict(headers)
        self.chunks: list[bytes] = []
        self.requests = 0
        self.answered = False
        """Whether the recorded answer was given, and was one."""

    def transport(self, library: ModuleType) -> Any:
        """Return a transport for httpx or httpx2, which name their parts alike."""
        delivery = self

        class Stream(library.AsyncByteStream):  # type: ignore[misc,name-defined]  # one of the two libraries
            async def __aiter__(self) -> AsyncIterator[bytes]:
                for chunk in delivery.chunks:
                    yield chunk

        class Transport(library.AsyncBaseTransport):  # type: ignore[misc,name-defined]  # one of the two libraries
            async def handle_async_request(self, request: Any) -> Any:
                if request.method == "GET":  # of the server itself, such as its window: nothing was recorded
                    return library.Response(404, json={"error": "not recorded"}, request=request)
                delivery.requests += 1
                if request.method == "GET" or request.url.path.endswith("/api/show"):
                    # What the server is and has was not recorded; the answer is for the chat alone.
                    return library.Response(404, json={"error": "not recorded"}, request=request)
                if delivery.answered:
                    # One answer was recorded: an adapter that asks once more for a better one finds nobody.
                    return library.Response(503, json={"error": "asked again"}, request=request)
                delivery.answered = delivery.status == 200
                return library.Response(
                    delivery.status, headers=delivery.headers, stream=Stream(), request=request
                )

        return Transport()


class Replay:
    """One exchange, ready to be delivered any number of times.

    Args:
        exchange: what was recorded.
        protocol: another protocol than the exchange's own, for errors of what no chat adapter is for.

    """

    def __init__(self, exchange: Exchange, protocol: Protocol | None = None) -> None:
        self.exchange = exchange
        self.protocol = protocol or protocol_of(exchange)
        self.streamed = streamed(exchange)
        self.offer = offered(exchange)
        self._delivery = Delivery(exchange.status, exchange.headers)
        self._model = _connect(self.protocol, exchange, self._delivery)
        self._request = _request(exchange, self.protocol, self.offer, stream=self.streamed)

    async def deliver(self, cut: int | None = None, *, truncated: bool = False) -> dict[str, Any]:
        """Return the line for one delivery: whole, in two chunks, or with its end missing."""
        body = self.exchange.body
        if truncated:
            self._delivery.chunks = [body[:cut]]
        else:
            self._delivery.chunks = [body] if cut is None else [body[:cut], body[cut:]]
        line = head(self.exchange, "chat", cut) | {
            "streamed": self.streamed,
            "protocol": self.protocol,
            "offer": self.offer.source,
            "offered": list(self.offer.tools),
            "choice": self.offer.choice,
        }
        if truncated:
            line["mode"] = "truncated"
        return line | await self._run(with_deltas=cut is None or truncated)

    async def _run(self, *, with_deltas: bool) -> dict[str, Any]:
        self._delivery.requests, self._delivery.answered = 0, False
        said: list[str] = []
        thought: list[str] = []
        calls: dict[int, dict[str, str]] = {}
        reply: Reply | None = None
        try:
            if self.streamed:
                async for piece in self._model.stream(self._request):
                    match piece:
                        case TextDelta(text):
                            said.append(text)
                        case ReasoningDelta(text):
                            thought.append(text)
                        case CallDelta(index, name, arguments):
                            call = calls.setdefault(index, {"name": "", "arguments": ""})
                            call["name"] += name
                            call["arguments"] += arguments
                        case Restated(text):  # what was shown as said so far was thought
                            said.clear()
                            thought.append(text)
                        case Reply():
                            reply = piece
            else:
                reply = await self._model.complete(self._request)
        except Exception as error:  # whatever it is, it is told and judged
            result = empty() | _before(error, said, thought) | {"error": told(error)}
        else:
            assert reply is not None
            result = _result(reply)
        if self.streamed and with_deltas:
            result["deltas"] = {
                "text": "".join(said),
                "reasoning": "".join(thought),
                "calls": list(calls.values()),
            }
        return result | {"requests": self._delivery.requests}


def head(exchange: Any, kind: str, cut: int | None = None) -> dict[str, Any]:
    """Return how every line begins."""
    return {
        "file": exchange.file,
        "index": exchange.index,
        "provider": exchange.provider,
        "cut": cut,
        "kind": kind,
    }


def empty() -> dict[str, Any]:
    """Return the result of a delivery that brought nothing."""
    return {
        "calls": [],
        "invalid_calls": [],
        "text": "",
        "reasoning": "",
        "usage": None,
        "finish": None,
        "error": None,
    }


def told(error: BaseException) -> dict[str, Any]:
    """Return an error as a line has it; one that is none of ours by its full name."""
    kind = type(error)
    ours = isinstance(error, AgentError)
    return {
        "type": kind.__name__ if ours else f"{kind.__module__}.{kind.__qualname__}",
        "message": f"{error.what} {error.why}".strip() if isinstance(error, AgentError) else str(error)[:500],
        "code": getattr(error, "code", None) if ours else None,
        "status": getattr(error, "status", None) if ours else None,
        "retry_after": getattr(error, "retry_after", None) if ours else None,
        "partial": _plain(getattr(error, "partial", None)) if ours else None,
    }


def _before(error: Exception, said: list[str], thought: list[str]) -> dict[str, Any]:
    """Return what had come before an error: as the error has it, else as it was streamed."""
    result: dict[str, Any] = {"text": "".join(said), "reasoning": "".join(thought)}
    if not isinstance(error, ModelError):
        return result
    if isinstance(error.received, Message):
        result["text"], result["reasoning"] = error.received.text, error.received.reasoning
        result["invalid_calls"] = _broken(error.received)
    elif isinstance(error, EmptyResponse):
        result["reasoning"] = error.partial or ""  # all that came was thought
    return result | {"usage": _usage(getattr(error, "usage", None))}


def _broken(message: Message) -> list[dict[str, str]]:
    return [{"id": c.id, "name": c.name, "raw": c.raw, "fault": c.fault} for c in message.broken_calls]


def _result(reply: Reply) -> dict[str, Any]:
    message = reply.message
    return {
        "calls": [{"id": c.id, "name": c.name, "arguments": _plain(c.arguments)} for c in message.calls],
        "invalid_calls": _broken(message),
        "text": message.text,
        "reasoning": message.reasoning,
        "usage": _usage(reply.usage),
        "finish": reply.finish,
        "error": None,
        "model": reply.model,
        "refused": reply.refused,
        "repairs": [{"kind": r.kind, "detail": r.detail} for r in message.repairs],
    }


def _usage(usage: Any) -> dict[str, int] | None:
    if usage is None or not usage.tokens:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has not, as text."""
    return json.loads(json.dumps(value, default=str))


def _request(exchange: Exchange, protocol: Protocol, offer: Offered, *, stream: bool) -> Prepared:
    """Return the recorded request: its body as it was sent, and beside it what it offers."""
    talk = "input" if protocol == "responses" else "messages"
    body = _without_media(exchange.asked or {"model": "recorded", talk: [], "stream": stream})
    return Prepared(
        messages=(Message.user("recorded"),),
        tools=tuple(ToolSpec(name, "", schema) for name, schema in offer.tools.items()),
        tool_choice=offer.choice,
        output_schema=offer.output_schema,
        parallel=offer.parallel,
        body=body,
    )


_MEDIA = {"image_url", "input_image", "input_audio", "audio_url", "video_url", "file", "input_file"}


def _without_media(value: Any) -> Any:
    """Return a request without its pictures and the like: its answer is here, and nothing is to be fetched or refused."""
    if isinstance(value, Mapping):
        return {k: _without_media(v) for k, v in value.items() if k != "images"}
    if isinstance(value, list):
        return [_without_media(v) for v in value if not (isinstance(v, Mapping) and _shows(v))]
    return value


def _shows(part: Mapping[str, Any]) -> bool:
    if isinstance(kind := part.get("type"), str):
        return kind in _MEDIA
    return len(part) <= 3 and any(
        isinstance(part.get(name), (str, list)) for name in ("image", "audio", "video")
    )


def _connect(protocol: Protocol, exchange: Exchange, delivery: Delivery) -> WireModel:
    """Return the adapter of a protocol, with a client that is given the recorded answer and nothing else."""
    name = _model_name(exchange)
    if protocol == "ollama":
        from agentsdk.models.ollama import OllamaModel

        client = httpx.AsyncClient(transport=delivery.transport(httpx))
        return OllamaModel(name, base_url="http://localhost:11434", timeout=SECONDS, http_client=client)
    if protocol == "dashscope":
        from agentsdk.models.dashscope import DashScopeModel

        url = "https://dashscope.aliyuncs.com/api/v1"
        client = httpx.AsyncClient(transport=delivery.transport(httpx), base_url=url + "/")
        return DashScopeModel(name, "none", base_url=url, timeout=SECONDS, http_client=client)
    if protocol in ("openai", "responses"):
        from agentsdk.models.openai import OpenAIModel

        url = exchange.url.partition("?")[0].rstrip("/")
        url = url.removesuffix("/chat/completions").removesuffix("/responses")
        client2 = httpx2.AsyncClient(transport=delivery.transport(httpx2))
        return OpenAIModel(
            name, "none", base_url=url or "http://localhost:8000/v1", timeout=SECONDS, http_client=client2
        )
    raise LookupError(protocol)


def _model_name(exchange: Exchange) -> str:
    asked = (exchange.asked or {}).get("model")
    if isinstance(asked, str) and asked:
        return asked
    for event in events_of(exchange.body):
        said = event.get("model") or (
            event.get("response") or {} if isinstance(event.get("response"), dict) else {}
        ).get("model")
        if isinstance(said, str) and said:
            return said
    return "recorded"
