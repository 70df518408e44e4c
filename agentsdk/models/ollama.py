"""Ollama's own `/api/chat`: its OpenAI imitation can set no context length, and cuts long prompts silently.

The lines are read here and not by the `ollama` package: its pydantic models refuse whole answers over one odd
field, and an error in the middle of a stream loses what had come. The transport below, httpx, is the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from agentsdk.budget import Usage
from agentsdk.errors import AgentError, EmptyResponse, InvalidRequest, ModelError, Overloaded
from agentsdk.messages import Message, Repair
from agentsdk.models import faults, lessons
from agentsdk.models.collect import Collector
from agentsdk.models.discover import ollama_url
from agentsdk.models.emulate import ToolsMode
from agentsdk.models.exchange import Again, WireModel
from agentsdk.models.facts import Served, facts_of
from agentsdk.models.framing import lines
from agentsdk.models.http import Deadline, Limits, One, client_of_loop, new_client
from agentsdk.models.learned import Learning
from agentsdk.models.model import Delta, Prepared, Reply, Request
from agentsdk.models.profiles import OLLAMA_WINDOW, SERVERS
from agentsdk.models.refused import is_refusal
from agentsdk.models.repair.reasoning import reasoning_of
from agentsdk.models.schemas import lower
from agentsdk.models.tokens import MOST_TOKENS, characters
from agentsdk.models.window import ANSWER, RUNGS, Shortened, learn, limit_of, placed, rung, weigh
from agentsdk.models.wire import calls_in, effort_of, function_tools, merged, offered_by, whole_number

MOST_WINDOW = 65_536
"""Tokens of context that are asked for at most where nobody says how many: more than that is a lot of memory."""
LONG, CUT = 1_500, 0.6
"""Tokens from which a question is long enough to tell, and the share of the estimate below which it was cut."""

_NO_GRADES = re.compile(r"think value .{0,20}is not supported|invalid think value", re.IGNORECASE)


class OllamaModel(WireModel):
    """A model served by Ollama.

    `tool_choice` does not exist there and is emulated: "none" offers no tools, a name offers that one alone.

    Args:
        model: its name and tag, such as "llama3.1:8b".
        api_key: of an Ollama that asks for one, such as ollama.com.
        base_url: where Ollama is; OLLAMA_HOST, else port 11434 of this machine.
        timeout: seconds that one call may take in all, loading the model included.
        window: tokens of context to ask for (`num_ctx`). None takes 16,384, and more where a conversation needs it,
            up to what the model was trained on and 65,536: a larger one costs memory, and each change loads the
            model again.
        keep_alive: how long the model stays loaded after the answer, such as "10m" or seconds; -1 for ever.
        http_client: the client to send with, for a proxy or a certificate of one's own; else one an event loop.
        tools: how the model is told of tools; see `WireModel`.

    """

    provider = "ollama"
    cuts_silently = True
    asks_first = True

    def __init__(
        self,
        model: str,
        *,
        api_key: str = "",
        base_url: str | None = None,
        timeout: float | Limits = 120.0,
        window: int | None = None,
        keep_alive: str | float | None = None,
        http_client: httpx.AsyncClient | None = None,
        tools: ToolsMode = "auto",
    ) -> None:
        super().__init__(model, timeout, tools)
        self._http = http_client
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url = (base_url or ollama_url()).rstrip("/").removesuffix("/v1").removesuffix("/api")
        self._window = window
        self._keep_alive = keep_alive

    @property
    def served(self) -> Served:
        """The model, where it is served, and by what."""
        return Served(self._model, self._url, SERVERS["ollama"], self._fetch)

    async def _fetch(self, path: str, body: Any) -> Any:
        method = "GET" if body is None else "POST"
        response = await self._client().request(method, self._url + path, json=body, headers=self._headers)
        return response.raise_for_status().json()

    async def post(self, path: str, body: dict[str, Any], seconds: float) -> Any:
        """Return as JSON what the server answers to a body at another of its paths; errors as `complete`."""
        deadline = Deadline(self.name, self._limits, seconds)
        try:
            response = await deadline.within(self._send(body, path))
            try:
                return json.loads(await deadline.within(response.aread()))
            finally:
                await response.aclose()
        except Exception as error:
            fault = self.fault(error, "")
            if fault is error:
                raise
            raise fault from error

    @asynccontextmanager
    async def open(
        self, body: dict[str, Any], *, stream: bool, deadline: Deadline
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """Send a body and give the lines of the answer."""
        response = await deadline.within(self._send(body))
        try:
            if stream:
                yield lines(response.aiter_bytes())
            else:
                yield One(await deadline.within(response.aread()))
        finally:
            await response.aclose()

    async def _send(self, body: dict[str, Any], path: str = "/api/chat") -> httpx.Response:
        client = self._client()
        built = client.build_request("POST", self._url + path, json=body, headers=self._headers)
        response = await client.send(built, stream=True)
        if response.status_code == 200:
            return response
        try:
            said = await response.aread()
        finally:
            await response.aclose()
        raise faults.from_status(response.status_code, said, response.headers, model=self.name)

    def _client(self) -> httpx.AsyncClient:
        return self._http or client_of_loop(("ollama", self._url), lambda: new_client(httpx))

    def body(self, request: Request, *, stream: bool) -> dict[str, Any]:
        """Return a request as `/api/chat` has it."""
        server = SERVERS["ollama"]
        options = {
            "num_ctx": self._window or OLLAMA_WINDOW,
            "num_predict": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "stop": list(request.stop) or None,
        }
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [_wire(m) for m in request.messages],
            "stream": stream,
            "options": {k: v for k, v in options.items() if v is not None},
        }
        tools, _choice = offered_by(request, server)
        if tools:
            body["tools"] = function_tools(tools, server)
        if request.output_schema is not None:
            body["format"] = dict(lower(request.output_schema, server, tool=False).schema)
        if self._keep_alive is not None:
            body["keep_alive"] = self._keep_alive
        think = self._think(request.thinking)
        if think is not None:
            body["think"] = think
        return merged(body, request.options)

    async def room(self, body: dict[str, Any], request: Request) -> tuple[dict[str, Any], int | None]:
        """Return a body that asks for a window large enough, and the tokens of a question in it."""
        options = dict(body.get("options") or {})
        asked = request.options.get("options")
        # A window that somebody wrote is meant.
        theirs = isinstance(request, Prepared) or (isinstance(asked, Mapping) and "num_ctx" in asked)
        given = options.get("num_ctx") if theirs else self._window
        answer = options.get("num_predict") or request.max_tokens or 0
        if given is None:
            place = placed(body)
            context = (await facts_of(self)).context
            most = limit_of(self._whose(), min(context or MOST_WINDOW, MOST_WINDOW)) or MOST_WINDOW
            if place is None or (small := characters(body) * MOST_TOKENS < RUNGS[0] // 2):
                needed = 0
            else:
                asked = weigh(place.conversation, place.tools, self._family.tokens, self._whose()).asked
                needed = asked + (answer if answer > 0 else ANSWER)
            options["num_ctx"] = given = rung(self._whose(), needed, most)
            body = body | {"options": options}
        else:
            small = characters(body) * MOST_TOKENS < given // 2
        if small:
            return body, None
        return body, given - min(answer if answer > 0 else ANSWER, given // 4)

    def counted(self, fitted: Shortened, reply: Reply, body: Mapping[str, Any]) -> list[Repair]:
        """Take what Ollama counted in, and notice that it cut the question without a word."""
        usage, window = reply.usage, (body.get("options") or {}).get("num_ctx") or 0
        counted = usage.input_tokens
        if counted and fitted.estimated > LONG and counted < fitted.estimated * CUT:
            told = f"Ollama read {counted} tokens of about {fitted.estimated:.0f}: it cut the question, or knew a part"
            return [Repair("context.cut_by_server", told)]
        learn(self._whose(), fitted.estimated, counted)
        if window and counted + usage.output_tokens >= window:
            return [Repair("context.full", f"question and answer fill the window of {window} tokens")]
        return []

    def _think(self, thinking: bool | str | None) -> bool | str | None:
        """Return the value of `think`: a grade for the models that are trained on grades, else a switch."""
        if thinking is None or (not thinking and self._family.thinking == "never"):
            return None
        if self._family.efforts:
            return effort_of(thinking, self._family)
        return bool(thinking)

    def fit(self, body: dict[str, Any], known: Learning, *, stream: bool) -> tuple[dict[str, Any], list[str]]:
        """Return a body as this server takes it, as far as it has said so."""
        body, changes = lessons.fitted(body, known)
        return {**body, "stream": stream}, changes

    def again(
        self,
        error: AgentError,
        request: Request,  # noqa: ARG002  # told by the error
        body: Mapping[str, Any],
        known: Learning,
        tried: int,
    ) -> Again:
        """Ask once more where the model was only loaded, where it cannot think, or where its call was not read."""
        if isinstance(error, EmptyResponse):
            # The answer to a request that found the model unloaded may be empty: the next one is not.
            return "same" if error.kind == "loaded" and tried == 1 else ""
        if not isinstance(error, ModelError):
            return ""
        if "parsing tool call" in error.why:
            # Ollama reads calls out of the text, and fails at some only as they come in pieces.
            return "whole" if tried == 1 else ""
        if not isinstance(error, InvalidRequest | Overloaded):
            return ""
        if "think" in body and "does not support thinking" in error.why:
            return "same" if known.add(lessons.Lesson("think")) else ""
        if isinstance(body.get("think"), str) and _NO_GRADES.search(error.why):
            return "same" if known.add(lessons.Lesson("think", "set", to=True, was=body["think"])) else ""
        return "same" if is_refusal(error) and lessons.learn(error.why, body, known) else ""

    def take(self, line: Any, answer: Collector, *, stream: bool) -> Iterator[Delta]:
        """Take a line of a stream, or a whole answer, in."""
        try:
            event = json.loads(line)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if not isinstance(event, dict):
            raise faults.bad_answer(self.name, f"{type(event).__name__}: {str(event)[:200]}")
        if event.get("error"):
            raise faults.from_status(None, event, None, model=self.name)
        answer.model = event.get("model") or answer.model
        message = event.get("message")
        if message is None and event.get("done"):
            message = {}
        if not isinstance(message, dict):
            raise faults.bad_answer(self.name, json.dumps(event)[:200])
        if thought := reasoning_of(message):
            yield from answer.reasoning(thought)
        if content := message.get("content"):
            yield from answer.text(content)
        for _index, id_, name, arguments in calls_in(message):
            # Calls come whole, and several lines may each bring one at index 0.
            yield from answer.call(None, id_, name, {} if arguments is None else arguments)
        if isinstance(logprobs := event.get("logprobs"), list):
            answer.details.setdefault("logprobs", []).extend(logprobs)
        if event.get("done"):
            answer.details |= {name: event[name] for name in _TOLD if name in event}
            answer.finished(event.get("done_reason") or "stop")
            answer.usage = Usage(
                calls=1,
                input_tokens=whole_number(event.get("prompt_eval_count")),
                output_tokens=whole_number(event.get("eval_count")),
            )
        elif not stream:
            raise faults.unfinished(self.name)

    def fault(self, error: Exception, partial: str) -> AgentError:
        """Return the error of ours for one of the client's."""
        if isinstance(error, AgentError):
            return faults.with_partial(error, partial)
        if isinstance(error, httpx.TransportError | OSError):
            return faults.unreachable(self.name, self._url, error, partial)
        return faults.unreadable(self.name, error, partial)


_TOLD = ("created_at", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""What a line says of the work; durations in nanoseconds."""


def _wire(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.media:  # pictures: of the other kinds none is let through
        wire["images"] = [media.base64 for media in message.media]
    if message.role == "tool":
        wire["tool_name"] = message.name
    if message.calls:
        # Objects and not text: a string breaks the model's template.
        wire["tool_calls"] = [
            {"function": {"name": c.name, "arguments": dict(c.arguments)}} for c in message.calls
        ]
        if message.reasoning:
            wire["thinking"] = message.reasoning
    return wire
