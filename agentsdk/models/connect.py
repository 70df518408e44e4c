"""Makes a Model of "provider:name". An adapter is imported only when it is asked for."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from agentsdk.errors import ConfigurationError, MissingKey, UnknownModel
from agentsdk.i18n import _
from agentsdk.models.model import Model
from agentsdk.models.servers import Server, server_named

ToolsMode = Literal["auto", "native", "text"]

if TYPE_CHECKING:  # its module brings asyncio and ssl
    from agentsdk.models.http import Limits

PROVIDERS = ("openai", "ollama", "dashscope", "anthropic", "google", "gguf", "offline")

_EXAMPLES = {
    "openai": "openai:gpt-4o-mini",
    "ollama": "ollama:llama3.1",
    "dashscope": "dashscope:qwen-plus",
    "anthropic": "anthropic:claude-sonnet-5",
    "google": "google:gemini-3.5-flash",
    "gguf": "gguf:/path/to/model.gguf",
}
_KEYS = {
    "openai": ("OPENAI_API_KEY",),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "ollama": ("OLLAMA_API_KEY",),
}
_TAKES = {
    "openai": {"base_url", "api_key", "server", "api", "tools"},
    "ollama": {"base_url", "api_key", "tools"},
    "dashscope": {"base_url", "api_key", "tools"},
    "anthropic": {"base_url", "api_key"},
    "google": {"base_url", "api_key"},
    "gguf": {"tools"},
    "offline": set[str](),
}
"""What can be said of each provider's models beside timeout, retries and fallback; `server` has words of its own."""

# What a bare name most likely means: only for "did you mean", never to guess a provider.
_LIKELY = (
    (("gpt", "o1", "o3", "o4", "chatgpt"), "openai"),
    (("qwen-", "qwen3-max", "qwq", "qvq"), "dashscope"),
    (("llama", "qwen", "mistral", "gemma", "phi", "deepseek"), "ollama"),
    (("extract",), "offline"),
)


def connect(
    model: str | Model | Any,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    server: str | None = None,
    timeout: float | Limits = 120.0,
    retries: int = 2,
    fallback: Sequence[str | Model] = (),
    api: Literal["chat", "responses"] | None = None,
    tools: ToolsMode = "auto",
    at_once: int | None = None,
) -> Model:
    """Return the model that is meant. Nothing is sent anywhere yet.

    Args:
        model: "openai:gpt-4o-mini", "ollama:llama3.1:8b", "dashscope:qwen-plus", "anthropic:...", "google:...",
            "gguf:/path/to/model.gguf" or "offline:extract"; a LangChain chat model; or an object with the `Model`
            protocol, which is returned as it is. A GGUF file is loaded at once, by llama.cpp in this process;
            everything else waits for a call.
        base_url: another server: any that speaks OpenAI's protocol with "openai:...", such as LM Studio
            (http://localhost:1234/v1) or vLLM; or an Ollama on another machine.
        server: what stands at `base_url` where its address does not say it: "lmstudio", "vllm", "llamacpp", "mindie"
            and others; a wrong name lists them all. Only for "openai:...".
        api_key: instead of the provider's variable, such as OPENAI_API_KEY, DASHSCOPE_API_KEY or OLLAMA_API_KEY.
        timeout: seconds that one call may take in all, its retries and fallbacks included; or `Limits`, which says
            more (`agentsdk.models.http`).
        retries: how often a call is tried again that brought nothing because the server was not to be reached,
            overloaded, or over its rate.
        fallback: models to ask, in turn, where this one cannot answer and nothing of its answer was shown yet, such as
            `["dashscope:qwen-plus"]`. What stands here as text has its own provider's key and address.
        api: with "openai:...": the one of OpenAI's two protocols to ask by; else it is chosen by the model.
        tools: how the model is told of tools: "native" as its server has them, "text" in words, or "auto": natively
            where it can be, and in words where the server or the model has no native tools.
        at_once: how many calls may be under way at the same time, its fallbacks' included; None: no limit.

    Raises:
        UnknownModel: the text does not name a model; the nearest is suggested.
        MissingKey: the provider needs a key, and none is set.
        ConfigurationError: it is neither text nor a model, an option means nothing for it, the base URL is not a URL,
            or the server is none that is known.

    """
    if at_once is not None and at_once < 1:
        raise ConfigurationError(
            _("at_once={at_once} lets nothing be asked.").format(at_once=at_once),
            fix=_("Give a number above 0, or None for no limit."),
        )
    own = timeout, retries
    if fallback and not isinstance(model, str):  # they are for the others, which are given by name
        own = 120.0, 2
    found = _one(model, base_url, api_key, server, *own, api, tools)
    if fallback:
        from agentsdk.models.fallback import Fallback

        others = (
            connect(other, timeout=timeout, retries=retries) if isinstance(other, str) else connect(other)
            for other in fallback
        )
        found = Fallback((found, *others), _seconds(timeout))
    if at_once is not None:
        from agentsdk.models.bounded import Bounded

        found = Bounded(found, at_once)
    return found


