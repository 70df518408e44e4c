"""Claude and Gemini, through their LangChain packages: what each of the two wants to be asked by.

They are extras. The same stage stands behind them as behind the adapters: calls are read again from their raw text,
checked, and refused where they were cut.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from agentsdk.errors import MissingExtra
from agentsdk.i18n import _
from agentsdk.models.http import Limits, tls_context
from agentsdk.models.model import Model, Request

_THOUGHTS = 8_192
"""Tokens that a Claude with a budget may think for where it is only told to think."""
_BUDGETED = re.compile(r"claude-(?:3|(?:opus|sonnet|haiku)-4-[0-6])")
"""Models that think by a budget; later ones decide themselves (ChatAnthropic's documentation of `thinking`)."""
_UNSAMPLED = re.compile(r"claude-(?:fable|mythos|(?:opus|sonnet|haiku)-5-5)")
"""Models that refuse temperature and top_p (ChatAnthropic's own check of its settings, 1.7.7)."""
ANSWER = 8_192
"""Tokens of an answer where no limit is asked for: Claude's protocol wants a number."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A provider that is reached through its LangChain package."""

    provider: str
    module: str
    class_name: str
    options: Callable[[str, Request], dict[str, Any]]
    """Turns a model's name and the rest of a request into what its class is bound to."""
    tool_none: Any = None
    """The form of "no tool now" that keeps the tools in the request: Claude refuses a history of calls without
    their tools."""
    own_client: Callable[[Any], Any] | None = None
    """Makes a class of its own, by its module, where instances would share a client across event loops."""
    parallel: str = ""
    """The keyword of `bind_tools` that allows or forbids several calls in one answer."""


def partner(
    name: str, model: str, key: str, *, base_url: str | None = None, timeout: float | Limits = 120.0
) -> Model:
    """Return a model of a partner.

    Args:
        name: "anthropic" or "google".
        model: the provider's name for the model.
        key: the API key.
        base_url: another address, such as a gateway.
        timeout: seconds that one call may take in all.

    Raises:
        MissingExtra: its package is not installed; the text names the line that installs it.

    """
    from agentsdk.models.langchain import FromLangChain

    known = PARTNERS[name]
    try:
        module = importlib.import_module(known.module)
    except ImportError as error:
        raise MissingExtra(
            _("{provider}: needs the package {package}.").format(
                provider=known.provider, package=known.module.replace("_", "-")
            ),
            fix=f'pip install "agentsdk[{known.provider}]"',
        ) from error
    build = known.own_client(module) if known.own_client else getattr(module, known.class_name)
    address = {"base_url": base_url} if base_url else {}
    return FromLangChain(
        lambda: build(model=model, api_key=key, max_retries=0, timeout=timeout, max_tokens=ANSWER, **address),
        name=f"{known.provider}:{model}",
        timeout=timeout,
        options=partial(known.options, model),
        tool_none=known.tool_none,
        parallel=known.parallel,
        marks_its_end=True,
        key=(known.provider, model, key, base_url, timeout),
    )


def _claude_with_its_own_client(module: Any) -> Any:
    """Return ChatAnthropic without the HTTP client that it keeps for the whole process.

    A client belongs to the event loop that it was first used on: on another it ends in "Event loop is closed".
    """
    import anthropic

    class Claude(module.ChatAnthropic):  # type: ignore[misc]  # its module is imported when it is asked for
        @cached_property
        def _async_client(self) -> anthropic.AsyncClient:
            http = anthropic.DefaultAsyncHttpxClient(verify=tls_context())
            return anthropic.AsyncClient(**self._client_params, http_client=http)

    return Claude


def _claude(model: str, request: Request) -> dict[str, Any]:
    options: dict[str, Any] = {"max_tokens": request.max_tokens or ANSWER}
    if request.thinking is True and _BUDGETED.match(model):
        options["thinking"] = {"type": "enabled", "budget_tokens": _THOUGHTS}
        options["max_tokens"] += _THOUGHTS
    elif request.thinking is True:
        options["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif isinstance(request.thinking, str):
        options["reasoning_effort"] = request.thinking
    elif _UNSAMPLED.match(model):
        pass
    elif request.temperature is not None:  # a model that thinks takes no other temperature than 1
        options["temperature"] = request.temperature
    elif request.top_p is not None:  # and none takes both
        options["top_p"] = request.top_p
    if request.stop:
        options["stop"] = list(request.stop)
    if request.output_schema is not None:
        options["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": dict(request.output_schema)},
        }
    return options


def _gemini(_model: str, request: Request) -> dict[str, Any]:
    options: dict[str, Any] = {
        wire: value
        for wire, value in (
            ("max_output_tokens", request.max_tokens),
            ("temperature", request.temperature),
            ("top_p", request.top_p),
            ("seed", request.seed),
            ("stop", list(request.stop) or None),
        )
        if value is not None
    }
    match request.thinking:
        case True:
            options["include_thoughts"] = True
        case False:
            options["thinking_budget"] = 0
        case str(level):
            options |= {"reasoning_effort": level, "include_thoughts": True}
    if request.output_schema is not None:
        options["response_mime_type"] = "application/json"
        options["response_json_schema"] = dict(request.output_schema)
    return options


PARTNERS: Mapping[str, Partner] = {
    "anthropic": Partner(
        "anthropic",
        "langchain_anthropic",
        "ChatAnthropic",
        _claude,
        tool_none={"type": "none"},
        own_client=_claude_with_its_own_client,
        parallel="parallel_tool_calls",
    ),
    "google": Partner(
        "google",
        "langchain_google_genai",
        "ChatGoogleGenerativeAI",
        _gemini,
        tool_none="none",
    ),
}
