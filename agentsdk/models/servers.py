"""What servers accept whatever model they serve, kept as data."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.media import MediaKind

ThinkingField = Literal[
    "", "enable_thinking", "reasoning_effort", "chat_template_kwargs", "think", "thinking", "reasoning"
]
"""The field that switches thinking, and by its name the form: `enable_thinking: true`, `reasoning_effort: "low"`,
`chat_template_kwargs: {"enable_thinking": true}`, `think: true` or "low", `thinking: {"type": "enabled"}`,
`reasoning: {"enabled": true}` or `{"effort": "low"}`."""

Probe = Literal["", "/api/show", "/api/v0/models", "/props", "/v1/models"]

_EVERY = frozenset({"auto", "none", "required", "named"})
_WORDS = frozenset({"auto", "none", "required"})
_OBJECT = frozenset({"json_object"})
_BOTH = frozenset({"json_object", "json_schema"})


@dataclass(frozen=True, slots=True)
class Server:
    """What a server accepts, whatever model it serves."""

    name: str
    tool_choice: frozenset[str] = _EVERY
    """The forms it takes; the others are emulated."""
    output: frozenset[str] = _BOTH
    """The forms of `response_format` that it takes."""
    strict: bool = False
    """Whether schemas may be sent as strict, and must then keep OpenAI's rules."""
    enforces: bool = True
    """Whether it holds an answer to the schema it was given; else the answer is validated and asked for again."""
    inline_defs: bool = True
    """Whether `$defs` are written out before a schema is sent."""
    one_system: bool = False
    """Whether it takes one system message only, the first."""
    media: frozenset[MediaKind] = frozenset({"image"})
    """What it takes beside text, where the model does."""
    media_urls: bool = True
    """Whether it fetches an address itself; else it gets bytes."""
    audio_uris: bool = False
    """Whether the bytes of a sound are written as a data URI; else as bare base64."""
    thinking: ThinkingField = ""
    """The field that switches thinking; "" where there is none."""
    forces_in_thought: bool = True
    """Whether a tool may be forced, and a form demanded, while the model thinks (Q38)."""
    wants_thoughts: bool = False
    """Whether a turn with calls must come back with the thoughts that led to them."""
    thinks_in_streams: bool = False
    """Whether a model that thinks is answered as a stream only (400 otherwise)."""
    responses: bool = False
    """Whether it is asked by Responses where the family of a model says so; else by Chat Completions."""
    seals_thoughts: bool = False
    """Whether the thoughts in Responses come encrypted where they are asked for so, and stay there otherwise."""
    developer: bool = False
    """Whether what a model that thinks is told stands in a turn of role `developer` instead of `system`."""
    parallel: bool = True
    """Whether it knows `parallel_tool_calls`."""
    stream_usage: bool = True
    """Whether it knows `stream_options`."""
    probe: Probe = ""
    """The path that tells what its models can do; "" where none does, or it costs a key to ask."""
    tools_by: str = ""
    """How it is started so that models may call tools, where that is not always so (Q30)."""
    source: str = ""
    """Where the row was read."""