def _one(
    model: str | Model | Any,
    base_url: str | None,
    api_key: str | None,
    server: str | None,
    timeout: float | Limits,
    retries: int,
    api: Literal["chat", "responses"] | None,
    tools: ToolsMode,
) -> Model:
    """Return one model, with its second tries and nothing else around it."""
    given = {
        "base_url": base_url is not None,
        "api_key": api_key is not None,
        "api": api is not None,
        "tools": tools != "auto",
    }
    if not isinstance(model, str):
        of_a_name = {"server": server is not None, "timeout": timeout != 120.0, "retries": retries != 2}
        _check_taken([option for option, is_ in (given | of_a_name).items() if is_], None)
        return _as_model(model)
    provider, name = take_apart(model)
    given["tools"] = tools == "text" or (tools == "native" and provider not in ("anthropic", "google"))
    _check_taken([option for option, is_ in given.items() if is_], provider)
    seconds = _seconds(timeout)
    if base_url is not None:
        check_url(base_url)
    kind = _kind(server, provider)
    if provider == "offline":
        from agentsdk.models.offline import OfflineModel

        return OfflineModel()
    from agentsdk.models.retry import Retrying

    if provider == "ollama":
        from agentsdk.models.ollama import OllamaModel

        return Retrying(
            OllamaModel(
                name,
                api_key=key_of("ollama", api_key, needed=False),
                base_url=base_url,
                timeout=timeout,
                tools=tools,
            ),
            retries,
            seconds,
        )
    if provider == "gguf":
        from agentsdk.models.gguf import GGUF, serve
        from agentsdk.models.openai import OpenAIModel

        served = serve(name)
        return Retrying(
            OpenAIModel(
                Path(name).name,
                served.key,
                base_url=served.url,
                timeout=timeout,
                server=GGUF,
                tools=tools,
            ),
            retries,
            seconds,
        )
    if provider in ("anthropic", "google"):
        from agentsdk.models.partners import partner

        key = key_of(provider, api_key)
        return Retrying(partner(provider, name, key, base_url=base_url, timeout=timeout), retries, seconds)
    if provider == "dashscope":
        from agentsdk.models.dashscope import DashScopeModel

        key = key_of("dashscope", api_key)
        return Retrying(
            DashScopeModel(name, key, base_url=base_url, timeout=timeout, tools=tools), retries, seconds
        )
    from agentsdk.models.openai import OpenAIModel

    url = base_url or os.environ.get("OPENAI_BASE_URL") or None
    # A server of one's own asks for no key, and the client insists on one.
    key = key_of("openai", api_key, needed=url is None or not is_near(url)) or "none"
    return Retrying(
        OpenAIModel(name, key, base_url=url, timeout=timeout, server=kind, api=api, tools=tools),
        retries,
        seconds,
    )


