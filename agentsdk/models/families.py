"""What families of models emit and take wherever they are served, kept as data.

A row holds what cannot be asked of a server, and what is believed where none was asked: what a server says of its
model goes first (facts.py). Figures are tokens; `source` says where a row was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Thinking = Literal["never", "always", "switch"]
"""Whether a model thinks before it answers; "switch": as it is told."""

Dialect = Literal["hermes", "llama", "marks"]
"""How a model without native tools is told of tools and calls them: `<tool_call>` tags, bare JSON with "parameters",
or the ✿ marks of Qwen 1.5 and 2."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a family of models emits and takes, wherever it is served."""

    name: str
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The output limit's name in Chat Completions: models that reason refuse `max_tokens`."""
    takes_sampling: bool = True
    """Whether temperature, top_p and stop are accepted."""
    api: Literal["chat", "responses"] = "chat"
    """Which of OpenAI's two protocols it is asked by, on OpenAI's own server."""
    tools: bool = True
    """Whether it was trained to call tools; else it is told of them in text."""
    parallel: bool = True
    """Whether one answer may hold several calls."""
    vision: bool = False
    audio: bool = False
    video: bool = False
    images: int | None = None
    """Pictures that one conversation may hold; None where there is no limit to speak of."""
    thinking: Thinking = "never"
    thinks_unasked: bool = False
    """Whether it thinks where a request does not say whether it shall."""
    efforts: tuple[str, ...] = ()
    """The words for how hard it thinks; () where it can only be switched."""
    quiet: str = ""
    """What a question may end in so that it does not think, where its server has no field for that."""
    opens_in_thought: bool = False
    """Whether its template opens the thought itself, so that the first tag of an answer is the closing one."""
    json_schema: bool = True
    """Whether an answer can be held to a JSON schema where its server knows how."""
    stream_only: bool = False
    """Whether its provider answers it as a stream only."""
    dialect: Dialect = "hermes"
    eager: bool = False
    """Whether it calls a tool for every question that is asked beside tools, unless it is told not to."""
    context: int | None = None
    """Tokens of the window, question and answer together; for GPT-5 those of the question, which has its own limit."""
    output: int | None = None
    """Tokens that one answer may have at most."""
    tokens: str = "o200k"
    """Whose counts its tokenizer follows: "o200k", "llama" or "qwen"."""
    source: str = ""
    """Where the row was read."""


Row = tuple[re.Pattern[str], Family]

_LANGCHAIN = "langchain_openai 1.7.3, data/_profiles.py (models.dev)"
_STUDIO = "adapters.md 5 and Alibaba Cloud Model Studio, list of models"
_CARD = "the model card on Hugging Face"


def _row(pattern: str, name: str, source: str, **facts: Any) -> Row:
    return re.compile(r"(?<![a-z0-9])(?:" + pattern + ")"), Family(name, source=source, **facts)


_GPT: dict[str, Any] = {"limit_name": "max_completion_tokens", "vision": True}
_REASONS: dict[str, Any] = _GPT | {
    "takes_sampling": False,
    "thinking": "always",
    "thinks_unasked": True,
    "efforts": ("low", "medium", "high"),
    "api": "responses",
}
_GPT5: dict[str, Any] = _REASONS | {"context": 272_000, "output": 128_000}
_EFFORTS5 = ("minimal", "low", "medium", "high")
_EFFORTS51 = ("none", "low", "medium", "high")
_EFFORTS52 = ("none", "low", "medium", "high", "xhigh")
_QUIET: dict[str, Any] = {"thinking": "switch", "thinks_unasked": False}

