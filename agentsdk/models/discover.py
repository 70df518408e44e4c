"""Finds what is reachable from here: keys that are set, and model servers answering on this machine."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from agentsdk.i18n import _

KEYS = {"OPENAI_API_KEY": "openai:gpt-4o-mini", "DASHSCOPE_API_KEY": "dashscope:qwen-plus"}
"""The variables that hold keys, and a model that each opens."""

_LARGEST = 4 * 1024 * 1024
"""Bytes of an answer that are read: the longest list of models is far below."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model that a server offers."""

    name: str
    """As it is typed after --model."""
    abilities: tuple[str, ...] = ()
    """"tools", "vision", "thinking", "embedding": as far as the server says."""
    context: int | None = None
    """Tokens of its window; None where the server does not say."""
    source: str = ""
    """Where the facts come from: the path asked."""

    @property
    def chats(self) -> bool:
        """Whether it answers questions; a model for embeddings does not."""
        return "embedding" not in self.abilities and "embed" not in self.name.lower()


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answered."""

    kind: str
    """"Ollama", "LM Studio", "llama.cpp", "vLLM", or "OpenAI-compatible"."""
    base_url: str
    """What --base-url takes."""
    models: tuple[Found, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the server as plain JSON."""
        models = [
            {"name": m.name, "abilities": list(m.abilities), "context": m.context, "source": m.source}
            for m in self.models
        ]
        return {"kind": self.kind, "base_url": self.base_url, "models": models}


@dataclass(frozen=True, slots=True)
class Report:
    """What is reachable."""

    keys: tuple[str, ...] = ()
    """Variables that are set; never their values."""
    servers: tuple[Server, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to use where none was named."""

    model: str
    base_url: str | None
    why: str
    """One sentence in the user's language."""


async def discover(timeout: float = 0.4, *, base_url: str | None = None) -> Report:
    """Return what is reachable, within about `timeout` seconds.

    Only this machine is asked, on the usual ports, and `base_url` where one is given. An answer that is slow,
    broken or not a model server's is as good as none.
    """
    # OLLAMA_HOST may name another machine: then it is asked, since the user has said so.
    probes: list[tuple[str, Callable[[str], Awaitable[Server | None]]]] = [
        (ollama_url(), _ask_ollama),
        ("http://127.0.0.1:1234", _ask_lm_studio),
        ("http://127.0.0.1:8080", _ask_llamacpp),
        ("http://127.0.0.1:8000", _ask_openai),
        ("http://127.0.0.1:1025", _ask_openai),
    ]
    if base_url:
        probes.append((base_url.rstrip("/").removesuffix("/v1"), _ask_openai))

    async def probe(url: str, ask: Callable[[str], Awaitable[Server | None]]) -> Server | None:
        try:
            async with asyncio.timeout(timeout):
                return await ask(url)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            TimeoutError,
            asyncio.IncompleteReadError,
        ):
            return None

    found = await asyncio.gather(*(probe(url, ask) for url, ask in probes))
    keys = tuple(k for k in KEYS if os.environ.get(k, "").strip())
    return Report(keys, tuple(s for s in found if s is not None))


def choose(report: Report, environ: Mapping[str, str]) -> Choice:
    """Return the model to use where none was named: AGENTSDK_MODEL, else a server here, else the embedded one.

    A key alone never sends anything anywhere.
    """
    if named := environ.get("AGENTSDK_MODEL", "").strip():
        return Choice(named, None, _("AGENTSDK_MODEL says so"))
    for server in report.servers:
        if not _is_loopback(server.base_url):
            continue
        chatting = [m for m in server.models if m.chats]
        best = next((m for m in chatting if "tools" in m.abilities), chatting[0] if chatting else None)
        if best:
            why = _("{kind} answers at {url}").format(kind=server.kind, url=server.base_url)
            return Choice(best.name, None if server.kind == "Ollama" else server.base_url, why)
    return Choice("offline:extract", None, _("no model was named, and no server answers on this machine"))


def ollama_url() -> str:
    """Return where Ollama is: OLLAMA_HOST, as its own client reads it, else port 11434 of this machine."""
    host = os.environ.get("OLLAMA_HOST", "").strip()
    if not host:
        return "http://127.0.0.1:11434"
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url)
    name = parts.hostname or "127.0.0.1"
    # A server listens on 0.0.0.0; a client cannot call it.
    name = "127.0.0.1" if name == "0.0.0.0" else f"[{name}]" if ":" in name else name  # noqa: S104  # read, not bound
    port = parts.port or (11434 if "://" not in host else 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{name}:{port}"


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


async def _ask_ollama(url: str) -> Server | None:
    names = [m["name"] for m in (await _get(url, "/api/tags"))["models"]][:50]

    async def facts(name: str) -> Found:
        try:
            shown = await _get(url, "/api/show", {"model": name})
            info = shown.get("model_info") or {}
            context = next((v for k, v in info.items() if k.endswith(".context_length")), None)
            abilities = tuple(a for a in shown.get("capabilities") or () if a != "completion")
            return Found(f"ollama:{name}", abilities, context, "/api/show")
        except (OSError, ValueError, KeyError, AttributeError):
            return Found(f"ollama:{name}", source="/api/tags")

    return Server("Ollama", url, tuple(await asyncio.gather(*map(facts, names))))


async def _ask_lm_studio(url: str) -> Server | None:
    models = (await _get(url, "/api/v0/models"))["data"]
    found = []
    for m in models:
        abilities = ["embedding"] if m.get("type") == "embeddings" else []
        abilities += ["vision"] if m.get("type") == "vlm" else []
        abilities += ["tools"] if "tool_use" in (m.get("capabilities") or ()) else []
        context = m.get("loaded_context_length") or m.get("max_context_length")
        found.append(Found(f"openai:{m['id']}", tuple(abilities), context, "/api/v0/models"))
    return Server("LM Studio", f"{url}/v1", tuple(found))


async def _ask_llamacpp(url: str) -> Server | None:
    server = await _ask_openai(url)
    if server is None:
        return None
    try:
        props = await _get(url, "/props")
    except (OSError, ValueError):
        return server
    context = (props.get("default_generation_settings") or {}).get("n_ctx")
    vision = ("vision",) if (props.get("modalities") or {}).get("vision") else ()
    models = tuple(Found(m.name, (*m.abilities, *vision), context, "/props") for m in server.models)
    return Server("llama.cpp", server.base_url, models)


async def _ask_openai(url: str) -> Server | None:
    models = (await _get(url, "/v1/models"))["data"]
    found = tuple(Found(f"openai:{m['id']}", (), m.get("max_model_len"), "/v1/models") for m in models)
    kind = "vLLM" if any(m.get("owned_by") == "vllm" for m in models) else "OpenAI-compatible"
    return Server(kind, f"{url}/v1", found)


async def _get(url: str, path: str, body: Any = None) -> Any:
    """Return the JSON that a server answers, over a socket of its own.

    A client library costs a quarter of a second to import and a TLS context; asking five ports that mostly
    refuse should cost nothing. Only plain HTTP: an https address is left to the adapters.
    """
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ValueError(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=_LARGEST)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{'POST' if data else 'GET'} {path} HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        if data:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        writer.write(head.encode() + b"\r\n" + data)
        await writer.drain()
        raw = await reader.read(_LARGEST)
        while chunk := await reader.read(_LARGEST - len(raw)) if len(raw) < _LARGEST else b"":
            raw += chunk
    finally:
        writer.close()
    head_bytes, _blank, content = raw.partition(b"\r\n\r\n")
    status, *headers = head_bytes.decode("latin-1").split("\r\n")
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
