"""Ollama's own `/api/chat`: its OpenAI imitation can set no context length, and cuts long prompts silently.

The lines are read here and not by the `ollama` package: its pydantic models refuse whole answers over one odd
field, and an error in the middle of a stream loses what had come. The transport below, httpx, is the same.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from agentsdk.budget import Usage
from agentsdk.errors import AgentError, EmptyResponse
from agentsdk.messages import Message
from agentsdk.models import faults
from agentsdk.models.collect import Collector
from agentsdk.models.discover import ollama_url
from agentsdk.models.exchange import WireModel
from agentsdk.models.facts import Served
from agentsdk.models.http import Deadline, client_of_loop, one, tls_context
from agentsdk.models.model import Delta, Reply, Request
from agentsdk.models.profiles import OLLAMA_WINDOW, SERVERS
from agentsdk.models.repair.reasoning import reasoning_of
from agentsdk.models.wire import function_tools, whole_number


class OllamaModel(WireModel):
    """A model served by Ollama.

    `tool_choice` does not exist there and is emulated: "none" offers no tools, a name offers that one alone.

    Args:
        model: its name and tag, such as "llama3.1:8b".
        base_url: where Ollama is; OLLAMA_HOST, else port 11434 of this machine.
        timeout: seconds that one call may take in all, loading the model included.
        window: tokens of context to ask for (`num_ctx`).
        http_client: the client to send with, for a proxy or a certificate of one's own; else one an event loop.

    """

    provider = "ollama"

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        timeout: float = 120.0,
        window: int = OLLAMA_WINDOW,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        super().__init__(model, timeout)
        self._http = http_client
        self._url = (base_url or ollama_url()).rstrip("/").removesuffix("/v1").removesuffix("/api")
        self._window = window

    @property
    def served(self) -> Served:
        """The model, where it is served, and by what."""
        return Served(self._model, self._url, SERVERS["ollama"], self._fetch)

    async def _fetch(self, path: str, body: Any) -> Any:
        response = await self._client().request("GET" if body is None else "POST", self._url + path, json=body)
        return response.raise_for_status().json()

    async def complete(self, request: Request) -> Reply:
        """Return the whole reply; errors as `Model` promises."""
        try:
            return await super().complete(request)
        except EmptyResponse:
            # The answer to a request that found the model unloaded may be empty: the next one is not.
            return await super().complete(request)

    @asynccontextmanager
    async def open(
        self, body: dict[str, Any], *, stream: bool, deadline: Deadline
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """Send a body and give the lines of the answer."""
        response = await deadline.within(self._send(body))
        try:
            if stream:
                yield response.aiter_lines()
            else:
                yield one(await deadline.within(response.aread()))
        finally:
            await response.aclose()

    async def _send(self, body: dict[str, Any]) -> httpx.Response:
        client = self._client()
        built = client.build_request("POST", f"{self._url}/api/chat", json=body)
        response = await client.send(built, stream=True)
        if response.status_code != 200:
            said = await response.aread()
            await response.aclose()
            raise faults.from_status(response.status_code, said, response.headers, model=self.name)
        return response

    def _client(self) -> httpx.AsyncClient:
        return self._http or client_of_loop(
            ("ollama", self._url),
            lambda: httpx.AsyncClient(verify=tls_context(), timeout=httpx.Timeout(None, connect=10.0)),
        )

    def body(self, request: Request, *, stream: bool) -> dict[str, Any]:
        """Return a request as `/api/chat` has it."""
        options: dict[str, Any] = {"num_ctx": self._window}
        if request.max_tokens is not None:
            options["num_predict"] = request.max_tokens
        if request.temperature is not None:
            options["temperature"] = request.temperature
        if request.seed is not None:
            options["seed"] = request.seed
        if request.stop:
            options["stop"] = list(request.stop)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [_wire(m) for m in request.messages],
            "stream": stream,
            "options": options,
        }
        choice = request.tool_choice
        offered = [t for t in request.tools if choice in ("auto", "required", t.name)]
        if offered:
            body["tools"] = function_tools(offered)
        if request.output_schema is not None:
            body["format"] = dict(request.output_schema)
        return body

    def take(self, line: Any, answer: Collector, *, stream: bool) -> Iterator[Delta]:
        """Take a line of a stream, or a whole answer, in."""
        if stream and not line.strip():
            return
        try:
            event = json.loads(line)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if not isinstance(event, Mapping):
            raise faults.bad_answer(self.name, f"{type(event).__name__}: {str(event)[:200]}")
        if event.get("error"):
            raise faults.from_status(None, event, None, model=self.name)
        answer.model = event.get("model") or answer.model
        message = event.get("message")
        if message is None and not event.get("done"):
            raise faults.bad_answer(self.name, json.dumps(event)[:200])
        message = message or {}
        yield from answer.reasoning(reasoning_of(message))
        yield from answer.text(message.get("content"))
        for call in message.get("tool_calls") or []:
            function = call.get("function") or {}
            arguments = function.get("arguments")
            # Calls come whole, and several lines may each bring one at index 0.
            yield from answer.call(
                None, call.get("id"), function.get("name"), {} if arguments is None else arguments
            )
        if event.get("done"):
            answer.finish = event.get("done_reason") or "stop"
            answer.usage = Usage(
                calls=1,
                input_tokens=whole_number(event.get("prompt_eval_count")),
                output_tokens=whole_number(event.get("eval_count")),
            )

    def fault(self, error: Exception, partial: str) -> AgentError:
        """Return the error of ours for one of the client's."""
        if isinstance(error, AgentError):
            return faults.with_partial(error, partial)
        if isinstance(error, httpx.TransportError | OSError):
            return faults.unreachable(self.name, self._url, error, partial)
        return faults.unreadable(self.name, error, partial)


def _wire(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.role == "tool":
        wire["tool_name"] = message.name
    if message.calls:
        # Objects and not text: a string breaks the model's template.
        wire["tool_calls"] = [
            {"function": {"name": c.name, "arguments": dict(c.arguments)}} for c in message.calls
        ]
    return wire
