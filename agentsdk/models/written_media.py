"""Sees to the media of a request that is already written: refused, or fetched, as attached.py does with a Message's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentsdk.media import Media, MediaKind
from agentsdk.models.attached import check, fetched
from agentsdk.models.facts import Facts
from agentsdk.models.servers import Server
from agentsdk.models.window import placed

_TYPES: dict[str, MediaKind] = {
    "image_url": "image", "input_image": "image", "image": "image",
    "input_audio": "audio", "audio_url": "audio", "audio": "audio",
    "video_url": "video", "video": "video",
    "file": "file", "input_file": "file",
}  # fmt: skip
"""By the type of a part, in Chat Completions and Responses; DashScope's parts have three of them as their field."""

_HOLDERS = ("content", "output")
"""The fields of a message, and of a result in Responses, that hold parts."""


def shows_anything(body: Mapping[str, Any]) -> bool:
    """Return whether there is anything but text in the conversation of a request."""
    return bool(kinds_in(body))


def kinds_in(body: Mapping[str, Any]) -> set[MediaKind]:
    """Return the kinds of media that a request holds, in any of the protocols."""
    place = placed(body)
    found: set[MediaKind] = set()
    for item in place.conversation if place else ():
        if not isinstance(item, Mapping):  # a request in no form of ours, such as one for embeddings
            continue
        found |= {kind for _field, _at, part in _parts(item) if (kind := _kind(part))}
        if item.get("images"):  # Ollama's
            found.add("image")
    return found


async def attach_written(
    body: Mapping[str, Any], *, model: str, facts: Facts, server: Server
) -> dict[str, Any]:
    """Return a request with its media as its server takes them: addresses that it does not fetch are fetched here.

    Args:
        body: the request; it is left as it is.
        model: the model's name, for errors.
        facts: what the model can do; what nobody knows is tried.
        server: what the server takes.

    Raises:
        UnsupportedMedia: the model or its server cannot take a kind; nothing was sent.
        MediaUnreadable: an address is not public, cannot be reached, or holds something else.

    """
    for kind in sorted(kinds_in(body)):
        check(kind, model, facts, server)
    place = placed(body)
    if server.media_urls or place is None:
        return dict(body)
    conversation: list[Any] = []
    for item in place.conversation:
        if not isinstance(item, Mapping):
            conversation.append(item)
            continue
        whole = dict(item)
        for field, at, part in _parts(item):
            if (shown := _kind(part)) and (url := _address(part)):
                media = await fetched(Media(shown, "", url=url))
                whole[field] = [*whole[field][:at], _with(part, media.uri), *whole[field][at + 1 :]]
        conversation.append(whole)
    return place.put(conversation)


def _parts(item: Any) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Yield the parts of a message: the field that they stand in, their place there, and each."""
    for field in _HOLDERS:
        held = item.get(field)
        for at, part in enumerate(held if isinstance(held, list) else ()):
            if isinstance(part, Mapping):
                yield field, at, part


def _kind(part: Mapping[str, Any]) -> MediaKind | None:
    if "type" in part:
        return _TYPES.get(str(part["type"]))
    return next((_TYPES[name] for name in ("image", "audio", "video") if name in part), None)


def _address(part: Mapping[str, Any]) -> str:
    """Return where a part's data lies, when it is not in the part itself."""
    inner = part.get(_field(part))
    url = inner.get("url") if isinstance(inner, Mapping) else inner
    return url if isinstance(url, str) and not url.startswith("data:") else ""


def _with(part: Mapping[str, Any], uri: str) -> dict[str, Any]:
    inner = part[_field(part)]
    return {**part, _field(part): {**inner, "url": uri} if isinstance(inner, Mapping) else uri}


def _field(part: Mapping[str, Any]) -> str:
    """Return the field of a part that may hold an address: it is named as the part, but in Responses."""
    kind = str(part.get("type"))
    return {"input_image": "image_url"}.get(kind, kind if kind.endswith("_url") else "")
