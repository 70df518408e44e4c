"""Shows a run in the terminal: a tree whose steps light up, then the answer with its proofs. Or as plain text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from agentsdk.answer import Answer, Outcome
from agentsdk.events import (
    ApprovalNeeded,
    BudgetReached,
    Condensed,
    Draft,
    DraftReplaced,
    Event,
    Finished,
    IntentChosen,
    PlanReady,
    PlanRejected,
    RunStarted,
    StepDone,
    StepStarted,
)
from agentsdk.evidence import Citation, Evidence
from agentsdk.i18n import _
from agentsdk.plan import Plan, Step, describe

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)

_LOOK = {
    "waiting": ("○", "dim"),
    "running": ("◐", "yellow"),
    "done": ("●", "green"),
    "failed": ("✗", "red"),
    "refused": ("✗", "red"),
    "skipped": ("–", "dim"),
    "pending": ("?", "magenta"),
}


def clean(text: str) -> str:
    """Return text of a model, a tool or a file without what would steer a terminal."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def console_for(stream: TextIO) -> Console:
    """Return a console that writes to `stream`, in colour only on a terminal, and in whatever it can encode."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")  # LANG=C must not end in a UnicodeEncodeError
    terminal = stream.isatty()
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not terminal,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        legacy_windows=None if terminal else False,
    )


class Board:
    """The steps of a run and how far each has come: as a tree for a terminal, as lines for a pipe."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.steps: dict[str, Step] = {}
        self.state: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.notes: dict[str, str] = {}
        self.draft = ""

    def take(self, event: Event) -> str:
        """Take an event in; return it as a line, or "" where a pipe has no use for it."""
        match event:
            case PlanReady(plan):
                self.plan = plan
                for step in plan:
                    self.steps.setdefault(step.id, step)
                    self.state.setdefault(step.id, "waiting")
                return _("plan:") + "\n" + "\n".join(f"  {line}" for line in clean(plan.tree()).splitlines())
            case PlanRejected(findings):
                return _("plan refused: {why}").format(why=clean("; ".join(findings)))
            case StepStarted(id_, do, inputs):
                known = self.steps.get(id_)
                self.steps[id_] = known or Step(id_, do, inputs)
                self.state[id_] = "running"
                return ""
            case StepDone(evidence):
                self._settle(evidence)
                return self.line(evidence.step)
            case ApprovalNeeded(id_, call):
                self.steps.setdefault(id_, Step(id_, call.name, call.arguments))
                self.state[id_] = "pending"
                return ""
            case Draft(text):
                self.draft += text
            case DraftReplaced(reason):
                self.draft = ""
                return _("draft replaced: {why}").format(why=clean(reason))
            case BudgetReached(limit):
                return _("the budget of {limit} is used up; answering with what there is").format(limit=limit)
            case IntentChosen(name, by, why) if name:
                how = {"rule": _("by rule"), "earlier": _("goes on"), "model": _("by the model")}.get(by, by)
                return _("intent: {name} ({how}) {why}").format(name=name, how=how, why=clean(why)).strip()
            case Condensed(_how, turns, steps, before, after):
                told = len(turns) + len(steps)
                return _("the conversation was made short: {told} parts, {before} tokens to {after}").format(
                    told=told, before=before, after=after
                )
            case _:
                pass
        return ""

    def line(self, id_: str) -> str:
        """Return a step as a line."""
        mark, _style = _LOOK[self.state[id_]]
        step = self.steps[id_]
        note = f"  {self.notes[id_]}" if self.notes.get(id_) else ""
        seconds = f"  {self.seconds[id_]:.2f} s" if id_ in self.seconds else ""
        return clean(f"{mark} {id_}  {describe(step)}{seconds}{note}")

    def render(self, *, draft: bool = True) -> Group:
        """Return what a terminal shows now."""
        parts: list[Any] = []
        if self.steps:
            parts.append(self._tree())
        if draft and self.draft:
            parts.append(Text(clean(self.draft), style="dim"))
        return Group(*parts)

    def _settle(self, evidence: Evidence) -> None:
        id_ = evidence.step
        self.steps.setdefault(id_, Step(id_, evidence.do, evidence.inputs or {}))
        self.state[id_] = evidence.status
        self.seconds[id_] = evidence.seconds
        self.notes[id_] = _brief(evidence)

    def _tree(self) -> Tree:
        plan = Plan(tuple(self.steps.values()))
        children, roots = plan.branches()
        tree = Tree(Text(_("Plan") if self.plan else _("Steps"), style="bold"), guide_style="dim")

        def grow(branch: Tree, step: Step) -> None:
            style = _LOOK[self.state.get(step.id, "waiting")][1]
            twig = branch.add(Text(self.line(step.id), style=style, overflow="ellipsis", no_wrap=True))
            for child in children[step.id]:
                grow(twig, child)

        for root in roots:
            grow(tree, root)
        return tree


