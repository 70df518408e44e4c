"""Asks a subagent: another agent's run inside a step, with its own tools and a share of the budget.

What it shares with the run that asks: the journal (a resume finds its work again), the policy (approvals are asked of
the same person), what was decided, and the events, which come nested. What it does not: tools, instructions,
references, the conversation. Its answer is a result like any tool's: data, and no instruction.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from agentsdk.answer import Answer
from agentsdk.errors import AgentError, ConfigurationError, ToolError
from agentsdk.events import Event, Finished, Nested
from agentsdk.evidence import Evidence, Passage
from agentsdk.function_tool import Tool, tool
from agentsdk.i18n import _
from agentsdk.planner.journal import version_of
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce
from agentsdk.store.canonical import digest
from agentsdk.store.place import outside, path
from agentsdk.toolbox import Toolbox

DEPTH = 3
"""How deep subagents may ask subagents, where `as_tool` says nothing else."""

_DEEPEST = 10
"""How deep runs may stand in each other that a tool's own code has begun with `agent.run`: no loop is endless."""

_LONGEST = 3600.0
"""Seconds that a subagent may take, where its budget says nothing."""

_HERE: ContextVar[Run | None] = ContextVar("agentsdk_run", default=None)


@dataclass(frozen=True, slots=True)
class Subagent:
    """An agent as a tool of another, and what it may use."""

    agent: object
    """The agent itself: none may ask itself, however many stand in between."""
    open: Callable[[str], Run]
    """Returns a run of it that has not begun."""
    drive: Callable[[Run], Awaitable[Answer[Any]]]
    """Returns the answer of a run that stands alone."""
    name: str
    share: float
    depth: int


def as_tool(
    sub: Subagent,
    description: str,
    told: Mapping[str, str],
    toolbox: Toolbox,
    model: str,
    seconds: float | None,
) -> Tool[Any, Any]:
    """Return a subagent as a tool.

    Args:
        sub: the subagent.
        description: what it is good for; without one: the first line of what its author tells it, and its tools.
        told: the parts of what its author tells it.
        toolbox: its own tools.
        model: its model.
        seconds: the time that its budget allows.

    Raises:
        ConfigurationError: the share, the depth or the name is not what it should be.

    """
    if not 0 < sub.share <= 1 or sub.depth < 1:
        raise ConfigurationError(
            _("A subagent has a share above 0 and up to 1, and a depth of at least 1."),
            fix="other.as_tool(share=0.3, depth=3)",
        )
    first = next((line.strip() for text in told.values() for line in text.splitlines() if line.strip()), "")
    about = _("Ask another agent, which answers by itself. {about} Its tools: {tools}.")
    shown = description or about.format(about=first, tools=", ".join(toolbox.names) or "-")

    async def ask_agent(question: str, context: str = "") -> Evidence:
        return await consult(sub, question, context)

    version = digest([model, dict(told), shown, sub.share, sub.depth, [version_of(t) for t in toolbox]])[:16]
    made = tool(
        name=sub.name,
        description=shown
        + "\nArgs:\n    question: all that it needs to know to answer; it sees nothing else.\n"
        "    context: material that it may use, such as results of other steps.\n",
        side_effect=any(t.side_effect or t.needs_approval for t in toolbox),
        timeout=seconds or _LONGEST,
        version=version,
    )(ask_agent)
    return replace(made, keeps_itself=True)


def tool_name(persona: str) -> str:
    """Return the name of a tool that an agent with this persona is, where none is given."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", persona.strip()).strip("_").lower()
    return name[:64] or "agent"


@contextmanager
def working(run: Run) -> Iterator[None]:
    """Let tools that are called meanwhile know the run that they work for, also in their threads.

    Raises:
        ToolError: too many runs stand in each other.

    """
    outer = _HERE.get()
    if not run.line:  # it stands alone, or a tool's own code has begun it
        run.line = (*(outer.line if outer else ()), ("", id(run.agent)))
    if len(run.line) > _DEEPEST:
        raise ToolError(
            _("More than {count} runs stand in each other.").format(count=_DEEPEST),
            why=_("A tool asks an agent that calls the same tool."),
        )
    token = _HERE.set(run)
    try:
        with nullcontext() if run.around else outside():
            yield
    finally:
        _HERE.reset(token)


async def consult(sub: Subagent, question: str, context: str = "") -> Evidence:
    """Return what a subagent answers to a question, as the evidence of the step that asks it.

    Called by anything but a run's step, it is a run of its own.

    Raises:
        ToolError: it would ask itself, or is too deep.

    """
    outer = _HERE.get()
    if outer is None:
        run = sub.open(question)
        _hand_over(run, context)
        return _brought(await sub.drive(run), run)
    from agentsdk.planner.graph import drive  # it imports langgraph, and imports this module

    _refuse_loops(sub, outer)
    step = path()[-1] if path() else sub.name
    full = outer.full(step)
    for id_ in [i for i in outer.waiting if i.startswith(f"{full}/")]:  # asked for again, or decided meanwhile
        del outer.waiting[id_]
        outer.unknown.pop(id_, None)
    # Where one of its calls waited for an approval, the same run goes on: nothing of it is done twice.
    kept = digest([full, sub.name, question, context])
    run = outer.inner.get(kept) or _open(sub, outer, step, question, context)
    outer.inner[kept] = run
    try:
        answer = await drive(run)
    except AgentError as error:
        # Its model's trouble is not that of the model that asks: this one step failed.
        told = " ".join(part for part in (error.what, error.why, error.fix) if part)
        return Evidence("", "", status="failed", error=told)
    finally:
        outer.thoughts += [t for t in run.thoughts if t not in outer.thoughts]  # as private as its own
    run.emit(Finished(answer))
    outer.waiting |= run.waiting
    outer.unknown |= run.unknown
    outer.asked_inside |= run.waiting.keys()
    if answer.status != "needs_approval":
        del outer.inner[kept]
    return _brought(answer, run)


def _open(sub: Subagent, outer: Run, step: str, question: str, context: str) -> Run:
    import asyncio  # half of the time that `import agentsdk` would take

    run = sub.open(question)
    _hand_over(run, context)
    run.name = sub.name
    run.around = (*outer.around, step)
    run.line = (*outer.line, (sub.name, id(sub.agent)))
    run.ledger = outer.ledger.share(sub.share, run.ledger)
    run.journal = outer.journal
    run.policy = outer.policy or run.policy
    run.verdicts = outer.verdicts
    outer.asking = run.asking = outer.asking or asyncio.Lock()

    def emit(event: Event) -> None:
        outer.emit(Nested(step, sub.name, event))

    run.emit = emit
    return run


def _hand_over(run: Run, context: str) -> None:
    """Put what the asking run gave along into the question, between marks that it cannot close."""
    if context.strip():
        question = run.brief.question
        material = fence("material", context, nonce([question, context]))
        told = render("consulted", run.brief.language, question=question, material=material)
        run.brief = replace(run.brief, question=told)


def _refuse_loops(sub: Subagent, outer: Run) -> None:
    if id(sub.agent) in [agent for _name, agent in outer.line]:
        names = " -> ".join([*(name or "…" for name, _agent in outer.line), sub.name])
        raise ToolError(
            _("{name} would ask itself: {names}.").format(name=sub.name, names=names),
            fix=_("Answer with what you have, or use another tool."),
        )
    if len(outer.line) > sub.depth:
        raise ToolError(
            _("{name} is {count} agents deep, and may be {most}.").format(
                name=sub.name, count=len(outer.line), most=sub.depth
            ),
            fix=_("Answer with what you have, or use another tool."),
        )


def _brought(answer: Answer[Any], run: Run) -> Evidence:
    """Return an answer as the evidence of a step: its text, and the quotes that it rests on as passages."""
    said, passages = _text(answer), tuple(_passage(c.quote, c.source, run) for c in answer.citations)
    match answer.status:
        case "answered":
            return Evidence("", "", value=said, passages=passages)
        case "over_budget":
            told = _("Its share of the budget ended before it was done. It has: {text}").format(text=said)
            return Evidence("", "", value=told, passages=passages)
        case "not_found":
            return Evidence("", "", value=_("It did not find it: {text}").format(text=said))
        case "needs_input":
            return Evidence("", "", value=_("It asks back: {text}").format(text=said))
        case "needs_approval":
            return Evidence("", "", status="pending", error=said)
        case "refused" | "failed":
            return Evidence("", "", status="failed", error=_("It declined: {text}").format(text=said))


def _text(answer: Answer[Any]) -> str:
    """Return its text without the numbers of its citations, which would be taken for those of the asking run."""
    count = len(answer.citations)
    text = re.sub(r" ?\[(\d{1,3})\]", lambda m: "" if 1 <= int(m[1]) <= count else m[0], answer.text).strip()
    if answer.unverified:
        quotes = "; ".join(f"“{q}”" for q in answer.unverified)
        text += "\n" + _("Not found in any source: {quotes}").format(quotes=quotes)
    # What limits the answer is for whoever builds on it.
    return "\n".join([text, *(f.text for f in answer.findings if f.kind in ("budget", "truncated"))])


def _passage(quote: str, source: str, run: Run) -> Passage:
    """Return a quote as a passage of its own, so that whoever asked can quote it and have it proved."""
    for passage in run.passages:
        at = passage.text.find(quote) if passage.source == source else -1
        if at >= 0:
            line = passage.line + passage.text.count("\n", 0, at)
            return replace(passage, text=quote, start=passage.start + at, line=line)
    return Passage(quote, source)
