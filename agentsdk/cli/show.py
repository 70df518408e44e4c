"""Shows a run in the terminal: a tree whose steps light up, then the answer with its proofs. Or as plain text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from agentsdk.answer import Answer, Outcome
from agentsdk.cli.board import Board, Timeline, clean
from agentsdk.events import (
    ApprovalNeeded,
    Draft,
    Event,
    Finished,
    Nested,
    RunStarted,
    StepDone,
    StepStarted,
)
from agentsdk.evidence import Citation
from agentsdk.i18n import _


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
            if _asks(event):  # the person is asked on this very terminal
                live.stop()
            elif isinstance(_innermost(event), StepDone) and not live.is_started:
                live.start()
            live.update(board.render())
            yield event
    finally:
        live.update(Text(""))
        live.stop()
        if board.steps:
            err.print(board.render(draft=False))


def _innermost(event: Event) -> Event:
    return event.innermost if isinstance(event, Nested) else event


def _asks(event: Event) -> bool:
    return isinstance(_innermost(event), ApprovalNeeded)


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


def print_trace(events: Iterable[tuple[float, Event]], out: Console) -> None:
    """Print a recorded run as a timeline."""
    board, timeline = Board(), Timeline()
    draft = False
    for at, event in events:
        line = board.take(event)
        timeline.take(at, event)
        if isinstance(event, RunStarted):
            line = _("question: {question}   ({model})").format(question=event.question, model=event.model)
        elif isinstance(event, Finished):
            line = usage_line(event.answer)
        elif isinstance(event, StepStarted):
            line = board.line(event.step)
        elif isinstance(event, Nested) and isinstance(event.innermost, StepStarted):
            line = f"  {board.line(f'{event.path}/{event.innermost.step}')}"
        elif isinstance(event, Draft) and not draft:
            line, draft = _("the answer begins"), True
        if line:
            first, *rest = clean(line).splitlines()
            out.print(Text(f"{at:8.2f} s  {first}"))
            for more in rest:
                out.print(Text(f"            {more}"))
        if isinstance(event, Finished):
            for bar in ["", *timeline.lines()]:
                out.print(Text(bar))
            timeline = Timeline()
            out.print()
            print_answer(event.answer, out, console_for(sys.stderr))
