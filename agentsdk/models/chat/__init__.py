"""LangChain chat models on our adapters: usable without the rest of agentsdk, imported one provider at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # each costs half a second or more: imported when it is asked for
    from agentsdk.models.chat.dashscope import DashScopeChat
    from agentsdk.models.chat.ollama import OllamaChat
    from agentsdk.models.chat.openai import OpenAIChat

__all__ = ["DashScopeChat", "OllamaChat", "OpenAIChat"]

_HOMES = {"DashScopeChat": "dashscope", "OllamaChat": "ollama", "OpenAIChat": "openai"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
