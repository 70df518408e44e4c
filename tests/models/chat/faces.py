"""The chat models under test, each against the stand-in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from agentsdk import connect
from agentsdk.models.chat import DashScopeChat, OllamaChat, OpenAIChat
from agentsdk.models.chat.any import AnyChat
from agentsdk.testing.standin import Standin

Make = Callable[..., Any]


def chat_completions(server: Standin, /, **options: Any) -> OpenAIChat:
    return OpenAIChat(
        **{
            "model": "gpt-4o-mini",
            "base_url": server.url("openai"),
            "api_key": SecretStr("k"),
            "max_retries": 0,
            **options,
        }
    )


def responses(server: Standin, /, **options: Any) -> OpenAIChat:
    return chat_completions(server, **{"model": "gpt-5-mini", "use_responses_api": True, **options})


def ollama(server: Standin, /, **options: Any) -> OllamaChat:
    return OllamaChat(**{"model": "llama3.1", "base_url": server.url("ollama"), "max_retries": 0, **options})


def dashscope(server: Standin, /, **options: Any) -> DashScopeChat:
    return DashScopeChat(
        **{
            "model": "qwen3-max",
            "base_url": server.url("dashscope"),
            "api_key": SecretStr("k"),
            "max_retries": 0,
            **options,
        }
    )


def any_model(server: Standin, /, **options: Any) -> AnyChat:
    return AnyChat(model=connect("ollama:llama3.1", base_url=server.url("ollama"), retries=0), **options)


FACES: list[Make] = [chat_completions, responses, ollama, dashscope, any_model]
each = pytest.mark.parametrize("make", FACES, ids=lambda f: f.__name__)


def standin() -> Iterator[Standin]:
    with Standin() as running:
        yield running


def merged(chunks: Any) -> Any:
    """Return chunks added up one by one, as most consumers do."""
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole
