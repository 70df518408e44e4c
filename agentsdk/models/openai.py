"""OpenAI's two protocols, and every server that speaks one: LM Studio, vLLM, llama.cpp, MindIE and others.

They are written and read in chat_completions.py and responses.py; here is what they have in common. Which of them a
model is asked by stands in its family's profile, for OpenAI's own server; other servers are asked by Chat Completions
unless told otherwise. A model that turns out to live on the other one only is asked there from then on.

The official client carries the request through its public low-level `post`: the typed call costs twice the CPU and
gives nothing that is needed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from agentsdk.errors import AgentError, InvalidRequest, ModelNotFound
from agentsdk.media import MediaKind
from agentsdk.models import chat_completions, faults, lessons, responses, wire
from agentsdk.models.attached import CHAT_ADDRESSES, RESPONSES_ADDRESSES
from agentsdk.models.collect import Collector
from agentsdk.models.emulate import ToolsMode
from agentsdk.models.exchange import Again, WireModel
from agentsdk.models.facts import Served
from agentsdk.models.framing import sse_data
from agentsdk.models.http import Deadline, Limits, One, client_of_loop, new_client
from agentsdk.models.learned import Learning
from agentsdk.models.model import Delta, Prepared, Request
from agentsdk.models.probe import root_of
from agentsdk.models.profiles import Server, server_of
from agentsdk.models.refused import is_refusal
from agentsdk.models.remembered import Remembered

_URL = "https://api.openai.com/v1"

Api = Literal["chat", "responses"]

_DONE = object()
"""The event of a stream that says no more than that it ends."""

_apis = Remembered[Api]()
"""The one of the two protocols that it lives on, as learned. A wrong guess costs one refusal."""

_ELSEWHERE: dict[Api, re.Pattern[str]] = {
    "chat": re.compile(r"v1/responses|not a chat model|not accessible via the /chat/completions"),
    "responses": re.compile(
        r"v1/chat/completions|not supported (?:in|with|by) the responses api|cannot be used with the responses api",
        re.IGNORECASE,
    ),
}
"""What a server says of a model that has to be asked by the other protocol; of newer ones, when they have tools."""


class OpenAIModel(WireModel):
    """A model behind `/chat/completions` or `/responses`.

    Args:
        model: the server's name for it, such as "gpt-4o-mini".
        api_key: the key; any text for a server that asks for none.
        base_url: another server, with its "/v1".
        timeout: seconds that one call may take in all.
        http_client: the client to send with, for a proxy or a certificate of one's own; else one an event loop.
        client: gives the client of the running event loop, with its key and address; instead of `http_client`.
        server: what the server accepts; else told from its address.
        api: "chat" or "responses": the protocol to ask by, and no other; else by the model.
        tools: how the model is told of tools; see `WireModel`.

    """

    provider = "openai"

    def __init__(
        self,
        model: str,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float | Limits = 120.0,
        http_client: httpx2.AsyncClient | None = None,
        client: Callable[[], AsyncOpenAI] | None = None,
        server: Server | None = None,
        api: Api | None = None,
        tools: ToolsMode = "auto",
    ) -> None:
        super().__init__(model, timeout, tools)
        self._make = client
        self._http = http_client
        self._key = api_key
        self._url = (base_url or _URL).rstrip("/")
        self._server = server or server_of(self._url)
        self._api = api

    @property
    def api(self) -> Api:
        """The protocol that the next request is written in."""
        if self._api is not None:
            return self._api
        own = self._family.api if self._server.responses else "chat"
        return _apis.get((self._url, self._model)) or own

    @property
    def served(self) -> Served:
        """The model, where it is served, and by what."""
        return Served(self._model, self._url, self._server, self._fetch)

    async def _fetch(self, path: str, body: Any) -> Any:
        client = self._client()
        url = root_of(self._url) + path
        if body is None:
            return await client.get(url, cast_to=object)
        return await client.post(url, cast_to=object, body=body)

    async def post(self, path: str, body: dict[str, Any], seconds: float) -> Any:
        """Return as JSON what the server answers to a body at another of its paths; errors as `complete`."""
        deadline = Deadline(self.name, self._limits, seconds)
        try:
            answer = await deadline.within(self._client().post(self._url + path, cast_to=object, body=body))
            return json.loads(answer) if isinstance(answer, str) else answer
        except Exception as error:
            fault = self.fault(error, "")
            if fault is error:
                raise
            raise fault from error

    @asynccontextmanager
    async def open(
        self, body: dict[str, Any], *, stream: bool, deadline: Deadline
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """Send a body and give the events of the answer."""
        client = self._client()
        path = responses.PATH if _is_responses(body) else chat_completions.PATH
        if self._make is None:
            path = self._url + path  # in full: the client takes longer to put the two together
        if not stream:
            answer = await deadline.within(client.post(path, cast_to=object, body=body))
            yield One(json.loads(answer) if isinstance(answer, str) else answer)  # text: its type is another
            return
        events = await deadline.within(
            client.post(path, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object])
        )
        async with events:
            yield _events(events.response)

    def _client(self) -> AsyncOpenAI:
        if self._make is not None:
            return self._make()

        def make() -> AsyncOpenAI:
            return AsyncOpenAI(
                api_key=self._key,
                base_url=self._url,
                max_retries=0,  # Retrying is the only layer that tries again
                timeout=httpx2.Timeout(None, connect=10.0),  # Deadline bounds the rest
                http_client=self._http or new_client(httpx2),
            )

        if self._http is not None:
            return make()
        return client_of_loop(("openai", self._url, self._key), make)

    def addresses(self) -> frozenset[MediaKind]:
        """Return what the protocol takes by its address."""
        return RESPONSES_ADDRESSES if self.api == "responses" else CHAT_ADDRESSES

    def body(self, request: Request, *, stream: bool) -> dict[str, Any]:
        """Return a request in the protocol that the model is asked by."""
        if self.api == "responses":
            return responses.write(request, self._model, self._family, self._server, stream=stream)
        return chat_completions.write(request, self._model, self._family, self._server, stream=stream)

    def fit(self, body: dict[str, Any], known: Learning, *, stream: bool) -> tuple[dict[str, Any], list[str]]:
        """Return a body as this server takes it, as far as it has said so."""
        body, changes = lessons.fitted(body, known)
        if stream and not body.get("stream"):  # prepared for a plain answer
            body = {**body, "stream": True}
        elif not stream and body.get("stream"):
            body = {k: v for k, v in body.items() if k not in ("stream", "stream_options")}
        return body, changes

    def streams(self, request: Request, known: Learning, *, wanted: bool) -> bool:
        """Return whether a stream is asked for: where a model thinks, some servers answer in no other way."""
        if wanted:
            return True
        if self._server.thinks_in_streams:
            if isinstance(request, Prepared):
                asked = request.body.get("enable_thinking")
            else:
                asked = wire.unforced(request, self._family, self._server).thinking
            return wire.thinks(asked, self._family) or self._family.stream_only
        return lessons.streams_only(known)

    def left_out(self, request: Request, written: Mapping[str, Any]) -> Sequence[str]:
        """Return which of the settings of a request the model, or its protocol, does not take."""
        if isinstance(request, Prepared):
            return request.left_out
        return wire.left_out(
            {"temperature": request.temperature, "top_p": request.top_p, "seed": request.seed}, written
        )

    def unsent(self, request: Request, body: Mapping[str, Any]) -> Sequence[str]:
        """Return the stop strings that the model does not take."""
        return () if "stop" in body else request.stop

    def take(self, event: Any, answer: Collector, *, stream: bool) -> Iterator[Delta]:
        """Take an answer, or an event of a stream, in."""
        if event is _DONE:
            answer.marked = not _is_responses(answer.asked)  # there an event of its own ends an answer
            return iter(())
        if _is_responses(answer.asked):
            origin = {"server": self._server.name, "model": self._model}
            return responses.read(event, answer, origin, name=self.name, stream=stream)
        return chat_completions.read(event, answer, name=self.name, stream=stream)

    def again(
        self, error: AgentError, request: Request, body: Mapping[str, Any], known: Learning, tried: int
    ) -> Again:
        """Ask once more by the other protocol, or without a parameter, where the server says that it has to be so."""
        if not isinstance(error, InvalidRequest | ModelNotFound):
            return ""
        asked: Api = "responses" if _is_responses(body) else "chat"
        other: Api = "chat" if asked == "responses" else "responses"
        if (
            self._api is None
            and tried == 1  # else two refusals might send it to and fro
            and not isinstance(request, Prepared)
            and _ELSEWHERE[asked].search(error.why)
        ):
            _apis.set((self._url, self._model), other)
            return "same"
        streamed = bool(body.get("stream"))
        return "same" if is_refusal(error) and lessons.learn(error.why, body, known, streamed=streamed) else ""

    def fault(self, error: Exception, partial: str) -> AgentError:
        """Return the error of ours for one of the client's."""
        if isinstance(error, AgentError):
            return faults.with_partial(error, partial)
        if isinstance(error, openai.APIStatusError):
            body = error.body if error.body is not None else error.response.text
            return faults.from_status(
                error.status_code, body, error.response.headers, model=self.name, partial=partial
            )
        if isinstance(error, openai.APIConnectionError | httpx2.TransportError | OSError):
            return faults.unreachable(self.name, self._url, error, partial)
        if isinstance(error, openai.APIError) and error.body is not None:
            return faults.from_status(None, error.body, None, model=self.name, partial=partial)
        return faults.unreadable(self.name, error, partial)


async def _events(response: httpx2.Response) -> AsyncIterator[Any]:
    """Yield the events of a stream: the client's own reader holds a line of any length and reads JSON no faster."""
    chunks: AsyncIterator[bytes] = response.aiter_bytes()
    if "json" in response.headers.get("content-type", ""):
        body = await response.aread()
        if body.lstrip().startswith(b"{"):  # a plain answer to a request for a stream
            whole = json.loads(body)
            kept = whole.get("object") == "response"
            yield {"type": f"response.{whole.get('status')}", "response": whole} if kept else whole
            return
        chunks = One(body)
    async for data in sse_data(chunks, end="[DONE]", marked=True):
        yield _DONE if data == "[DONE]" else json.loads(data)


def _is_responses(body: Mapping[str, Any]) -> bool:
    """Whether a body is written for Responses: only there the conversation is called `input`, or a kept `prompt`."""
    return "input" in body or "prompt" in body
