"""DashScope's own protocol, on the transport of the official 2.0 client.

`Generation.call` of the 1.x client raises a TypeError on a business error and is not used. The typed calls of the
2.0 client leak an SSE error where a stream is answered with plain JSON; its transport, which is public, does not.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import dashscope
import httpx
from dashscope.v2.errors import APIConnectionError, APIStatusError, DashScopeError

from agentsdk.errors import AgentError, InvalidRequest
from agentsdk.media import MediaKind
from agentsdk.messages import Message
from agentsdk.models import faults, lessons
from agentsdk.models.attached import DASHSCOPE_ADDRESSES, dashscope_content
from agentsdk.models.collect import Collector
from agentsdk.models.emulate import ToolsMode
from agentsdk.models.exchange import Again, WireModel
from agentsdk.models.facts import Served
from agentsdk.models.framing import sse_data
from agentsdk.models.http import Deadline, Limits, One, client_of_loop, new_client
from agentsdk.models.learned import Learning
from agentsdk.models.model import Delta, Prepared, Request
from agentsdk.models.profiles import SERVERS
from agentsdk.models.refused import is_refusal
from agentsdk.models.remembered import Remembered
from agentsdk.models.repair.reasoning import reasoning_of
from agentsdk.models.wire import (
    add_logprobs,
    calls_in,
    function_calls,
    function_tools,
    merged,
    offered_by,
    response_format,
    text_of,
    thinks,
    turns_of,
    unforced,
)

_URL = "https://dashscope.aliyuncs.com/api/v1"
TEXT_PATH = "/services/aigc/text-generation/generation"
MULTIMODAL_PATH = "/services/aigc/multimodal-generation/generation"

_paths = Remembered[str]()
"""The one of the two paths that a model lives on, as learned. A wrong guess costs one refused request."""


class DashScopeModel(WireModel):
    """A model of DashScope (Alibaba Cloud Model Studio), such as Qwen.

    Args:
        model: its name, such as "qwen-plus".
        api_key: the key.
        base_url: another region or a stand-in; DASHSCOPE_BASE_URL, else Beijing.
        timeout: seconds that one call may take in all.
        http_client: the client to send with, for a proxy or a certificate of one's own; else one an event loop.
            It carries the address and the key itself, as `base_url` and an Authorization header.
        tools: how the model is told of tools; see `WireModel`.

    """

    provider = "dashscope"

    def __init__(
        self,
        model: str,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float | Limits = 120.0,
        http_client: httpx.AsyncClient | None = None,
        tools: ToolsMode = "auto",
    ) -> None:
        super().__init__(model, timeout, tools)
        self._http = http_client
        self._key = api_key
        self._url = (base_url or os.environ.get("DASHSCOPE_BASE_URL") or _URL).rstrip("/")

    @property
    def served(self) -> Served:
        """The model, where it is served, and by what."""
        return Served(self._model, self._url, SERVERS["dashscope"])

    def addresses(self) -> frozenset[MediaKind]:
        """Return what DashScope takes by its address: all that it takes."""
        return DASHSCOPE_ADDRESSES

    async def post(self, path: str, body: dict[str, Any], seconds: float) -> Any:
        """Return as JSON what the server answers to a body at another of its paths; errors as `complete`."""
        deadline = Deadline(self.name, self._limits, seconds)
        try:
            response = await self._send(body, deadline, path, stream=False)
            try:
                answer = json.loads(await deadline.within(response.aread()))
            finally:
                await response.aclose()
        except Exception as error:
            fault = self.fault(error, "")
            if fault is error:
                raise
            raise fault from error
        if isinstance(answer, dict) and answer.get("code"):  # with status 200 as well
            raise faults.from_status(None, answer, response.headers, model=self.name)
        return answer

    @asynccontextmanager
    async def open(
        self, body: dict[str, Any], *, stream: bool, deadline: Deadline
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """Send a body, by the path that the model lives on, and give the events of the answer."""
        response = await self._find(body, deadline, stream=stream)
        try:
            if stream and "json" not in response.headers.get("content-type", ""):
                yield sse_data(response.aiter_bytes())
            else:  # JSON in answer to a request for a stream is an error, most likely
                yield One(await deadline.within(response.aread()))
        finally:
            await response.aclose()

    async def _find(self, body: dict[str, Any], deadline: Deadline, *, stream: bool) -> httpx.Response:
        path = _paths.get((self._url, self._model)) or (MULTIMODAL_PATH if _holds_media(body) else TEXT_PATH)
        try:
            return await self._send(body, deadline, path, stream=stream)
        except InvalidRequest as error:
            if "url error" not in error.why:
                raise
            other = MULTIMODAL_PATH if path == TEXT_PATH else TEXT_PATH
            response = await self._send(body, deadline, other, stream=stream)
            _paths.set((self._url, self._model), other)
            return response

    async def _send(
        self, body: dict[str, Any], deadline: Deadline, path: str, *, stream: bool
    ) -> httpx.Response:
        try:
            response = await deadline.within(
                self._client().transport.open_stream(
                    "POST",
                    path.lstrip("/"),
                    json=_by_path(body, path),
                    headers={"X-DashScope-SSE": "enable"} if stream else None,
                )
            )
        except APIStatusError as error:
            raise self.fault(error, "") from error
        assert isinstance(response, httpx.Response)
        if response.status_code != 200:  # a redirect: the client lets it through
            await response.aclose()
            raise faults.from_status(response.status_code, "", response.headers, model=self.name)
        return response

    def _client(self) -> dashscope.AsyncClient:
        def make() -> dashscope.AsyncClient:
            http = self._http or new_client(
                httpx, base_url=self._url + "/", headers={"Authorization": f"Bearer {self._key}"}
            )
            return dashscope.AsyncClient(api_key=self._key, base_url=self._url, max_retries=0, http_client=http)

        if self._http is not None:
            return make()
        return client_of_loop(("dashscope", self._url, self._key), make)

    def body(self, request: Request, *, stream: bool) -> dict[str, Any]:  # noqa: ARG002  # said by `fit`
        """Return a request as the text path has it; contents become lists of parts on the other one."""
        server = SERVERS["dashscope"]
        request = unforced(request, self._family, server)
        parameters: dict[str, Any] = {"result_format": "message"}
        tools, choice = offered_by(request, server)
        if tools and choice != "none":
            parameters["tools"] = function_tools(tools, server)
            named = choice != "auto"
            parameters["tool_choice"] = {"type": "function", "function": {"name": choice}} if named else choice
            if request.parallel is not None:
                parameters["parallel_tool_calls"] = request.parallel
        if request.output_schema is not None and (
            form := response_format(request.output_schema, self._family, server)
        ):
            parameters["response_format"] = form
        for name in ("max_tokens", "temperature", "top_p", "seed"):
            if (value := getattr(request, name)) is not None:
                parameters[name] = value
        if request.stop:
            parameters["stop"] = list(request.stop)
        if request.thinking or (request.thinking is False and self._family.thinking == "switch"):
            parameters["enable_thinking"] = bool(request.thinking)
        messages = [_wire(m) for m in turns_of(request.messages, server)]
        body = {"model": self._model, "input": {"messages": messages}, "parameters": parameters}
        # Options are parameters, unless they are named with their place.
        places = {k: v for k, v in request.options.items() if k in ("input", "parameters")}
        rest = {k: v for k, v in request.options.items() if k not in places}
        return merged(merged(body, {"parameters": rest}), places)

    def fit(self, body: dict[str, Any], known: Learning, *, stream: bool) -> tuple[dict[str, Any], list[str]]:
        """Return a body as this server takes it, as far as it has said so."""
        parameters, changes = lessons.fitted(body.get("parameters") or {}, known)
        parameters = {k: v for k, v in parameters.items() if k != "incremental_output"}
        return {**body, "parameters": parameters | ({"incremental_output": True} if stream else {})}, changes

    def streams(self, request: Request, known: Learning, *, wanted: bool) -> bool:
        """Return whether a stream is asked for: a model that thinks is answered in no other way."""
        if wanted or self._family.stream_only or lessons.streams_only(known):
            return True
        if isinstance(request, Prepared):
            asked = (request.body.get("parameters") or {}).get("enable_thinking")
        else:
            asked = unforced(request, self._family, SERVERS["dashscope"]).thinking
        return thinks(asked, self._family)

    def unsent(self, request: Request, body: Mapping[str, Any]) -> Sequence[str]:
        """Return the stop strings that the model does not take."""
        return () if "stop" in body["parameters"] else request.stop

    def again(
        self,
        error: AgentError,
        request: Request,  # noqa: ARG002  # told by the error
        body: Mapping[str, Any],
        known: Learning,
        tried: int,  # noqa: ARG002  # told by the error
    ) -> Again:
        """Ask once more without a parameter, or for a stream, where the server says that it has to be so."""
        if not isinstance(error, InvalidRequest) or not is_refusal(error):
            return ""
        parameters = body["parameters"]
        streamed = "incremental_output" in parameters
        learned = lessons.learn(error.why, parameters, known, streamed=streamed)
        return "same" if learned else ""

    def take(self, line: Any, answer: Collector, *, stream: bool) -> Iterator[Delta]:
        """Take an event of a stream, or a whole answer, in."""
        try:
            event = json.loads(line)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if not isinstance(event, dict):
            raise faults.bad_answer(self.name, f"{type(event).__name__}: {str(event)[:200]}")
        if event.get("code"):
            status = event.get("status_code")
            raise faults.from_status(status if isinstance(status, int) else None, event, None, model=self.name)
        output = event.get("output")
        if event.get("request_id"):
            answer.details["request_id"] = event["request_id"]
        if not isinstance(output, dict):
            raise faults.bad_answer(self.name, json.dumps(event)[:200])
        answer.count(event.get("usage"))
        if output.get("search_info"):
            answer.details["search_info"] = output["search_info"]
        choices = output.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index"):
                continue  # of several answers the first is taken
            message = choice.get("message") or {}
            if not isinstance(message, dict):
                raise faults.bad_answer(self.name, json.dumps(event)[:200])
            if thought := reasoning_of(message):
                yield from answer.reasoning(answer.new_in("reasoning", thought) if stream else thought)
            if content := message.get("content"):
                content = content if isinstance(content, str) else text_of(content)
                # Some models pass over `incremental_output`.
                yield from answer.text(answer.new_in("text", content) if stream else content)
            for at, (index, *call) in enumerate(calls_in(message)):
                # In a whole answer each is a call by itself, with or without an index.
                yield from answer.call(index if stream else at, *call)
            if isinstance(logprobs := choice.get("logprobs"), dict):
                add_logprobs(answer.details, logprobs)
            answer.finished(choice.get("finish_reason"))
        if isinstance(output.get("text"), str) and not output.get("choices"):  # the form before "message"
            yield from answer.text(answer.new_in("text", output["text"]) if stream else output["text"])
            answer.finished(output.get("finish_reason"))

    def fault(self, error: Exception, partial: str) -> AgentError:
        """Return the error of ours for one of the client's."""
        if isinstance(error, AgentError):
            return faults.with_partial(error, partial)
        if isinstance(error, APIConnectionError | httpx.TransportError | OSError):
            return faults.unreachable(self.name, self._url, error, partial)
        if isinstance(error, DashScopeError):
            body = (
                error.body
                if isinstance(error.body, Mapping)
                else {"code": error.code, "message": error.message}
            )
            return faults.from_status(error.status_code, body, error.headers, model=self.name, partial=partial)
        return faults.unreadable(self.name, error, partial)


def _turns(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the conversation of a body; a prepared one may hold a `prompt` instead, the form of old."""
    return (body.get("input") or {}).get("messages") or []


def _holds_media(body: Mapping[str, Any]) -> bool:
    return any(isinstance(m.get("content"), list) for m in _turns(body))


def _by_path(body: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the body with its contents as the path wants them: text, or lists of parts."""
    turns = _turns(body)
    if path == TEXT_PATH or not turns:
        return body
    messages = [
        m | {"content": [{"text": m["content"]}] if isinstance(m["content"], str) else m["content"]}
        for m in turns
    ]
    return body | {"input": {**body["input"], "messages": messages}}


def _wire(message: Message) -> dict[str, Any]:
    # None as content is dropped by the client, and a missing content is refused by the server.
    wire: dict[str, Any] = {"role": message.role, "content": dashscope_content(message)}
    if message.role == "tool":
        wire |= {"tool_call_id": message.call_id, "name": message.name}
    if message.calls:
        wire["tool_calls"] = function_calls(message.calls)
    return wire
