"""Finds what is reachable from here: keys that are set, and model servers answering on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from agentsdk.i18n import _
from agentsdk.models.facts import Facts, Served, facts_of, settled
from agentsdk.models.probe import fetch_plainly, read_listed, read_lm_studio, read_props, read_show, root_of
from agentsdk.models.servers import SERVERS, server_named, server_of

HOSTED = {
    "OPENAI_API_KEY": ("openai", ("gpt-4o-mini", "gpt-4.1", "gpt-5", "gpt-5.4", "gpt-5.6-sol", "o4-mini")),
    "DASHSCOPE_API_KEY": (
        "dashscope",
        ("qwen-flash", "qwen-plus", "qwen3-max", "qwen3.5-plus", "qwen3-vl-plus", "qwen3-omni-flash"),
    ),
    "ANTHROPIC_API_KEY": ("anthropic", ("claude-haiku-4-5", "claude-sonnet-5", "claude-opus-5")),
    "GOOGLE_API_KEY": ("google", ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.5-flash")),
}
"""Some of the models that a key opens. A provider is not asked: what is known of them is known here."""

KEYS = {
    "OPENAI_API_KEY": "openai:gpt-4o-mini",
    "DASHSCOPE_API_KEY": "dashscope:qwen-plus",
    "ANTHROPIC_API_KEY": "anthropic:claude-sonnet-5",
    "GOOGLE_API_KEY": "google:gemini-3.5-flash",
}
"""The variables that hold keys, and a model that each opens."""

_TITLES = {
    "ollama": "Ollama",
    "lmstudio": "LM Studio",
    "llamacpp": "llama.cpp",
    "vllm": "vLLM",
    "sglang": "SGLang",
    "mindie": "MindIE",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A model that a server offers."""

    name: str
    """As it is typed after --model."""
    facts: Facts = field(default_factory=Facts)
    chats: bool = True
    """Whether it answers questions; a model for embeddings does not."""

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain JSON."""
        return {"name": self.name, "chats": self.chats, "facts": self.facts.to_dict()}


@dataclass(frozen=True, slots=True)
class Answering:
    """A server that answered."""

    kind: str
    """Its row in the table of servers: "ollama", "lmstudio", "llamacpp", "vllm", "compatible"."""
    base_url: str
    """What --base-url takes."""
    models: tuple[Found, ...] = ()

    @property
    def title(self) -> str:
        """Its name as its makers write it."""
        return _TITLES.get(self.kind, "OpenAI-compatible")

    def to_dict(self) -> dict[str, Any]:
        """Return the server as plain JSON."""
        return {"kind": self.title, "base_url": self.base_url, "models": [m.to_dict() for m in self.models]}


_Asker = Callable[[str], Awaitable[Answering | None]]


@dataclass(frozen=True, slots=True)
class Report:
    """What is reachable."""

    keys: tuple[str, ...] = ()
    """Variables that are set; never their values."""
    servers: tuple[Answering, ...] = ()


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
    probes: list[tuple[str, tuple[_Asker, ...]]] = [
        (ollama_url(), (_ask_ollama,)),
        ("http://127.0.0.1:1234", (_ask_lm_studio,)),
        ("http://127.0.0.1:8080", (_ask_llamacpp,)),
        ("http://127.0.0.1:8000", (_ask_openai,)),
        ("http://127.0.0.1:1025", (_ask_openai,)),
    ]
    if base_url and root_of(base_url) not in (url for url, _askers in probes):
        # Any server may stand there: the one that tells most is believed.
        probes.append((root_of(base_url), (_ask_lm_studio, _ask_ollama, _ask_llamacpp)))

    async def probe(url: str, asker: _Asker) -> Answering | None:
        try:
            async with asyncio.timeout(timeout):
                return await asker(url)
        except Exception:  # whatever answers there, it is not a model server
            return None

    async def first(url: str, askers: tuple[_Asker, ...]) -> Answering | None:
        answers = await asyncio.gather(*(probe(url, asker) for asker in askers))
        return next((a for a in answers if a is not None), None)

    found = await asyncio.gather(*(first(url, askers) for url, askers in probes))
    keys = tuple(k for k in KEYS if os.environ.get(k, "").strip())
    return Report(keys, tuple(s for s in found if s is not None))


async def find(
    provider: str, name: str, *, base_url: str | None = None, server: str | None = None, timeout: float = 2.0
) -> Found:
    """Return what can be found out about one model: its server is asked, if that needs no provider's key.

    Args:
        provider: "openai", "ollama" or "dashscope".
        name: the server's name for the model.
        base_url: where it is served; OPENAI_BASE_URL or OLLAMA_HOST, else the provider's own address.
        server: what kind of server stands there, where its address does not say it.
        timeout: seconds that asking may take.

    """
    if provider != "openai":
        url = root_of(base_url) if base_url else ollama_url() if provider == "ollama" else ""
        served = Served(
            name,
            url,
            SERVERS.get(provider, SERVERS["compatible"]),
            partial(fetch_plainly, url) if url else None,
        )
        return Found(f"{provider}:{name}", await facts_of(served, patience=timeout))
    url = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    kind = server_named(server) if server else server_of(url)
    if kind.name == "compatible" and url.startswith("http://"):
        report = await discover(timeout, base_url=url)
        kind = next((SERVERS[s.kind] for s in report.servers if root_of(s.base_url) == root_of(url)), kind)
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    served = Served(name, url, kind, partial(fetch_plainly, root_of(url), key=key))
    return Found(f"openai:{name}", await facts_of(served, patience=timeout))


def hosted(variable: str) -> tuple[Found, ...]:
    """Return some of the models that the key in `variable` opens."""
    provider, names = HOSTED[variable]
    return tuple(Found(f"{provider}:{n}", settled(Facts(), n, SERVERS[provider])) for n in names)


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
        best = next((m for m in chatting if m.facts.tools), chatting[0] if chatting else None)
        if best:
            why = _("{kind} answers at {url}").format(kind=server.title, url=server.base_url)
            return Choice(best.name, None if server.kind == "ollama" else server.base_url, why)
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


async def _ask_ollama(url: str) -> Answering | None:
    names = [m["name"] for m in (await fetch_plainly(url, "/api/tags"))["models"]][:50]

    async def found(name: str) -> Found:
        told, chats = Facts(), True
        try:
            shown = await fetch_plainly(url, "/api/show", {"model": name})
            told, chats = read_show(shown), "embedding" not in (shown.get("capabilities") or ())
        except (OSError, ValueError, KeyError, AttributeError):
            pass
        return _found("ollama", f"ollama:{name}", told, chats=chats)

    return Answering("ollama", url, tuple(await asyncio.gather(*map(found, names))))


async def _ask_lm_studio(url: str) -> Answering | None:
    rows = (await fetch_plainly(url, "/api/v0/models"))["data"]
    found = [
        _found("lmstudio", f"openai:{r['id']}", read_lm_studio(r), chats=r.get("type") != "embeddings")
        for r in rows
    ]
    return Answering("lmstudio", f"{url}/v1", tuple(found))


async def _ask_llamacpp(url: str) -> Answering | None:
    server = await _ask_openai(url)
    try:
        told = read_props(await fetch_plainly(url, "/props"))
    except (OSError, ValueError, AttributeError):
        return server
    if told.context is None:  # another server's answer to a path that it does not know
        return server
    models = tuple(_found("llamacpp", m.name, told, chats=m.chats) for m in server.models)
    return Answering("llamacpp", server.base_url, models)


async def _ask_openai(url: str) -> Answering:
    rows = (await fetch_plainly(url, "/v1/models"))["data"]
    owners = {r.get("owned_by") for r in rows}
    kind = next((k for k in ("vllm", "sglang", "llamacpp") if k in owners), "compatible")
    if kind == "compatible" and (told := server_of(url)).probe == "/v1/models" and told.name != "vllm":
        kind = told.name  # MindIE does not say what it is; its port does
    return Answering(kind, f"{url}/v1", tuple(_found(kind, f"openai:{r['id']}", read_listed(r)) for r in rows))


def _found(kind: str, name: str, told: Facts, *, chats: bool = True) -> Found:
    bare = name.partition(":")[2]
    return Found(name, settled(told, bare, SERVERS[kind]), chats and "embed" not in bare.lower())
