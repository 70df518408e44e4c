"""Reads a folder of recordings into exchanges: what was asked, and the status, headers and bytes that came back.

Laid out like ../shared/recordings: a folder a provider, and in it vcrpy's YAML (or Ruby VCR's, or either as JSON),
bare answers (`.json`), and bare streams (`.txt`, `.chunks.txt`: server-sent events, or one JSON object a line).
It knows nothing of agentsdk, and neither does the judge that uses it as well.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

STREAMS = (".txt", ".jsonl", ".ndjson", ".sse", ".chunks")
CASSETTES = (".yaml", ".yml", ".json")
_LICENCE = re.compile(r"(?:licen[cs]es?|copying|notice)(?:\.\w+)?", re.IGNORECASE)
"""What the licence texts at a folder's top are called."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, where it was recorded, and its answer."""

    file: str
    """Relative to the folder, with slashes."""
    index: int
    """Its place in the file."""
    provider: str
    """The folder's first level."""
    status: int
    headers: Mapping[str, str]
    """Of the answer, with small letters; no length and no transfer encoding, for the body is delivered as it is here."""
    body: bytes
    """Of the answer. One data object a line has become server-sent events again."""
    method: str = "POST"
    url: str = ""
    """Empty where only the answer was recorded."""
    asked: Mapping[str, Any] | None = None
    """The request's JSON body; None where it was not recorded or is not a JSON object."""
    asked_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of the URL, without a slash at its end."""
        return urlsplit(self.url).path.rstrip("/")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file, or a part of one, that holds no exchange that could be read."""

    file: str
    index: int
    provider: str
    why: str


def unpacked(body: bytes) -> bytes:
    """Return a body without its gzip, as far as it goes."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(47).decompress(body)  # 47: a zlib or a gzip header
    except zlib.error:
        return body


def read_folder(folder: Path) -> Iterator[Exchange | Unreadable]:
    """Yield what a folder holds, in a fixed order; nothing is left out in silence."""
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).parts
        text = path.suffix.lower() in ("", ".txt") and len(parts) == 1 and _LICENCE.fullmatch(parts[0])
        hidden = path.name.startswith(".") and path.suffix.lower() not in (*STREAMS, *CASSETTES)
        told = parts[0] == "LICENSES" or path.suffix.lower() == ".md" or text or hidden
        if path.is_file() and not told:
            yield from read_file(path, folder)


def read_file(path: Path, folder: Path) -> Iterator[Exchange | Unreadable]:
    """Yield the exchanges of one file."""
    name = path.relative_to(folder).as_posix()
    provider = name.split("/")[0] if "/" in name else path.stem
    try:
        raw = path.read_bytes()
        found = list(_read(path, raw))
        if not found:
            raise ValueError("there is no exchange in it")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, yaml.YAMLError) as error:
        yield Unreadable(name, 0, provider, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return
    for index, item in enumerate(found):
        if isinstance(item, str):
            yield Unreadable(name, index, provider, item)
        else:
            yield Exchange(name, index, provider, **item)


def _read(path: Path, raw: bytes) -> Iterator[dict[str, Any] | str]:
    """Yield an Exchange's fields, or what is wrong with one."""
    low = path.name.lower()
    if low.endswith(STREAMS):
        yield _stream(raw)
    elif low.endswith(".json"):
        try:
            whole = json.loads(raw)
        except ValueError:
            yield _stream(raw)  # a stream under a wrong name, or a damaged answer: the adapter's matter
            return
        if _is_cassette(whole):
            yield from _interactions(whole)
        else:
            yield {
                "status": _status_of_error(whole),
                "headers": {"content-type": "application/json"},
                "body": raw,
            }
    elif low.endswith(CASSETTES):
        for document in yaml.load_all(raw, _loader()):  # a SafeLoader that takes unknown tags as plain
            if document is not None:
                yield from _interactions(document)
    else:
        raise ValueError(f"{path.suffix or 'no ending'}: no kind of recording that is known")


def _stream(raw: bytes) -> dict[str, Any]:
    """Return a bare stream. Lines of bare JSON become server-sent events, but for Ollama, where they are the protocol."""
    text = raw.removeprefix(b"\xef\xbb\xbf")
    lines = [line.strip() for line in text.split(b"\n") if line.strip()]
    if not lines:
        return {"status": 200, "headers": {"content-type": "application/json"}, "body": raw}
    if lines[0].startswith((b"data:", b"event:", b"id:", b":", b"retry:")):
        return {"status": 200, "headers": {"content-type": "text/event-stream"}, "body": raw}
    try:
        first = json.loads(lines[0])
    except ValueError:
        try:
            whole = json.loads(raw)
        except ValueError:
            return {"status": 200, "headers": {"content-type": "application/json"}, "body": raw}
        return {"status": _status_of_error(whole), "headers": {"content-type": "application/json"}, "body": raw}
    if isinstance(first, dict) and "done" in first:
        return {"status": 200, "headers": {"content-type": "application/x-ndjson"}, "body": raw}
    if len(lines) == 1 and not (
        isinstance(first, dict) and ("chunk" in str(first.get("object")) or "type" in first)
    ):
        return {"status": _status_of_error(first), "headers": {"content-type": "application/json"}, "body": raw}
    events = b"".join(b"data: " + line + b"\n\n" for line in lines)
    return {"status": 200, "headers": {"content-type": "text/event-stream"}, "body": events}


