"""Reads the contents of LangChain's messages: texts and media in the many forms that its providers gave them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, cast

from agentsdk.errors import InvalidRequest
from agentsdk.i18n import _
from agentsdk.media import Media, MediaKind

Part = str | Media

_SILENT = {
    "tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call", "input_json_delta",
    "thinking", "redacted_thinking", "reasoning", "reasoning_content", "refusal",
}  # fmt: skip
"""Blocks of an assistant's turn that are said elsewhere: calls stand in `tool_calls`, thoughts are not sent back."""

_DEFAULT_MIME = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/pdf"}
_KINDS: dict[str, MediaKind] = {
    "image": "image", "image_url": "image", "input_image": "image",
    "audio": "audio", "input_audio": "audio", "audio_url": "audio",
    "video": "video", "video_url": "video",
    "file": "file", "input_file": "file", "document": "file",
}  # fmt: skip


def parts_of(content: Any) -> list[Part]:
    """Return what a content says, in order: texts, and media by their bytes or their address.

    It reads LangChain's standard blocks (v0 and v1), and those of OpenAI, Anthropic and DashScope.

    Raises:
        InvalidRequest: a part is none of them; it is named.

    """
    if isinstance(content, str):
        return [content] if content else []
    return [part for block in content or () for part in _read(block)]


def text_of(parts: list[Part]) -> str:
    """Return the texts of a content, a line each."""
    return "\n".join(p for p in parts if isinstance(p, str))


def _read(block: Any) -> Iterator[Part]:
    if isinstance(block, str):
        yield block
        return
    if not isinstance(block, Mapping):
        raise _unknown(type(block).__name__)
    kind = block.get("type")
    if kind is None:  # DashScope's own form: {"text": ...}, {"image": ...}
        kind = next((k for k in ("text", "image", "audio", "video") if k in block), None)
    if kind == "non_standard":
        yield from _read(block.get("value"))
    elif kind in ("text", "text-plain", "input_text", "output_text"):
        if block.get("text"):
            yield str(block["text"])
    elif kind in _KINDS:
        yield _media(_KINDS[cast("str", kind)], block)
    elif kind not in _SILENT:
        raise _unknown(str(kind))


def _media(kind: MediaKind, block: Mapping[str, Any]) -> Media:
    name = str(block.get("filename") or block.get("name") or "")
    mime = str(block.get("mime_type") or "")
    inner: Any = block
    for field in ("source", "image_url", "audio_url", "video_url", "input_audio", "file"):
        if field in block:
            inner = block[field]
            break
    if isinstance(inner, str):
        return _at(kind, inner, mime, name)
    name = str(inner.get("filename") or name)
    mime = str(inner.get("media_type") or inner.get("mime_type") or mime)
    if not mime and inner.get("format"):
        mime = f"audio/{inner['format']}"
    for field in ("base64", "data", "file_data"):
        if isinstance(inner.get(field), str):
            data = inner[field]
            return _at(kind, data if data.startswith("data:") else f"data:{mime};base64,{data}", mime, name)
    for field in ("url", "image_url", "file_url", kind):
        if isinstance(inner.get(field), str):
            return _at(kind, inner[field], mime, name)
    raise InvalidRequest(
        _("A {kind} in the conversation has neither data nor an address.").format(kind=kind),
        fix=_('Give it as {{"type": "{kind}", "base64": ..., "mime_type": ...}} or with "url".').format(
            kind=kind
        ),
    )


def _at(kind: MediaKind, address: str, mime: str, name: str) -> Media:
    if not address.startswith("data:"):
        return Media(kind, mime or _DEFAULT_MIME[kind], url=address, name=name)
    head, _comma, body = address[5:].partition(",")
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            _("A {kind} in the conversation is not base64.").format(kind=kind), why=str(error)
        ) from None
    return Media(kind, head.split(";")[0] or mime or _DEFAULT_MIME[kind], data, name=name)


def _unknown(kind: str) -> InvalidRequest:
    return InvalidRequest(
        _("A part of the conversation is of a kind that cannot be sent: {kind}.").format(kind=kind),
        fix=_("Parts are text, image, audio, video and file, in LangChain's, OpenAI's or Anthropic's form."),
    )
