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
    r"transcriptions|translations|moderations|file|files|model|models|task|tasks|uploads|batches|"
    r"fine_tuning|assistants|threads|vector_stores|conversations|realtime|ws|inference|tokenize|"
    r"tokenization|detokenize|count_tokens|input_tokens|tags|show|pull|push|create|copy|delete|blobs|"
    r"ps|version|props|health|slots|metrics|messages|completion|completions|generate|infill|compact|"
    r"apply-template|usage|balance|key|credits|SpeechSynthesizer)(?:$|/)"
)
_OTHERS = (
    r"/(?:chat|converse|converse-stream|invoke|invoke-with-response-stream|run|predictions?|predict)(?:$|/)"
)
"""What chats by protocols of their own end in: Cohere's, Bedrock's and others'. The shapes of ours are looked for first."""
_PATHS: tuple[tuple[str, Protocol], ...] = (
    (r"/chat/completions$", "openai"),
    (r"/responses$", "responses"),
    (r"/api/chat$", "ollama"),
    (r"/(?:text|multimodal)-generation/generation$", "dashscope"),
    (_NOT_CHAT, "not_chat"),
    (r"-(?:synthesis|embedding|rerank|recognition)(?:$|/)|:\w+$", "not_chat"),
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
    failed = exchange.status >= 400 or any(e.get("error") or e.get("code") for e in events)
    if re.search(_OTHERS, exchange.path):
        return "not_chat"
    if events and not failed:
        return "unknown"  # a good answer in a shape of its own: no adapter is for it
    by_request = _by_request(exchange.asked)
    if by_request or failed or not exchange.body.strip():
        return by_request or by_folder(exchange.provider)
    return "unknown"


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
    if kind in ("text_completion", "list", "embedding", "model") or sort.startswith(
        ("message", "content_block")
    ):
        return "not_chat"
    if (
        "candidates" in event
        or ("done" in event and "response" in event)
        or isinstance(event.get("data"), list)
    ):
        return "not_chat"
    return None


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
