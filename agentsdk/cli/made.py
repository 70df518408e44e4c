"""Makes what the options of a command line name: the agent, its model, its texts, its tools, its limits."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.text import Text

from agentsdk import toolbox
from agentsdk.agent import Agent
from agentsdk.budget import Budget
from agentsdk.cli.board import clean
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.models.connect import connect
from agentsdk.models.discover import KEYS, Choice, Report, choose, discover
from agentsdk.models.model import Model
from agentsdk.plan import Plan
from agentsdk.references import References

DEFAULT_TOOLS = ("calculator", "clock")


def agent_of(options: Mapping[str, Any], err: Any) -> Agent:
    """Return the agent of a command line's options."""
    return Agent(
        model_of(options["model"], options["base_url"], err),
        tools=tools_of(options["tool"]),
        references=references_of(options["ref"], err, options.get("embeddings")),
        plan=options["plan"],
        approve=options.get("approve", "calls"),
        budget=budget_of(options["calls"], options["tokens"], options["seconds"], options.get("cost")),
        store=options["store"],
    )


def question_of(given: str | None) -> str:
    """Return the question: as it was given, or from a pipe."""
    if given not in (None, "-"):
        return str(given)
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigurationError(
            _("There is no question."), fix=_('Ask one: agentsdk ask "What is 17% of 2,340?"')
        )
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def plan_of(path: Path, question: str | None) -> Plan:
    """Return the plan of a file; a question on the command line takes the place of its own."""
    plan = Plan.load(path)
    return plan if question is None else replace(plan, question=question_of(question))


def toolbox_of(tools: Iterable[Any], references: References | None) -> toolbox.Toolbox:
    """Return the tools that an agent of these options would have."""
    look_up = [references.as_tool()] if references else []
    return toolbox.Toolbox([*look_up, *toolbox.gather(tools)])


def references_of(paths: list[str] | None, err: Any, embeddings: str | None = None) -> References | None:
    """Return the texts of files and folders; what had to be left out is told."""
    if not paths:
        if embeddings:
            raise ConfigurationError(
                _("--embeddings needs --ref."), fix=f"agentsdk ask ... --ref FILE --embeddings {embeddings}"
            )
        return None
    found = References.from_files(*paths, embeddings=embeddings)
    for name, error in found.skipped[:10]:
        err.print(Text(clean(_("left out {name}: {why}").format(name=name, why=error.what)), style="yellow"))
    if len(found.skipped) > 10:
        err.print(Text(_("... and {count} more").format(count=len(found.skipped) - 10), style="yellow"))
    return found


def tools_of(named: list[str] | None) -> list[str]:
    """Return the tools that are always there, and those that were named."""
    return [*DEFAULT_TOOLS, *(n for n in dict.fromkeys(named or ()) if n not in DEFAULT_TOOLS)]


def budget_of(
    calls: int | None, tokens: int | None, seconds: float | None, cost: float | None = None
) -> Budget:
    """Return the limits; what is not said is as it is for every agent."""
    return Budget(calls=Budget().calls if calls is None else calls, tokens=tokens, seconds=seconds, cost=cost)


def model_of(named: str | None, base_url: str | None, err: Any) -> Model:
    """Return the model that was named; else choose one, and say on one line which and why."""
    if named:
        return connect(named, base_url=base_url)
    if base_url:
        raise ConfigurationError(
            _("--base-url needs --model."),
            why=_("A server may offer several models, and the protocol is chosen by the provider."),
            fix=_("agentsdk models --base-url {url} lists what it offers.").format(url=base_url),
        )
    report = Report(tuple(k for k in KEYS if os.environ.get(k, "").strip()))
    if not os.environ.get("AGENTSDK_MODEL", "").strip():
        report = asyncio.run(discover())
    choice = choose(report, os.environ)
    err.print(Text(clean(_announce(choice, report)), style="dim"))
    return connect(choice.model, base_url=choice.base_url)


def _announce(choice: Choice, report: Report) -> str:
    line = _("model: {model} ({why})").format(model=choice.model, why=choice.why)
    unused = [
        f"{k}: --model {KEYS[k]}" for k in report.keys if not choice.model.startswith(KEYS[k].split(":")[0])
    ]
    return line + (_("; keys that are set: {keys}").format(keys=", ".join(unused)) if unused else "")