def _check_taken(given: Sequence[str], provider: str | None) -> None:
    """Raise ConfigurationError where an option would do nothing: of a provider, or of a model that is made already."""
    for option in given:
        if provider is None:
            raise ConfigurationError(
                _("{option}= says nothing of a model that is made already.").format(option=option),
                fix=_('Give it where the model is made, or name the model "provider:name".'),
            )
        if option not in _TAKES[provider]:
            taken = ", ".join(sorted(_TAKES[provider] - {"server"})) or _("none of them")
            raise ConfigurationError(
                _("{option}= means nothing for {provider}.").format(option=option, provider=provider),
                fix=_("Leave it out; it takes: {taken}.").format(taken=taken),
            )


def _seconds(timeout: float | Limits) -> float:
    return timeout if isinstance(timeout, (int, float)) else timeout.seconds


def _kind(server: str | None, provider: str) -> Server | None:
    if server is None:
        return None
    if provider != "openai":
        raise ConfigurationError(
            _(
                "server={server!r} says which server speaks OpenAI's protocol; {provider} is one by itself."
            ).format(server=server, provider=provider),
            fix=_('Leave it out, or name the model "openai:...".'),
        )
    return server_named(server)


def _as_model(model: Any) -> Model:
    if isinstance(model, Model):
        return model
    # langchain is imported already where somebody holds one of its models.
    if any(
        c.__module__.startswith("langchain_core.") and c.__name__ == "BaseChatModel"
        for c in type(model).__mro__
    ):
        from agentsdk.models.langchain import from_langchain

        return from_langchain(model)
    raise ConfigurationError(
        _("{kind} is not a model.").format(kind=type(model).__name__),
        fix=_('Give "provider:name", a LangChain chat model, or an object with name, complete and stream.'),
    )


def take_apart(model: str) -> tuple[str, str]:
    """Return the provider and the name of "provider:name".

    Raises:
        UnknownModel: it is not written so, or there is no such provider; the nearest is suggested.

    """
    provider, colon, name = model.strip().partition(":")
    provider = provider.lower()
    if colon and name and provider in PROVIDERS and (provider != "offline" or name == "extract"):
        return provider, name
    if provider == "offline":
        near = "offline:extract"
    elif provider in PROVIDERS:
        near = _EXAMPLES[provider]
    elif colon and (close := difflib.get_close_matches(provider, PROVIDERS, n=1)):
        near = f"{close[0]}:{name or '...'}"
    else:
        bare = model.strip().lower()
        likely = next((p for starts, p in _LIKELY if bare.startswith(starts)), None)
        near = f"{likely}:{model.strip()}" if likely and bare else ""
    why = _("A model is written provider:name.")
    if near:
        why += " " + _("Did you mean {near!r}?").format(near=near)
    raise UnknownModel(
        _("{model!r} does not name a model.").format(model=model),
        why=why,
        fix=_('Known providers: {names}. For example "openai:gpt-4o-mini".').format(names=", ".join(PROVIDERS)),
    )


def key_of(provider: str, given: str | None, *, needed: bool = True) -> str:
    """Return the key for a provider: the one given, else that of its variable, else "" where none is needed.

    Raises:
        MissingKey: there is none, and one is needed.

    """
    variable = _KEYS[provider][0]
    set_ = next((found for name in _KEYS[provider] if (found := os.environ.get(name))), "")
    key = (given or set_).strip()
    if not key and needed:
        raise MissingKey(
            _("There is no API key for {provider}.").format(provider=provider),
            why=_("{variable} is not set.").format(variable=variable),
            fix=_(
                "export {variable}=...   (PowerShell: $env:{variable} = '...'), "
                "or use offline:extract, which needs none."
            ).format(variable=variable),
        )
    return key


def check_url(url: str) -> None:
    """Raise ConfigurationError where a text is not the address of a server."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not close
        good = False
    if not good:
        raise ConfigurationError(
            _("{url!r} is not the address of a server.").format(url=url),
            fix=_("Write it with its scheme, such as http://localhost:1234/v1."),
        )


def is_near(url: str) -> bool:
    """Whether a URL names this machine or its own network."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or ("." not in host.strip("[]") and ":" not in host):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host.endswith((".local", ".internal", ".lan"))