# Whatever thinks is asked by Responses on OpenAI's own server: its thoughts travel with its calls there only, and from
# gpt-5.4 on tools beside an effort are refused in Chat Completions (openai-openapi 541).
_GPT_ROWS = (
    _row(r"gpt-oss", "gpt-oss", "openai/gpt-oss model card; Groq's table of tool use", thinking="always",
         thinks_unasked=True, efforts=("low", "medium", "high"), parallel=False, context=131_072, output=131_072),
    _row(r"(?:gpt-5(?:\.\d)?-codex|codex)", "gpt-codex", _LANGCHAIN,
         **_GPT5 | {"efforts": _EFFORTS52}),
    _row(r"gpt-5(?:\.\d)?-pro", "gpt-5-pro", _LANGCHAIN, **_GPT5 | {"efforts": _EFFORTS52}),
    _row(r"gpt-5(?:\.\d)?-chat", "gpt-5-chat", _LANGCHAIN, context=128_000, output=16_384, **_GPT),
    _row(r"gpt-5\.1", "gpt-5.1", _LANGCHAIN, **_GPT5 | _QUIET | {"efforts": _EFFORTS51}),
    _row(r"gpt-5\.4-(?:mini|nano)", "gpt-5.4-mini", _LANGCHAIN,
         **_GPT5 | _QUIET | {"efforts": _EFFORTS52, "context": 400_000}),
    _row(r"gpt-5\.4", "gpt-5.4", _LANGCHAIN,
         **_GPT5 | _QUIET | {"efforts": _EFFORTS52, "context": 1_050_000}),
    _row(r"gpt-5\.[23]", "gpt-5.2", _LANGCHAIN, **_GPT5 | _QUIET | {"efforts": _EFFORTS52}),
    _row(r"gpt-5\.6-sol", "gpt-5.6-sol", _LANGCHAIN,
         **_GPT5 | {"thinking": "switch", "efforts": (*_EFFORTS52, "max"), "context": 1_050_000}),
    _row(r"gpt-(?:5\.[5-9]|[6-9])", "gpt-5.5", _LANGCHAIN,
         **_GPT5 | {"thinking": "switch", "efforts": (*_EFFORTS52, "max"), "context": 1_050_000}),
    _row(r"gpt-5", "gpt-5", _LANGCHAIN, **_GPT5 | {"efforts": _EFFORTS5}),
    _row(r"o1-(?:mini|preview)", "o1-mini", "OpenAI's list of models (both withdrawn)", tools=False,
         json_schema=False, context=128_000, output=32_768,
         **_REASONS | {"vision": False, "efforts": (), "api": "chat"}),
    _row(r"o[13]-pro", "o-pro", _LANGCHAIN, context=200_000, output=100_000, **_REASONS),
    _row(r"o3-mini", "o3-mini", _LANGCHAIN, context=200_000, output=100_000, **_REASONS | {"vision": False}),
    _row(r"o[134](?![0-9a-z])", "o-series", _LANGCHAIN, context=200_000, output=100_000, **_REASONS),
    _row(r"gpt-(?:4o(?:-mini)?-)?audio|gpt-4o-mini-audio|gpt-realtime", "gpt-audio", "OpenAI's list of models",
         context=128_000, output=16_384, audio=True, json_schema=False, **_GPT | {"vision": False}),
    _row(r"gpt-4o(?:-mini)?-search", "gpt-4o-search", "OpenAI's list of models", tools=False, takes_sampling=False,
         context=128_000, output=16_384, **_GPT | {"vision": False}),
    _row(r"gpt-4o|chatgpt-4o", "gpt-4o", _LANGCHAIN, context=128_000, output=16_384, **_GPT),
    _row(r"gpt-4\.1", "gpt-4.1", _LANGCHAIN, context=1_047_576, output=32_768, **_GPT),
    _row(r"gpt-4\.5", "gpt-4.5", "OpenAI's list of models (withdrawn)", context=128_000, output=16_384, **_GPT),
    _row(r"gpt-4-(?:turbo|vision|1106|0125)", "gpt-4-turbo", _LANGCHAIN, json_schema=False, context=128_000,
         output=4_096, **_GPT),
    _row(r"gpt-4", "gpt-4", _LANGCHAIN, json_schema=False, context=8_192, output=8_192, **_GPT | {"vision": False}),
    _row(r"gpt-(?:3\.5|35)", "gpt-3.5", _LANGCHAIN, json_schema=False, context=16_385, output=4_096,
         **_GPT | {"vision": False}),
    _row(r"gpt-", "gpt", "what all of the family have", context=128_000, **_GPT),
)  # fmt: skip