def follow(events: Iterable[Event], err: Console, *, quiet: bool = False) -> Iterator[Event]:
    """Yield the events on while showing them on `err`: live on a terminal, as lines elsewhere."""
    board = Board()
    if quiet:
        yield from events
        return
    if not err.is_terminal:
        for event in events:
            if line := board.take(event):
                err.print(Text(line))
            yield event
        return
    live = Live(console=err, refresh_per_second=12, transient=True)
    live.start()
    try:
        for event in events:
            board.take(event)
            if isinstance(event, ApprovalNeeded):  # the person is asked on this very terminal
                live.stop()
            elif isinstance(event, StepDone) and not live.is_started:
                live.start()
            live.update(board.render())
            yield event
    finally:
        live.update(Text(""))
        live.stop()
        if board.steps:
            err.print(board.render(draft=False))


def print_answer(answer: Answer[Any], out: Console, err: Console) -> None:
    """Print the answer and its citations on `out`, what it took on `err`."""
    out.print(Text(clean(answer.text)))
    if answer.citations:
        out.print()
        for number, citation in enumerate(answer.citations, 1):
            out.print(Text(clean(_citation(number, citation)), style="cyan"))
    for quote in answer.unverified:
        out.print(Text(clean(_("! not found in any source: “{quote}”").format(quote=quote)), style="red"))
    for finding in answer.findings:
        if finding.kind != "quote":
            out.print(Text(clean(f"! {finding.text}"), style="yellow"))
    err.print(Text(usage_line(answer), style="dim"))


def usage_line(answer: Answer[Any]) -> str:
    """Return in a line how the run ended and what it used."""
    usage = answer.usage
    return _("{status} · {model} · {calls} call(s) · {input} tokens in, {output} out · {seconds:.2f} s").format(
        status=_ended(answer.status),
        model=clean(answer.model),
        calls=usage.calls,
        input=usage.input_tokens,
        output=usage.output_tokens,
        seconds=usage.seconds,
    )


def _ended(status: Outcome) -> str:
    return {
        "answered": _("answered"),
        "not_found": _("not found"),
        "needs_input": _("needs input"),
        "needs_approval": _("needs approval"),
        "over_budget": _("over budget"),
        "refused": _("refused"),
        "failed": _("failed"),
    }[status]


def _citation(number: int, citation: Citation) -> str:
    page = _(", page {page}").format(page=citation.page) if citation.page else ""
    how = {
        "exact": "",
        "normalised": _("  (but for spacing, case or punctuation marks)"),
        "elsewhere": _("  (found in another source than was named)"),
    }[citation.check]
    quote = citation.quote.replace("\n", " ")
    where = _("{source}, line {line}{page}").format(source=citation.source, line=citation.line, page=page)
    return f"[{number}] {where}: “{quote}”{how}"


def _brief(evidence: Evidence) -> str:
    if evidence.status != "done":
        return (evidence.error or "").split("\n")[0][:100]
    if evidence.is_passages:
        return _("{count} passage(s)").format(count=len(evidence.passages))
    if evidence.value in (None, "", []):
        return "→ —"
    text = evidence.value if isinstance(evidence.value, str) else str(evidence.value)
    note = f" ({evidence.error[:100]})" if evidence.error else ""
    return "→ " + " ".join(text.split())[:80] + note


def print_trace(events: Iterable[tuple[float, Event]], out: Console) -> None:
    """Print a recorded run as a timeline."""
    board = Board()
    draft = False
    for at, event in events:
        line = board.take(event)
        if isinstance(event, RunStarted):
            line = _("question: {question}   ({model})").format(question=event.question, model=event.model)
        elif isinstance(event, Finished):
            line = usage_line(event.answer)
        elif isinstance(event, StepStarted):
            line = board.line(event.step)
        elif isinstance(event, Draft) and not draft:
            line, draft = _("the answer begins"), True
        if line:
            first, *rest = clean(line).splitlines()
            out.print(Text(f"{at:8.2f} s  {first}"))
            for more in rest:
                out.print(Text(f"            {more}"))
        if isinstance(event, Finished):
            out.print()
            print_answer(event.answer, out, console_for(sys.stderr))