def _status_of_error(whole: Any) -> int:
    """Return the status that a bare answer most likely had: an error was hardly a 200."""
    error = whole.get("error") if isinstance(whole, Mapping) else None
    if not error or (isinstance(whole, Mapping) and whole.get("object") == "response"):
        return 200
    code = error.get("code") if isinstance(error, Mapping) else None
    if isinstance(code, int) and 400 <= code < 600:
        return code
    return 429 if code in ("insufficient_quota", "rate_limit_exceeded") else 400


def _is_cassette(whole: Any) -> bool:
    if isinstance(whole, list):
        return bool(whole) and all(isinstance(i, dict) and "response" in i for i in whole)
    return isinstance(whole, dict) and (
        isinstance(whole.get("interactions"), list)
        or isinstance(whole.get("http_interactions"), list)
        or ("request" in whole and "response" in whole)
    )


def _interactions(document: Any) -> Iterator[dict[str, Any] | str]:
    if not _is_cassette(document):
        raise ValueError("it has no list of interactions")
    if isinstance(document, dict):
        document = document.get("interactions") or document.get("http_interactions") or [document]
    for interaction in document:
        if not isinstance(interaction, Mapping) or not interaction.get("response"):
            yield "an interaction without a response"
            continue
        given = interaction["response"]
        for response in given if isinstance(given, list) else [given]:
            try:
                yield {**_request(interaction.get("request") or {}), **_response(response)}
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                yield f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _request(request: Mapping[str, Any]) -> dict[str, Any]:
    asked: Any = None
    try:
        asked = json.loads(_bytes(request.get("body", request.get("parsed_body"))) or b"null")
    except (ValueError, RecursionError):
        asked = None  # a form, or a sound
    if isinstance(request.get("parsed_body"), Mapping):
        asked = request["parsed_body"]
    return {
        "method": str(request.get("method") or "POST").upper(),
        "url": str(request.get("uri") or request.get("url") or ""),
        "asked": asked if isinstance(asked, Mapping) else None,
        "asked_headers": _headers(request.get("headers")),
    }


def _response(response: Mapping[str, Any]) -> dict[str, Any]:
    status = response.get("status", response.get("status_code"))
    if isinstance(status, Mapping):
        status = status.get("code")
    body = _bytes(response.get("body", response.get("content")))
    if not body and response.get("parsed_body") is not None:
        body = json.dumps(response["parsed_body"], ensure_ascii=False).encode()
    headers = _headers(response.get("headers"))
    for name in ("content-length", "transfer-encoding", "connection"):
        headers.pop(name, None)
    coded = headers.get("content-encoding", "").lower()
    # vcrpy may have unpacked the body and left the header.
    if coded and not (coded == "gzip" and body.startswith(b"\x1f\x8b")):
        headers.pop("content-encoding")
    elif not coded and body.startswith(b"\x1f\x8b"):
        headers["content-encoding"] = "gzip"
    if "content-type" not in headers and body.strip():
        events = body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"data:", b"event:", b"id:", b":"))
        headers["content-type"] = "text/event-stream" if events else "application/json"
    return {"status": int(status or 200), "headers": headers, "body": body}


def _bytes(body: Any) -> bytes:
    """Return a body's bytes: text, bytes, base64, or already read as JSON."""
    if isinstance(body, Mapping) and {"string", "base64_string", "encoding"} & set(body):
        if body.get("base64_string"):
            return _unbase64(body["base64_string"])
        string = body.get("string")
        if str(body.get("encoding") or "").lower() == "base64" and isinstance(string, (str, bytes)):
            return _unbase64(string)
        body = string
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _unbase64(text: str | bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except binascii.Error as error:
        raise ValueError(f"its body is not base64: {error}") from None


def _headers(headers: Any) -> dict[str, str]:
    if isinstance(headers, list):
        headers = {h.get("name"): h.get("value") for h in headers if isinstance(h, Mapping)}
    found: dict[str, str] = {}
    for name, value in (headers or {}).items():
        values = value if isinstance(value, list) else [value]
        found[_text(name).lower()] = ", ".join(_text(v) for v in values if v is not None)
    return found


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@cache
def _loader() -> Any:
    """Return a safe loader that takes a Python tag for what stands under it: old cassettes have them."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # yaml ships no types
        pass

    def plain(loader: Any, _suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", plain)
    Loader.add_multi_constructor("!", plain)
    return Loader