_LLAMA: dict[str, Any] = {"dialect": "llama", "tokens": "llama", "context": 131_072}
_ONE_CALL: dict[str, Any] = _LLAMA | {"parallel": False}  # Q32: vLLM's page on tool calling

_LLAMA_ROWS = (
    _row(r"llama-?4(?![0-9]|bit|b)", "llama-4", f"{_CARD}; 128k to 131k as served", vision=True, **_LLAMA),
    _row(r"llama-?v?3[.p-]2.*(?:vision|11b|90b)|llama-?3[.p-]2-?vision|mllama", "llama-3.2-vision",
         f"{_CARD}; Ollama says it has no tools (Q28), one picture (Q45)", tools=False, vision=True, images=1,
         **_ONE_CALL),
    _row(r"llama-?v?3[.p-]2(?![0-9b])", "llama-3.2", f"{_CARD}; Q31", eager=True, **_ONE_CALL),
    _row(r"llama-?v?3[.p-]1(?![0-9b])", "llama-3.1", f"{_CARD}; Q31", eager=True, **_ONE_CALL),
    _row(r"llama-?v?3[.p-]3(?![0-9b])", "llama-3.3", _CARD, **_ONE_CALL),
    _row(r"llama-?v?3", "llama-3", _CARD, tools=False, **_ONE_CALL | {"context": 8_192}),
    _row(r"llama-?2", "llama-2", _CARD, tools=False, **_ONE_CALL | {"context": 4_096}),
)  # fmt: skip

_QWEN: dict[str, Any] = {"tokens": "qwen"}
_HYBRID: dict[str, Any] = _QWEN | {"thinking": "switch", "thinks_unasked": True}
_ALWAYS: dict[str, Any] = _QWEN | {"thinking": "always", "thinks_unasked": True}
# Qwen3.5 and later write nothing but the closing tag: their template opens the thought.
_OPENED: dict[str, Any] = {"opens_in_thought": True}
_HOSTED: dict[str, Any] = _QWEN | {"json_schema": False}  # json_object only, on DashScope

