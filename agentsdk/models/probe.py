"""Asks a server what its models can do, and reads the four shapes in which servers say so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from agentsdk.models.facts import Facts, Fetch, said
from agentsdk.models.servers import Probe

_LARGEST = 4 * 1024 * 1024
"""Bytes of an answer that are read: the longest list of models is far below."""


async def ask(probe: Probe, fetch: Fetch, name: str) -> Facts | None:
    """Return what a server says of one of its models; None where it does not know the model.

    Raises:
        Exception: whatever `fetch` raises, or reading what is not of the expected shape.

    """
    if probe == "/api/show":
        return read_show(await fetch(probe, {"model": name}))
    if probe == "/props":
        return read_props(await fetch(probe, None))
    if probe in ("/api/v0/models", "/v1/models"):
        read = read_lm_studio if probe == "/api/v0/models" else read_listed
        rows = [r for r in (await fetch(probe, None))["data"] if isinstance(r, Mapping)]
        mine = [r for r in rows if _same(str(r.get("id")), name)]
        return read(mine[0]) if mine else None
    return None


def read_show(shown: Mapping[str, Any]) -> Facts:
    """Return what Ollama's `/api/show` says: capabilities, and the window by "<architecture>.context_length"."""
    source = "/api/show"
    info = _mapping(shown.get("model_info"))
    context = next((_count(v) for k, v in info.items() if k.endswith(".context_length")), None)
    can = shown.get("capabilities")
    template = shown.get("template")
    details = _mapping(shown.get("details"))
    known_as = str(info.get("general.basename") or details.get("family") or "")
    if isinstance(can, list):
        return said(
            source,
            known_as=known_as,
            context=context,
            tools="tools" in can,
            vision="vision" in can,
            audio="audio" in can,
            thinking="switch" if "thinking" in can else "never",
        )
    # Before 0.6.4 it listed no capabilities; it told them by the template, and so can we.
    tools = ".Tools" in template if isinstance(template, str) and template else None
    return said(f"{source} (template)", known_as=known_as, tools=tools).over(
        said(source, known_as=known_as, context=context)
    )


def read_lm_studio(row: Mapping[str, Any]) -> Facts:
    """Return what a row of LM Studio's `/api/v0/models` says; the length that is loaded counts, not the greatest."""
    can = row.get("capabilities")
    kind = row.get("type")
    return said(
        "/api/v0/models",
        known_as=str(row.get("arch") or ""),
        context=_count(row.get("loaded_context_length")) or _count(row.get("max_context_length")),
        tools="tool_use" in can if isinstance(can, list) else None,
        vision=kind == "vlm" if isinstance(kind, str) else None,
    )


def read_props(props: Mapping[str, Any]) -> Facts:
    """Return what llama.cpp's `/props` says: the window of one slot, the media, and what the template can do."""
    media = _mapping(props.get("modalities"))
    caps = _mapping(props.get("chat_template_caps"))
    settings = _mapping(props.get("default_generation_settings"))
    return said(
        "/props",
        known_as=str(props.get("model_alias") or props.get("model_path") or ""),
        context=_count(settings.get("n_ctx")),
        tools=_flag(caps.get("supports_tool_calls", caps.get("supports_tools"))),
        vision=_flag(media.get("vision")),
        audio=_flag(media.get("audio")),
        parallel=_flag(caps.get("supports_parallel_tool_calls")),
    )


def read_listed(row: Mapping[str, Any]) -> Facts:
    """Return what a row of `/v1/models` says: vLLM and SGLang give the window, and the name before an alias."""
    return said("/v1/models", known_as=str(row.get("root") or ""), context=_count(row.get("max_model_len")))


def _same(listed: str, name: str) -> bool:
    return listed.casefold() == name.casefold() or listed.casefold().rsplit("/", 1)[-1] == name.casefold()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def root_of(base_url: str) -> str:
    """Return a server's root: what stands before "/v1", where its own paths begin."""
    return re.sub(r"/v1/?$|/api/?$", "", base_url.rstrip("/")).rstrip("/")


async def fetch_plainly(url: str, path: str, body: Any = None, *, key: str = "") -> Any:
    """Return the JSON that a server answers, over a socket of its own.

    A client library costs a quarter of a second to import; asking five ports that mostly refuse should cost nothing.

    Args:
        url: the server's root.
        key: sent as a bearer token.

    Raises:
        OSError: it cannot be reached.
        ValueError: the answer is not 200, not JSON, or too large.

    """
    import asyncio

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(url)
    tls = None
    if parts.scheme == "https":
        from agentsdk.models.http import tls_context

        tls = tls_context()
    port = parts.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls, limit=_LARGEST)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{'POST' if data else 'GET'} {parts.path}{path} HTTP/1.0",
            f"Host: {parts.netloc.rpartition('@')[2]}",
            "Accept: application/json",
            *([f"Authorization: Bearer {key}"] if key and "\n" not in key else []),
            *(["Content-Type: application/json", f"Content-Length: {len(data)}"] if data else []),
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        await writer.drain()
        raw = b""
        while len(raw) < _LARGEST and (chunk := await reader.read(_LARGEST - len(raw))):
            raw += chunk
    finally:
        writer.close()
    head, _blank, content = raw.partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    if " 200" not in status:
        raise ValueError(status)
    if any(h.lower().replace(" ", "") == "transfer-encoding:chunked" for h in headers):
        content = _dechunk(content)
    return json.loads(content)


def _dechunk(content: bytes) -> bytes:
    out = b""
    while content:
        size, _crlf, rest = content.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        out, content = out + rest[:length], rest[length + 2 :]
    return out
