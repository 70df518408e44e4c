"""Spans and metrics of OpenTelemetry for runs, model calls and tool calls, where the program has set OpenTelemetry up.

Nothing is sent anywhere by this package: an SDK that the program configures decides where spans go. Without one this
is a look-up in a dictionary. Names and attributes are those of the GenAI semantic conventions 0.66b2, written out:
the package that holds them as constants is not needed to run. What was said and done (messages, arguments, results)
stands in spans only where OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for it.

    invoke_agent researcher
    ├─ chat gpt-4o-mini
    ├─ execute_tool look_up
    └─ execute_tool helper
       └─ invoke_agent helper
          └─ chat qwen-plus
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import TracebackType
from typing import Any, Literal, Self

from agentsdk.answer import Answer
from agentsdk.budget import Usage
from agentsdk.function_tool import Tool
from agentsdk.messages import Message
from agentsdk.models.model import Reply, Request

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The environment variable by which message content is asked for: "true", "span_only" or "span_and_event"."""

Operation = Literal["invoke_agent", "chat", "execute_tool"]

_CONTENT = ("true", "1", "span_only", "span_and_event")
_PROVIDERS = {"google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
"""Ours to the convention's; the others are called alike, or are not in it."""
_FINISH = {"tool_calls": "tool_call", "filter": "content_filter"}

# The boundaries that the conventions advise (gen-ai-metrics).
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


class Watch:
    """A span and its metrics while something is done: `with chatting(...) as watch: ...; watch.replied(reply)`.

    This one records nothing.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, where)

    def replied(self, reply: Reply) -> None:
        """Record what a model answered."""

    def returned(self, value: Any) -> None:
        """Record what a tool returned."""

    def answered(self, answer: Answer[Any]) -> None:
        """Record how a run ended."""

    def failed(self, kind: str, text: str) -> None:
        """Record that it went wrong without an exception."""


_NOTHING = Watch()


def chatting(model: str, request: Request, step: str = "") -> Watch:
    """Return the watch of one call of a model ("provider:name"), made inside `step`."""
    if not (apis := _set_up()):
        return _NOTHING
    provider, name = _take_apart(model)

    def details() -> Mapping[str, Any]:
        found = {
            "gen_ai.request.stream": True,
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.request.temperature": request.temperature,
            "gen_ai.request.top_p": request.top_p,
            "gen_ai.request.seed": request.seed,
            "gen_ai.request.stop_sequences": request.stop or None,
            "gen_ai.output.type": "json" if request.output_schema is not None else None,
            "agentsdk.step": step or None,
        }
        if captures_content():
            told = [m for m in request.messages if m.role == "system"]
            rest = [m for m in request.messages if m.role != "system"]
            found["gen_ai.system_instructions"] = _json([{"type": "text", "content": m.text} for m in told])
            found["gen_ai.input.messages"] = _json(map(_said, rest))
            found["gen_ai.tool.definitions"] = _json(
                {"type": "function", "name": t.name, "description": t.description, "parameters": t.parameters}
                for t in request.tools
            )
        return found

    shown = {"gen_ai.provider.name": provider, "gen_ai.request.model": name}
    return _Recording(apis, "chat", name, shown, details, client=True)


def executing(tool: Tool[Any, Any], arguments: Mapping[str, Any], step: str = "") -> Watch:
    """Return the watch of one call of a tool, made by `step`."""
    if not (apis := _set_up()):
        return _NOTHING

    def details() -> Mapping[str, Any]:
        return {
            "gen_ai.tool.type": "function",
            "gen_ai.tool.description": tool.description,
            "gen_ai.tool.call.id": step or None,
            "gen_ai.tool.call.arguments": _json(arguments) if captures_content() else None,
        }

    return _Recording(apis, "execute_tool", tool.name, {"gen_ai.tool.name": tool.name}, details)


def invoking(model: str, question: str, name: str = "", run_id: str = "") -> Watch:
    """Return the watch of one run of an agent; `name` is the tool's that it is to another, or "" ."""
    if not (apis := _set_up()):
        return _NOTHING
    provider, model_name = _take_apart(model)

    def details() -> Mapping[str, Any]:
        asked = _json([_said(Message.user(question))]) if captures_content() else None
        return {"agentsdk.run_id": run_id or None, "gen_ai.input.messages": asked}

    shown = {"gen_ai.provider.name": provider, "gen_ai.request.model": model_name}
    if name:
        shown["gen_ai.agent.name"] = name
    return _Recording(apis, "invoke_agent", name, shown, details)


def captures_content() -> bool:
    """Return whether spans may hold what was said and done."""
    return os.environ.get(CAPTURE, "").strip().lower() in _CONTENT


class _Recording(Watch):
    """A watch that records. Nothing that goes wrong here reaches the run: an SDK catches its own faults."""

    def __init__(
        self,
        apis: _Apis,
        operation: Operation,
        subject: str,
        shown: Mapping[str, str],
        details: Callable[[], Mapping[str, Any]],
        *,
        client: bool = False,
    ) -> None:
        self._apis, self._operation, self._client = apis, operation, client
        self._name = f"{operation} {subject}".strip()
        self._shown = {"gen_ai.operation.name": operation, **shown}
        self._details = details
        self._metric: dict[str, str] = {}
        self._began = 0.0

    def __enter__(self) -> Self:
        trace = self._apis.trace
        kind = trace.SpanKind.CLIENT if self._client else trace.SpanKind.INTERNAL
        tracer = trace.get_tracer("agentsdk", schema_url="https://opentelemetry.io/schemas/1.44.0")
        self._context = tracer.start_as_current_span(
            self._name,
            kind=kind,
            attributes=self._shown,
            record_exception=False,
            set_status_on_exception=False,
        )
        self._span = self._context.__enter__()
        if self._span.is_recording():
            self._set(self._details())
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._began
        if error is not None:
            self.failed(type(error).__qualname__, str(error))
        _instrument("gen_ai.client.operation.duration").record(seconds, {**self._shown, **self._metric})
        self._context.__exit__(kind, error, where)

    def replied(self, reply: Reply) -> None:
        usage = reply.usage
        if reply.model:
            self._metric["gen_ai.response.model"] = reply.model
        for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            told = {**self._shown, **self._metric, "gen_ai.token.type": kind}
            _instrument("gen_ai.client.token.usage").record(count, told)
        if not self._span.is_recording():
            return
        finish = _FINISH.get(reply.finish, reply.finish)
        said = [{**_said(reply.message), "finish_reason": finish}] if captures_content() else None
        self._set(
            {
                "gen_ai.response.model": reply.model or None,
                "gen_ai.response.id": str(reply.details["id"]) if reply.details.get("id") else None,
                "gen_ai.response.finish_reasons": (finish,),
                "gen_ai.output.messages": _json(said) if said else None,
                **_used(usage),
            }
        )

    def returned(self, value: Any) -> None:
        if captures_content() and self._span.is_recording():
            self._set({"gen_ai.tool.call.result": _json(value)})

    def answered(self, answer: Answer[Any]) -> None:
        if not self._span.is_recording():
            return
        said = [{**_said(Message.assistant(answer.text)), "finish_reason": "stop"}]
        self._set(
            {
                "agentsdk.status": answer.status,
                "gen_ai.output.messages": _json(said) if captures_content() else None,
                **_used(answer.usage),
            }
        )

    def failed(self, kind: str, text: str) -> None:
        self._metric["error.type"] = kind
        if self._span.is_recording():
            self._set({"error.type": kind})
            # The text of an error may hold what was said: a server's answer, an argument.
            status = self._apis.trace.Status
            self._span.set_status(
                status(self._apis.trace.StatusCode.ERROR, text if captures_content() else None)
            )

    def _set(self, values: Mapping[str, Any]) -> None:
        self._span.set_attributes({k: v for k, v in values.items() if v is not None})


class _Apis:
    """The two halves of OpenTelemetry's API that are used."""

    def __init__(self, trace: Any, metrics: Any) -> None:
        self.trace, self.metrics = trace, metrics


def _set_up() -> _Apis | None:
    """Return OpenTelemetry's API where the program has set an SDK up, else None.

    Who sets one up has imported the API, so that it need not be imported to be asked; only the variable by which the
    API finds an SDK by itself is looked at as well.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    metrics: Any = sys.modules.get("opentelemetry.metrics")
    if trace is None or metrics is None:
        if not (os.environ.get("OTEL_PYTHON_TRACER_PROVIDER") or os.environ.get("OTEL_PYTHON_METER_PROVIDER")):
            return None
        try:
            import opentelemetry.metrics
            import opentelemetry.trace
        except ImportError:
            return None
        trace, metrics = opentelemetry.trace, opentelemetry.metrics
    # The API's own providers do nothing.
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    if all(type(p).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")) for p in providers):
        return None
    return _Apis(trace, metrics)


@cache
def _instrument(name: str) -> Any:
    from opentelemetry import metrics

    meter = metrics.get_meter("agentsdk")
    if name == "gen_ai.client.token.usage":
        text = "Number of input and output tokens used."
        return meter.create_histogram(name, "{token}", text, explicit_bucket_boundaries_advisory=_TOKENS)
    text = "GenAI operation duration."
    return meter.create_histogram(name, "s", text, explicit_bucket_boundaries_advisory=_SECONDS)


def _take_apart(model: str) -> tuple[str, str]:
    provider, colon, name = model.partition(":")
    return (_PROVIDERS.get(provider, provider), name) if colon else ("agentsdk", model)


def _used(usage: Usage) -> dict[str, Any]:
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens or None,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens or None,
    }


def _said(message: Message) -> dict[str, Any]:
    """Return a turn in the form of the conventions. Thoughts are private, and stay out of it."""
    parts: list[dict[str, Any]] = []
    if message.role == "tool":
        parts.append({"type": "tool_call_response", "id": message.call_id, "response": message.text})
    elif message.text:
        parts.append({"type": "text", "content": message.text})
    parts += [
        {"type": "tool_call", "id": c.id, "name": c.name, "arguments": c.arguments} for c in message.calls
    ]
    parts += [{"type": "blob", "modality": m.kind, "mime_type": m.mime} for m in message.media]
    return {"role": message.role, "parts": parts}


def _json(value: Any) -> str:
    if not isinstance(value, (str, Mapping)) and isinstance(value, Iterable):
        value = list(value)
    return json.dumps(value, ensure_ascii=False, default=str)