_QWEN_ROWS = (
    # The models that DashScope sells by name. Windows differ by region: the smaller one is given.
    _row(r"qwen-?3\.[5-9]-(?:plus|flash)", "qwen3.5-plus", _STUDIO, vision=True, video=True, context=1_000_000,
         output=65_536, **_HYBRID),
    _row(r"qwen-?3\.[5-9]-max", "qwen3.7-max", _STUDIO, context=1_000_000, output=65_536, **_HYBRID),
    _row(r"qwen-?3-max-thinking", "qwen3-max-thinking", _STUDIO, context=262_144, output=65_536,
         **_ALWAYS | {"json_schema": False}),
    _row(r"qwen-?3-max", "qwen3-max", _STUDIO, context=262_144, output=65_536, **_HOSTED | _QUIET),
    _row(r"qwen-?3-coder-(?:plus|flash)", "qwen3-coder-plus", _STUDIO, context=1_000_000, output=65_536, **_HOSTED),
    _row(r"qwen-?3-vl-(?:plus|flash)", "qwen3-vl-plus", _STUDIO, vision=True, video=True, context=262_144,
         output=32_768, **_HOSTED | _QUIET),
    _row(r"qwen-?3(?:\.5)?-omni-(?:flash|plus|turbo)", "qwen3-omni-flash", _STUDIO, vision=True, audio=True,
         video=True, stream_only=True, context=65_536, output=16_384, **_HOSTED | _QUIET),
    _row(r"qwen-(?:2\.5-)?omni-(?:turbo|flash)", "qwen-omni-turbo", _STUDIO, vision=True, audio=True, video=True,
         stream_only=True, context=32_768, output=2_048, **_HOSTED),
    _row(r"qwen-(?:2\.5-)?vl-(?:max|plus|ocr)", "qwen-vl", _STUDIO, vision=True, video=True, context=131_072,
         output=8_192, **_HOSTED),
    _row(r"qwen-(?:2\.5-)?max", "qwen-max", _STUDIO, context=32_768, output=8_192, **_HOSTED),
    _row(r"qwen-plus", "qwen-plus", _STUDIO, context=131_072, output=8_192, **_HOSTED | _QUIET),
    _row(r"qwen-flash", "qwen-flash", _STUDIO, context=1_000_000, output=32_768, **_HOSTED | _QUIET),
    _row(r"qwen-turbo", "qwen-turbo", _STUDIO, context=131_072, output=8_192, **_HOSTED | _QUIET),
    _row(r"qwen-long", "qwen-long", _STUDIO, tools=False, context=10_000_000, output=8_192, **_HOSTED),
    _row(r"qwen-coder", "qwen-coder", _STUDIO, context=131_072, output=8_192, **_HOSTED),
    _row(r"qwen-(?:mt|math)", "qwen-mt", _STUDIO, tools=False, context=4_096, output=2_048, **_HOSTED),
    _row(r"qvq", "qvq", _STUDIO, tools=False, vision=True, video=True, stream_only=True, context=131_072,
         output=8_192, **_ALWAYS | _OPENED | {"json_schema": False}),
    _row(r"qwq-plus", "qwq-plus", _STUDIO, stream_only=True, context=131_072, output=8_192,
         **_ALWAYS | _OPENED | {"json_schema": False}),
    # The open weights.
    _row(r"qwq", "qwq", _CARD, context=131_072, output=32_768, **_ALWAYS | _OPENED),
    _row(r"qwen-?(?:3[.p-]|3)[5-9](?![0-9b])", "qwen3.5", f"{_CARD}; models.dev", vision=True, video=True,
         context=262_144, output=65_536, **_HYBRID | _OPENED),
    _row(r"qwen-?3-?omni.*thinking", "qwen3-omni-thinking", _CARD, vision=True, audio=True, video=True,
         context=65_536, output=16_384, **_ALWAYS | _OPENED),
    _row(r"qwen-?3-?omni", "qwen3-omni", _CARD, vision=True, audio=True, video=True, context=65_536, output=16_384,
         **_QWEN),
    _row(r"qwen-?3-?vl.*instruct", "qwen3-vl", _CARD, vision=True, video=True, context=262_144, output=32_768,
         **_QWEN),
    _row(r"qwen-?3-?vl", "qwen3-vl-thinking", f"{_CARD}; Ollama's plain tags are the thinking ones", vision=True,
         video=True, context=262_144, output=32_768, **_ALWAYS | _OPENED),
    _row(r"qwen-?3-?coder", "qwen3-coder", _CARD, context=262_144, output=65_536, **_QWEN),
    _row(r"qwen-?3.*instruct|qwen-?3.*non-?thinking", "qwen3-instruct", _CARD, context=262_144, output=16_384,
         **_QWEN),
    _row(r"qwen-?3.*(?:thinking|2507)", "qwen3-thinking", _CARD, context=262_144, output=32_768,
         **_ALWAYS | _OPENED),
    _row(r"qwen3:(?:4b|30b|235b)$", "qwen3-thinking", "Ollama's library: these tags are the thinking models of 2507",
         context=262_144, output=32_768, **_ALWAYS | _OPENED),
    _row(r"qwen-?3(?![0-9])", "qwen3", f"{_CARD}: soft switch", context=40_960, output=32_768, quiet="/no_think",
         **_HYBRID),
    _row(r"qwen-?2[.p-]?5-?vl", "qwen2.5-vl", _CARD, vision=True, video=True, context=128_000, output=8_192, **_QWEN),
    _row(r"qwen-?2[.p-]?5-?omni", "qwen2.5-omni", _CARD, tools=False, vision=True, audio=True, video=True,
         context=32_768, output=8_192, **_QWEN),
    _row(r"qwen-?2[.p-]?5-?coder", "qwen2.5-coder", f"{_CARD}; writes its calls as bare JSON (Q4)", context=32_768,
         output=8_192, **_QWEN),
    _row(r"qwen-?2[.p-]?5-?math", "qwen2.5-math", _CARD, tools=False, context=4_096, output=2_048, **_QWEN),
    _row(r"qwen-?2[.p-]?5", "qwen2.5", _CARD, context=32_768, output=8_192, **_QWEN),
    _row(r"qwen-?2-?vl", "qwen2-vl", _CARD, tools=False, vision=True, video=True, context=32_768, output=8_192,
         dialect="marks", **_QWEN),
    _row(r"qwen-?2-?audio", "qwen2-audio", _CARD, tools=False, audio=True, context=8_192, output=2_048,
         dialect="marks", **_QWEN),
    _row(r"qwen-?(?:1[.p-]?5|2)(?![0-9])", "qwen2", "Qwen-Agent's templates; Q8", tools=False, context=32_768,
         output=8_192, dialect="marks", **_QWEN),
    _row(r"qwen", "qwen", "what all of the family have", **_QWEN),
)  # fmt: skip

