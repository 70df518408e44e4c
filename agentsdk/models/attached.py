"""Pictures, sound, video and documents of a conversation: checked, fetched where need be, and written for each wire."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from agentsdk.errors import MediaUnreadable, ToolError, UnsupportedMedia
from agentsdk.i18n import _
from agentsdk.media import LARGEST, Media, MediaKind
from agentsdk.messages import Message
from agentsdk.models.facts import Facts, source_told
from agentsdk.models.servers import Server

CHAT_ADDRESSES: frozenset[MediaKind] = frozenset({"image", "video"})
RESPONSES_ADDRESSES: frozenset[MediaKind] = frozenset({"image", "file"})
DASHSCOPE_ADDRESSES: frozenset[MediaKind] = frozenset({"image", "audio", "video"})
"""What each protocol takes by its address, where its server fetches any; the rest goes as bytes."""


def holds_media(messages: Iterable[Message]) -> bool:
    """Return whether there is anything but text in a conversation."""
    return any(m.media for m in messages)


async def attach(
    messages: Sequence[Message], *, model: str, facts: Facts, server: Server, by_address: frozenset[MediaKind]
) -> tuple[Message, ...]:
    """Return the conversation with everything in the form that its server takes: bytes, or an address.

    Args:
        messages: the conversation.
        model: the model's name, for errors.
        facts: what the model can do; what nobody knows is tried.
        server: what the server takes.
        by_address: the kinds that its protocol takes by their address.

    Raises:
        UnsupportedMedia: the model or its server cannot take a kind; nothing was sent.
        MediaUnreadable: an address is not public, cannot be reached, or holds something else.

    """
    for kind in sorted({media.kind for message in messages for media in message.media}):
        check(kind, model, facts, server)
    taken = by_address if server.media_urls else frozenset()
    ready = []
    for message in messages:
        media = await asyncio.gather(*(fetched(m, keep=m.kind in taken) for m in message.media))
        ready.append(replace(message, media=tuple(media)) if message.media else message)
    return tuple(ready)


async def fetched(media: Media, *, keep: bool = False) -> Media:
    """Return a medium with its bytes, fetched where it has an address alone, unless that is to be kept.

    Raises:
        MediaUnreadable: the address is not public, cannot be reached, or holds something else.

    """
    if media.data is not None or keep:
        return media
    from agentsdk.fetch import fetch  # no request to an address that only this machine can reach

    try:
        page = await fetch(media.url, most_bytes=LARGEST)
    except ToolError as error:
        raise MediaUnreadable(
            _("{url} cannot be sent to the model.").format(url=media.url),
            why=error.what,
            fix=_("Give the file itself."),
        ) from error
    if page.status != 200:
        raise MediaUnreadable(
            _("{url} cannot be sent to the model.").format(url=media.url),
            why=_("Its server answers {status}.").format(status=page.status),
        )
    got = Media.holding(page.body, mime=page.media_type, name=media.name)
    if got.kind != media.kind:
        raise MediaUnreadable(
            _("{url} cannot be sent to the model.").format(url=media.url),
            why=_("It is {found}, and not {kind}.").format(found=got.mime, kind=media.kind),
        )
    return got


def check(kind: MediaKind, model: str, facts: Facts, server: Server) -> None:
    """Refuse a kind that the model or its server cannot take.

    Raises:
        UnsupportedMedia: one of them is known not to take it.

    """
    able = {"image": facts.vision, "audio": facts.audio, "video": facts.video}.get(kind)
    if kind in server.media and able is not False:
        return
    source = {"image": "vision", "audio": "audio", "video": "video"}.get(kind, "")
    raise unsupported(kind, model, facts.sources.get(source) or f"table: {server.name}")


def unsupported(kind: MediaKind, model: str, source: str) -> UnsupportedMedia:
    """Return the error for a kind that a model does not take, by the source that says so."""
    return UnsupportedMedia(
        _("{model} takes no {kind}.").format(model=model, kind=_KINDS[kind]()),
        why=_("So says: {source}.").format(source=source_told(source)),
        fix=_("Take a model that does; agentsdk models shows what each can take."),
    )


_KINDS = {
    "image": lambda: _("pictures"),
    "audio": lambda: _("sound"),
    "video": lambda: _("video"),
    "file": lambda: _("documents"),
}


def chat_content(message: Message, server: Server) -> Any:
    """Return a turn's content as Chat Completions has it: text, or parts."""
    if not message.media:
        return message.text
    return [*(_chat_part(m, server) for m in message.media), *_text(message, "text")]


def _chat_part(media: Media, server: Server) -> dict[str, Any]:
    match media.kind:
        case "image":
            return {"type": "image_url", "image_url": {"url": media.uri}}
        case "audio":
            data = media.uri if server.audio_uris else media.base64
            return {"type": "input_audio", "input_audio": {"data": data, "format": _format(media)}}
        case "video":
            return {"type": "video_url", "video_url": {"url": media.uri}}
        case "file":
            return {"type": "file", "file": {"filename": media.name or "document.pdf", "file_data": media.uri}}


def responses_content(message: Message) -> Any:
    """Return a turn's content as Responses has it."""
    if not message.media:
        return message.text
    return [*map(_responses_part, message.media), *_text(message, "input_text")]


def _responses_part(media: Media) -> dict[str, Any]:
    match media.kind:
        case "image":
            return {"type": "input_image", "image_url": media.uri, "detail": "auto"}
        case "file" if media.data is None:
            return {"type": "input_file", "file_url": media.url}
        case "file":
            return {"type": "input_file", "filename": media.name or "document.pdf", "file_data": media.uri}
        case "audio" | "video":
            return {"type": "input_audio", "input_audio": {"data": media.base64, "format": _format(media)}}


def dashscope_content(message: Message) -> Any:
    """Return a turn's content as DashScope's multimodal path has it."""
    if not message.media:
        return message.text
    return [*({m.kind: m.uri} for m in message.media), *([{"text": message.text}] if message.text else [])]


def _text(message: Message, kind: str) -> list[dict[str, Any]]:
    return [{"type": kind, "text": message.text}] if message.text else []


def _format(media: Media) -> str:
    """Return OpenAI's word for a sound's format."""
    return {"audio/mpeg": "mp3", "audio/x-wav": "wav"}.get(media.mime, media.mime.partition("/")[2])