_ROWS = (
    Server("openai", strict=True, inline_defs=False, media=frozenset({"image", "audio", "file"}),
           thinking="reasoning_effort", developer=True, responses=True, seals_thoughts=True,
           source="OpenAI's API reference; Q34, Q36, Q37"),
    Server("azure", strict=True, inline_defs=False, media=frozenset({"image", "audio"}),
           thinking="reasoning_effort", developer=True, seals_thoughts=True,
           source="Azure OpenAI's REST reference; Q43"),
    Server("lmstudio", tool_choice=_WORDS, output=frozenset({"json_schema"}), media_urls=False, parallel=False,
           probe="/api/v0/models", source="Q25, Q26: lmstudio-bug-tracker 670, 189"),
    Server("vllm", one_system=True, media=frozenset({"image", "audio", "video"}), thinking="chat_template_kwargs",
           probe="/v1/models", tools_by="--enable-auto-tool-choice --tool-call-parser ...",
           source="vLLM's pages on its server and on tool calling; Q30, Q44"),
    Server("sglang", tool_choice=_EVERY, one_system=True, media=frozenset({"image", "audio", "video"}),
           thinking="chat_template_kwargs", probe="/v1/models", tools_by="--tool-call-parser ...",
           source="SGLang's page on tool parsing"),
    Server("llamacpp", tool_choice=_WORDS, one_system=True, media=frozenset({"image", "audio"}), media_urls=False,
           thinking="chat_template_kwargs", probe="/props", tools_by="--jinja",
           source="llama.cpp, tools/server/README; Q27, Q30, Q33"),
    Server("mindie", tool_choice=frozenset({"auto", "none"}), output=frozenset(), enforces=False, one_system=True,
           media_urls=False, parallel=False, stream_usage=False, probe="/v1/models",
           source="Q49: MindIE-PyMotor, service_interface.md"),
    Server("groq", thinking="reasoning_effort", source="Groq's API reference; Q39"),
    Server("dashscope-compatible", tool_choice=frozenset({"auto", "none", "named"}), one_system=True,
           media=frozenset({"image", "audio", "video"}), audio_uris=True, thinking="enable_thinking",
           forces_in_thought=False, thinks_in_streams=True, wants_thoughts=True, source="adapters.md 1.4; Q16, Q38"),
    Server("deepseek", output=_OBJECT, media=frozenset(), thinking="thinking", forces_in_thought=False,
           wants_thoughts=True, parallel=False, source="DeepSeek's API reference and recordings; Q38"),
    Server("openrouter", media=frozenset({"image", "audio", "file"}), thinking="reasoning",
           source="OpenRouter's API reference"),
    Server("together", media=frozenset({"image", "video"}), thinking="reasoning", parallel=False,
           source="Together's API reference"),
    Server("ollama-compatible", tool_choice=frozenset({"auto"}), media_urls=False, thinking="reasoning_effort",
           parallel=False, probe="/api/show", source="Ollama's page on OpenAI compatibility; Q24, Q45"),
    Server("ollama-cloud", tool_choice=frozenset({"auto"}), enforces=False, media_urls=False,
           thinking="reasoning_effort", parallel=False, source="Q27: ollama 12362"),
    Server("ollama", tool_choice=frozenset({"auto"}), media_urls=False, thinking="think", parallel=False,
           probe="/api/show", source="Ollama's API reference; Q24, Q29, Q45"),
    Server("dashscope", tool_choice=frozenset({"auto", "none", "named"}), one_system=True,
           media=frozenset({"image", "audio", "video"}), thinking="enable_thinking", forces_in_thought=False,
           thinks_in_streams=True,
           source="adapters.md 1.2 and 1.4; Q38"),
    Server("anthropic", output=frozenset({"json_schema"}), media=frozenset({"image", "file"}),
           source="langchain-anthropic 1.7.7"),
    Server("google", media=frozenset({"image", "audio", "video", "file"}), media_urls=False,
           source="langchain-google-genai 4.4.2; an address would be fetched by its client, without our checks"),
    Server("compatible", media=frozenset({"image", "audio", "video", "file"}),
           source="what most servers of Chat Completions take; its media are its model's"),
)  # fmt: skip

SERVERS: dict[str, Server] = {row.name: row for row in _ROWS}


def _host(*names: str) -> Callable[[SplitResult], bool]:
    def ours(url: SplitResult) -> bool:
        host = url.hostname or ""
        return any(host == name or host.endswith("." + name) for name in names)

    return ours


def _port(*numbers: int) -> Callable[[SplitResult], bool]:
    return lambda url: url.port in numbers


# Hosts go before ports: a port is only the usual one, and a proxy may stand on any.
_WHERE: tuple[tuple[Callable[[SplitResult], bool], str], ...] = (
    (_host("api.openai.com"), "openai"),
    (_host("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"), "azure"),
    (_host("api.groq.com"), "groq"),
    (_host("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com",
           "maas.aliyuncs.com", "aliyuncs.com"), "dashscope-compatible"),
    (_host("api.deepseek.com"), "deepseek"),
    (_host("openrouter.ai"), "openrouter"),
    (_host("api.together.xyz", "api.together.ai"), "together"),
    (_host("ollama.com"), "ollama-cloud"),
    (_port(11434), "ollama-compatible"),
    (_port(1234), "lmstudio"),
    (_port(8080), "llamacpp"),
    (_port(8000), "vllm"),
    (_port(30000), "sglang"),
    (_port(1025, 31015), "mindie"),
)  # fmt: skip


def server_of(url: str) -> Server:
    """Return the facts about the server behind a base URL of Chat Completions, by its host and port."""
    try:
        parts = urlsplit(url)
        name = next((name for ours, name in _WHERE if ours(parts)), "compatible")
    except ValueError:  # a port that is none
        name = "compatible"
    return SERVERS[name]


def server_named(name: str) -> Server:
    """Return the facts about a server by the name that `connect(..., server=...)` takes.

    Raises:
        ConfigurationError: there is none of that name; all names are listed.

    """
    known = {n: row for n, row in SERVERS.items() if n not in _NATIVE} | {
        short: SERVERS[full] for short, full in _NATIVE.items()
    }
    key = name.strip().lower().replace("_", "-").replace(".", "").replace(" ", "")
    if key in known:
        return known[key]
    near = difflib.get_close_matches(key, known, n=1)
    raise ConfigurationError(
        _("{name!r} is not a kind of server that is known.").format(name=name),
        why=_("Did you mean {near!r}?").format(near=near[0]) if near else "",
        fix=_("Known kinds: {names}.").format(names=", ".join(n for n in SERVERS if n not in _NATIVE)),
    )


_NATIVE = {"ollama": "ollama-compatible", "dashscope": "dashscope-compatible"}
"""Rows of protocols of their own: who says these names of a server of Chat Completions means the second."""
