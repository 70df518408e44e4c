"""Shows which models can be reached, what each can do, and where each fact comes from."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentsdk.cli.board import clean
from agentsdk.cli.show import console_for
from agentsdk.i18n import _
from agentsdk.models.connect import check_url, take_apart
from agentsdk.models.discover import KEYS, Found, Report, choose, discover, find, hosted
from agentsdk.models.facts import NAMES, Facts, source_told

_MARKS = (("LangChain", "°"), ("table", "*"))
"""What stands behind a fact, by the beginning of its source. What a server said itself has no mark."""


def show_models(base_url: str | None, *, as_json: bool) -> None:
    """Print the models of the servers that answer, and some of those that the keys open."""
    if base_url:
        check_url(base_url)
    report = asyncio.run(discover(1.0, base_url=base_url))
    choice = choose(report, os.environ)
    if as_json:
        wire = {
            "keys": list(report.keys),
            "servers": [s.to_dict() for s in report.servers],
            "hosted": [m.to_dict() for k in report.keys for m in hosted(k)],
            "embedded": ["offline:extract"],
            "default": {"model": choice.model, "base_url": choice.base_url, "why": choice.why},
        }
        print(json.dumps(wire, ensure_ascii=False, indent=2))
        return
    out = console_for(sys.stdout)
    groups = [(f"{s.title}  {s.base_url}", s.models) for s in report.servers]
    groups += [(k, hosted(k)) for k in report.keys]
    if groups:
        out.print(_table(groups))
        out.print(Text(_("no mark: the server says so · °: LangChain's profile · *: our table · ?: not known")))
        out.print(Text(_("All about one of them: agentsdk models PROVIDER:NAME")))
        out.print()
    _print_ends(out, report, base_url)
    out.print(
        Text(_("Without --model: {model} ({why}).").format(model=clean(choice.model), why=clean(choice.why)))
    )


def show_model(name: str, base_url: str | None, server: str | None, *, as_json: bool) -> None:
    """Print everything that is known of one model, and where it comes from."""
    if base_url:
        check_url(base_url)
    provider, bare = take_apart(name)
    embedded = provider == "offline"
    found = Found(name) if embedded else asyncio.run(find(provider, bare, base_url=base_url, server=server))
    if as_json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
        return
    out = console_for(sys.stdout)
    out.print(Text(clean(found.name), style="bold"))
    if embedded:
        out.print(Text(_("embedded: calculate, dates, look up by quoting; it needs no server")))
        return
    table = Table(box=None, pad_edge=False)
    for head in (_("fact"), _("value"), _("known from")):
        table.add_column(head, overflow="fold")
    names = _names()
    for fact in NAMES:
        source = source_told(found.facts.sources.get(fact, ""))
        table.add_row(*(Text(clean(c)) for c in (names[fact], _value(getattr(found.facts, fact)), source)))
    out.print(table)
    if not any(source.startswith("/") for source in found.facts.sources.values()):
        out.print(Text(_("No server was asked, or it did not answer: this is what is written down here.")))


def _names() -> dict[str, str]:
    return {
        "context": _("context (tokens)"),
        "output": _("output (tokens)"),
        "tools": _("tools"),
        "vision": _("pictures"),
        "audio": _("sound"),
        "video": _("video"),
        "thinking": _("thinking"),
        "parallel": _("parallel calls"),
        "json_schema": _("JSON schema"),
    }


def _table(groups: list[tuple[str, tuple[Found, ...]]]) -> Table:
    table = Table(box=None, pad_edge=False)
    longest = max(cell_len(clean(m.name)) + 2 for _title, models in groups for m in (*models, Found("")))
    table.add_column(_("model"), overflow="fold", min_width=min(longest, 36))
    for head in (_("context"), _("tools"), _("media"), _("thinking"), _("parallel")):
        table.add_column(head, overflow="fold")
    for title, models in groups:
        table.add_row(Text(clean(title), style="bold"))
        for model in models:
            table.add_row(*(Text(clean(cell)) for cell in (f"  {model.name}", *_cells(model))))
        if not models:
            table.add_row(Text("  " + _("(no models)")))
    table.add_row(Text(_("embedded"), style="bold"))
    table.add_row("  offline:extract", "–", "–", "–", "–", "–")
    return table


def _cells(model: Found) -> list[str]:
    facts = model.facts
    if not model.chats:
        return [_("for embeddings")]
    media = {"vision": _("pictures"), "audio": _("sound"), "video": _("video")}
    taken = [word + _mark(facts, n) for n, word in media.items() if getattr(facts, n)]
    unknown = not any(n in facts.sources for n in media)
    cells = [_value(getattr(facts, n)) + _mark(facts, n) for n in ("context", "tools")]
    cells.append("?" if unknown else " ".join(taken) or "–")
    return cells + [_value(getattr(facts, n)) + _mark(facts, n) for n in ("thinking", "parallel")]


def _mark(facts: Facts, name: str) -> str:
    source = facts.sources.get(name, "")
    return next((mark for start, mark in _MARKS if source.startswith(start)), "")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return f"{value:,}"
    words = {"never": _("no"), "always": _("always"), "switch": _("as told")}
    return "?" if value is None else words.get(value, str(value))


def _print_ends(out: Console, report: Report, base_url: str | None) -> None:
    for variable, example in KEYS.items():
        state = _("set: use it with --model {example}") if variable in report.keys else _("not set")
        out.print(Text(f"{variable}: " + state.format(example=example)))
    asked = base_url.rstrip("/").removesuffix("/v1") if base_url else ""
    if asked and not any(s.base_url.startswith(asked) for s in report.servers):
        out.print(Text(_("Nothing at {url} answers as a model server does.").format(url=clean(base_url or ""))))
    if not report.servers:
        out.print(
            Text(
                _(
                    "No Ollama, LM Studio, llama.cpp, vLLM or MindIE server answers on this machine's usual ports."
                )
            )
        )
        out.print(
            Text(
                _(
                    "Start one (ollama serve, then ollama pull qwen3), say where one is (--base-url, OLLAMA_HOST), or "
                    "set a key."
                )
            )
        )
