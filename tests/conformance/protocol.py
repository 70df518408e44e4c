"""Tells which protocol an exchange speaks: by its path, then by the shape of its bodies; never by its folder alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tests.conformance.folder import Exchange, unpacked

Protocol = Literal["openai", "responses", "ollama", "dashscope", "not_chat", "unknown"]

_NOT_CHAT = (
    r"/(?:embed|embedding|embeddings|rerank|image|images|audio|video|videos|speech|transcription|"
    r"transcriptions|translations|moderations|file|files|task|tasks|uploads|batches|"
    r"fine_tuning|vector_stores|realtime|ws|tokenize|"
    r"tokenization|detokenize|count_tokens|input_tokens|tags|show|pull|push|create|copy|delete|blobs|"
    r"ps|version|props|health|slots|metrics|apply-template|usage|balance|key|credits|SpeechSynthesizer)(?:$|/)|/models?(?:/[^/:]+)?$"
)
"""What is no talk with a model. A talk in a protocol of its own (Anthropic's, Gemini's, Cohere's) is unknown: no adapter
is for it, and a run that passed over it would say more than was tried."""
_SERVICES = r"-(?:synthesis|embedding|rerank|recognition)(?:$|/)"
_PATHS: tuple[tuple[str, Protocol], ...] = (
    (r"/chat/completions$", "openai"),
    (r"/responses$", "responses"),
    (r"/api/chat$", "ollama"),
    (r"/(?:text|multimodal)-generation/generation$|/apps/[^/]+/completion$", "dashscope"),
)


def protocol_of(exchange: Exchange) -> Protocol:
    """Return the protocol; "not_chat" for what no chat adapter is for, "unknown" for what nothing is known of."""
    if exchange.method != "POST" or exchange.status == 101:
        return "not_chat"
    for pattern, protocol in _PATHS:
        if exchange.path and re.search(pattern, exchange.path):
            return protocol
    events = list(events_of(exchange.body))
    for event in events:
        if by_answer := _by_answer(event):
            return by_answer
    if re.search(_NOT_CHAT, exchange.path) or re.search(_SERVICES, exchange.path):
        return "not_chat"
    if any(_is_no_talk(event) for event in events):
        return "not_chat"
    failed = exchange.status >= 400 or any(
        e.get("error") or e.get("code") or e.get("base_resp") for e in events
    )
    by_request = _by_request(exchange.asked)
    if failed or (not events and not exchange.body.strip()):
        return by_request or by_folder(exchange.provider)
    return "unknown"  # a good answer in a shape of its own: no adapter is for it


def streamed(exchange: Exchange) -> bool:
    """Return whether the answer was asked for, or came, as a stream."""
    if looks_streamed(exchange.body):
        return True
    if "text/event-stream" in exchange.headers.get("content-type", ""):
        return True
    asked = exchange.asked or {}
    if exchange.asked_headers.get("x-dashscope-sse", "").lower() == "enable":
        return True
    if exchange.path.endswith("/api/chat") and "ndjson" in exchange.headers.get("content-type", ""):
        return asked.get("stream") is not False
    return asked.get("stream") is True


def looks_streamed(body: bytes) -> bool:
    """Return whether bytes are server-sent events, or JSON objects a line."""
    text = unpacked(body).removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"(?:data|event|id|retry)?:", text[:10]):
        return True
    lines = [line for line in text[:200_000].split(b"\n") if line.strip()][:2]
    return len(lines) > 1 and all(
        line.strip().startswith(b"{") and line.strip().endswith(b"}") for line in lines
    )


def events_of(body: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a body: the one that it is, or those of its events or lines."""
    text = unpacked(body).decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, Mapping):
        yield whole
        return
    for line in re.split(r"\r\n|\r|\n", text):
        data = line.removeprefix("data:")
        if data.strip().startswith("{"):
            try:
                event = json.loads(data)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, Mapping):
                yield event


def _by_answer(event: Mapping[str, Any]) -> Protocol | None:
    kind, sort = str(event.get("object") or ""), str(event.get("type") or "")
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    if kind.startswith("chat.completion") or "delta" in first or "message" in first:
        return "openai"
    if kind == "response" or sort.startswith("response."):
        return "responses"
    output = event.get("output")
    if isinstance(output, Mapping) and ({"choices", "text"} & set(output)):
        return "dashscope"
    if "done" in event and isinstance(event.get("message"), Mapping):
        return "ollama"
    return None


def _is_no_talk(event: Mapping[str, Any]) -> bool:
    """Return whether an answer is one to something else than a talk: vectors, a list, a text continued."""
    kind = str(event.get("object") or "")
    continued = "done" in event and isinstance(event.get("response"), str)  # Ollama's /api/generate
    return kind in ("text_completion", "list", "embedding", "model") or continued


def _by_request(asked: Mapping[str, Any] | None) -> Protocol | None:
    asked = asked or {}
    if isinstance(asked.get("input"), Mapping) and "messages" in asked["input"]:
        return "dashscope"
    if isinstance(asked.get("messages"), list):
        return "ollama" if "options" in asked or "keep_alive" in asked else "openai"
    return None


def by_folder(provider: str) -> Protocol:
    """Return the protocol for an error without a request: here its folder is all that says it."""
    low = provider.lower()
    if "dashscope" in low and "compatible" not in low:
        return "dashscope"
    if "ollama" in low and "openai" not in low:
        return "ollama"
    return "responses" if "responses" in low else "openai"