_DEEP = "DeepSeek's API documentation, pricing and thinking mode, 2026"
_DEEPSEEK_ROWS = (
    _row(r"deepseek-r1-distill.*llama", "r1-distill-llama", _CARD, tools=False, thinking="always",
         thinks_unasked=True, opens_in_thought=True, output=32_768, **_ONE_CALL),
    _row(r"deepseek-r1(?:-distill|:(?:1\.5b|7b|8b|14b|32b|70b))", "r1-distill-qwen", _CARD, tools=False,
         context=131_072, output=32_768, **_ALWAYS | _OPENED),
    _row(r"deepseek-(?:reasoner|r1)", "deepseek-reasoner", _DEEP, thinking="always", thinks_unasked=True,
         opens_in_thought=True, json_schema=False, context=131_072, output=65_536),
    _row(r"deepseek-v4", "deepseek-v4", _DEEP, thinking="switch", thinks_unasked=True, efforts=("high", "max"),
         json_schema=False, context=1_000_000, output=384_000),
    _row(r"deepseek-(?:chat|v3)", "deepseek-chat", _DEEP, json_schema=False, context=131_072, output=8_192),
    _row(r"deepseek", "deepseek", "what all of the family have", json_schema=False),
)  # fmt: skip

_SEEING_ROWS = (
    _row(r"(?:bak)?llava|phi-?3(?:[.p]5)?-vision", "llava", f"{_CARD}: for pictures, not trained on tools", tools=False,
         vision=True),
    _row(r"gemma-?3[-:]?(?:4|12|27)b|gemma-?3$|gemma-?3:latest", "gemma-3", f"{_CARD}; tools by prompt only",
         tools=False, vision=True),
)  # fmt: skip
"""What takes pictures and would be taken for a model that does not, by the one that it was made of."""

_OTHER_ROWS = (
    _row(r"gemma", "gemma", "Google's page on function calling with Gemma: by prompt only", tools=False),
    _row(r"(?:codellama|tinyllama|phi-?[1-3]|vicuna)", "plain", "none of them was trained on tools", tools=False),
)  # fmt: skip

FAMILIES: tuple[Row, ...] = (
    *_SEEING_ROWS, *_DEEPSEEK_ROWS, *_GPT_ROWS, *_LLAMA_ROWS, *_QWEN_ROWS, *_OTHER_ROWS,
)  # fmt: skip
"""The first row whose pattern is found in a name is its family: narrow ones stand before wide ones."""

_UNKNOWN = Family("unknown", source="nothing is known of it")


@lru_cache(maxsize=1024)
def family_of(name: str) -> Family:
    """Return the facts about a model's family, by the model's name without the provider.

    Names come in many spellings: with the maker ("meta-llama/Llama-3.1-8B-Instruct"), a tag ("llama3.1:8b"), a file
    ("Qwen3-8B-Q4_K_M.gguf"), a date ("gpt-4o-2024-08-06"), a fine-tuning ("ft:gpt-4o-mini:firm::id").
    """
    bare = re.sub(r"[/\\]+$", "", name.strip().lower())
    bare = re.split(r"[/\\]", bare)[-1].removeprefix("ft:").replace("_", "-").replace(" ", "-")
    return next((family for pattern, family in FAMILIES if pattern.search(bare)), _UNKNOWN)
