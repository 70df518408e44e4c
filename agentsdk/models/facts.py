"""What a model can do where it is served, and where each fact comes from.

A server is asked first (probe.py); then LangChain's profile of the model is read, where a LangChain package brings
one; then the table (families.py, servers.py). A server that is slow, broken or silent costs a short wait once and
never an error: the other two are still there.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, lru_cache
from typing import Any

from agentsdk.i18n import _
from agentsdk.models.families import Thinking, family_of
from agentsdk.models.remembered import Remembered
from agentsdk.models.servers import SERVERS, Server

Fetch = Callable[[str, Any], Awaitable[Any]]
"""Returns the JSON that a server answers: `fetch("/api/show", {"model": "llama3.1"})`; without a body it is a GET.
The path is read from the server's root and not from its "/v1"."""

PATIENCE = 0.5
"""Seconds that asking may take."""

KEPT, RETRIED = 600.0, 30.0
"""Seconds for which what a server said is believed, and after which a silent one is asked again."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model can do; None is what nobody knows."""

    context: int | None = None
    """Tokens of its window, as it is served."""
    output: int | None = None
    """Tokens that one answer may have at most."""
    tools: bool | None = None
    """Whether it takes tools natively; else it is told of them in text."""
    vision: bool | None = None
    audio: bool | None = None
    video: bool | None = None
    thinking: Thinking | None = None
    parallel: bool | None = None
    """Whether one answer may hold several calls."""
    json_schema: bool | None = None
    """Whether its server can hold an answer to a JSON schema."""
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By fact: where it comes from, such as "/api/show" or "table: llama-3.1"."""
    known_as: str = ""
    """What the server says the model is, where its name says nothing."""

    def over(self, other: Facts) -> Facts:
        """Return these facts, with the other's where these have none."""
        missing = {n: getattr(other, n) for n in NAMES if getattr(self, n) is None}
        sources = {n: other.sources[n] for n in missing if n in other.sources}
        return replace(
            self,
            **missing,
            sources={**sources, **self.sources},
            known_as=self.known_as or other.known_as,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return each known fact and its source, as plain JSON."""
        return {
            n: {"value": getattr(self, n), "source": self.sources.get(n, "")}
            for n in NAMES
            if getattr(self, n) is not None
        }


NAMES = tuple(f.name for f in fields(Facts) if f.name not in ("sources", "known_as"))


def said(source: str, *, known_as: str = "", **known: Any) -> Facts:
    """Return facts that all come from one source; a fact that is None is left out."""
    return Facts(**known, sources={n: source for n, v in known.items() if v is not None}, known_as=known_as)


@dataclass(frozen=True, slots=True)
class Served:
    """A model, where it is served, and by what."""

    name: str
    """The server's name for it."""
    url: str
    server: Server
    fetch: Fetch | None = None
    """Asks the server about itself, by the way that its other requests take; None: it is not asked."""


def served_by(model: Any) -> Served:
    """Return what stands behind a model, also where others wrap it; for one of no known protocol, its name alone."""
    while hasattr(model, "inner"):
        model = model.inner
    found = getattr(model, "served", None)
    if isinstance(found, Served):
        return found
    provider, _colon, name = str(getattr(model, "name", "")).partition(":")
    return Served(name or provider, "", SERVERS.get(provider, SERVERS["compatible"]))


async def facts_of(model: Any, *, patience: float = PATIENCE) -> Facts:
    """Return the facts about a model, its server asked if it is one that can be asked without a key or a cost.

    Args:
        model: a Model, one that wraps it, or a `Served`.
        patience: seconds that asking may take.

    """
    served = model if isinstance(model, Served) else served_by(model)
    key = (served.url, served.name)
    kept = _kept.get(key)
    if (kept is None or kept.until < time.monotonic()) and served.server.probe and served.fetch:
        await _ask_once(key, served, patience)
    return facts_known(served)


def facts_known(model: Any) -> Facts:
    """Return what is known of a model without asking: what was asked before counts."""
    served = model if isinstance(model, Served) else served_by(model)
    return settled(told_of(served), served.name, served.server)


def told_of(served: Served) -> Facts:
    """Return what the server of a model told of it when it was asked; nothing where it was not, or did not answer."""
    kept = _kept.get((served.url, served.name))
    return kept.facts if kept else Facts()


@lru_cache(maxsize=512)  # it is asked with every call
def settled(told: Facts, name: str, server: Server) -> Facts:
    """Return what a server told of its model, completed from LangChain's profile and from the table."""
    family = family_of(name)
    if family.name == "unknown" and told.known_as:
        family = family_of(told.known_as)
    if told.thinking == "switch" and family.thinking == "always":  # a server says only that it thinks
        told = replace(told, thinking="always")
    row = f"table: {family.name}"
    known = family.name != "unknown"
    table = said(
        row,
        context=family.context,
        output=family.output,
        tools=family.tools if known else None,
        vision=family.vision if known else None,
        audio=family.audio if known else None,
        video=family.video if known else None,
        thinking=family.thinking if known else None,
        parallel=family.parallel if known else None,
        json_schema=family.json_schema if known else None,
    )
    profile = _profile(name)
    facts = told.over(profile).over(table)
    lacks = {m for m, kind in _MEDIA.items() if kind not in server.media and m not in told.sources}
    lacks |= set() if "json_schema" in server.output else {"json_schema"}
    none = f"table: {server.name} takes none"
    refused: dict[str, Any] = {n: False for n in lacks if getattr(facts, n) is not False}
    return said(none, **refused).over(facts)


def source_told(source: str) -> str:
    """Return where a fact comes from, in the user's language; a path that a server was asked at stays as it is."""
    if source == _PROFILE:
        return _("LangChain's profile")
    row = source.removeprefix("table: ")
    if row == source:
        return source
    server = row.removesuffix(" takes none")
    return (
        _("table: {row}").format(row=row)
        if server == row
        else _("table: {server} takes none").format(server=server)
    )


_PROFILE = "LangChain's profile"
_MEDIA = {"vision": "image", "audio": "audio", "video": "video"}
_PACKAGES = (("claude", "langchain_anthropic"), ("gemini", "langchain_google_genai"), ("", "langchain_openai"))
"""By the beginning of a model's name: the package that has a profile of it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: Facts
    until: float


_kept = Remembered[_Kept]()
_asking: dict[tuple[int, str, str], asyncio.Task[None]] = {}


async def _ask_once(key: tuple[str, str], served: Served, patience: float) -> None:
    """Ask a server, or wait for another call that is asking it already."""
    here = (id(asyncio.get_running_loop()), *key)
    task = _asking.get(here)
    if task is None:
        task = asyncio.create_task(_ask(key, served, patience))
        _asking[here] = task
        task.add_done_callback(lambda _done: _asking.pop(here, None))
    # Shielded: a caller that goes away must not take the answer from the others.
    await asyncio.shield(task)


async def _ask(key: tuple[str, str], served: Served, patience: float) -> None:
    from agentsdk.models.probe import ask

    told = None
    try:
        if served.fetch is not None:
            async with asyncio.timeout(patience):
                told = await ask(served.server.probe, served.fetch, served.name)
    except Exception:  # noqa: S110  # whatever a server does when asked about itself, the table is still there
        pass
    until = time.monotonic() + (RETRIED if told is None else KEPT)
    _kept.set(key, _Kept(told or Facts(), until))


def _profile(name: str) -> Facts:
    """Return LangChain's profile of a model, where a package for its maker is installed."""
    rows = _profiles(next(package for start, package in _PACKAGES if name.startswith(start)))
    bare = name.strip().rsplit("/", 1)[-1].removeprefix("ft:").partition(":")[0]
    row = rows.get(bare) or rows.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", bare))
    if not row or "tool_calling" not in row:  # some rows hold a window and nothing else
        return Facts()
    if bare.startswith("gpt-3.5"):  # models.dev says that it calls no tools; it was the first that did
        row = {**row, "tool_calling": None}
    thinks = row.get("reasoning_output")
    ours = family_of(name).thinking
    return said(
        _PROFILE,
        context=row.get("max_input_tokens") or None,
        output=row.get("max_output_tokens") or None,
        tools=row.get("tool_calling"),
        vision=row.get("image_inputs"),
        audio=row.get("audio_inputs"),
        video=row.get("video_inputs"),
        # It tells whether a model thinks, and not whether that is for the asking.
        thinking=None
        if thinks is None
        else "never"
        if not thinks
        else "always"
        if ours == "always"
        else "switch",
        json_schema=row.get("structured_output"),
    )


@cache
def _profiles(package: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the profiles that a LangChain package carries, without importing the package, which costs a second."""
    from importlib.util import find_spec, module_from_spec, spec_from_file_location
    from pathlib import Path

    try:
        package_spec = find_spec(package)
        if package_spec is None or package_spec.origin is None:
            return {}
        file = Path(package_spec.origin).parent / "data" / "_profiles.py"
        spec = spec_from_file_location(f"agentsdk_{package}_profiles", file)
        if spec is None or spec.loader is None:
            return {}
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        rows = vars(module).get("_PROFILES", {})
    except (OSError, ImportError, SyntaxError):  # another version keeps it elsewhere
        return {}
    return rows if isinstance(rows, dict) else {}
