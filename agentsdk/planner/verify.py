"""Settles a draft without a model: quotes against their sources, arithmetic by recomputing it, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from agentsdk.answer import Answer, Outcome
from agentsdk.events import Cited, DraftReplaced
from agentsdk.evidence import Citation, Passage
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.planner.claims import wrong_claims
from agentsdk.planner.markers import Ending, Quote, read_marks
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.references.cite import locate


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft taken apart and checked."""

    text: str
    ending: Ending | None
    citations: tuple[Citation, ...]
    unverified: tuple[str, ...]
    wrong: tuple[str, ...]
    """Arithmetic claims that do not hold, a sentence each."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What a correction would have to mend, a sentence each."""
        quotes = (_("This quote stands in no source: {quote}").format(quote=q) for q in self.unverified)
        return (*quotes, *self.wrong)


def check(draft: str, run: Run) -> Checked:
    """Return the draft with its quotes proved or set apart, and its arithmetic recomputed."""
    marked = read_marks(draft)
    text, citations, unverified = "", [], []
    for piece in marked.pieces:
        if isinstance(piece, str):
            text += piece
            continue
        found = prove(piece, run)
        if found is None:
            unverified.append(piece.text)
            continue
        if found not in citations:
            citations.append(found)
        mark = f"[{citations.index(found) + 1}]"
        # No space after a full-width stop, and none twice.
        text += mark if not text or text[-1].isspace() or ord(text[-1]) > 0x2E7F else f" {mark}"
    wrong = tuple(
        _("{claim}: it is {right}.").format(claim=c.text, right=c.computed) for c in wrong_claims(text)
    )
    return Checked(text.strip(), marked.ending, tuple(citations), tuple(unverified), wrong)


def prove(quote: Quote, run: Run) -> Citation | None:
    """Return where a quote stands: in the passage it names, else in its source, else anywhere, else None."""
    at = int(quote.passage[1:]) - 1
    named = run.passages[at] if 0 <= at < len(run.passages) else None
    if named and (found := _in_passage(quote.text, named, run)):
        return found
    if run.references is not None:
        found_elsewhere = run.references.locate(quote.text, source=named.source if named else None)
        if found_elsewhere:
            return found_elsewhere
    for passage in run.passages:
        if passage is not named and (found := _in_passage(quote.text, passage, run, elsewhere=True)):
            return found
    return None


def verify(run: Run) -> Answer[object] | None:
    """Return the answer; None where the draft has faults and a correction was asked for in the conversation.

    One correction at most, and only where the budget affords it. The draft with fewer faults is kept.
    """
    if run.waiting or run.question_back is not None:
        return _stopped(run)
    draft = run.draft or ""
    checked = check(draft, run)
    if checked.faults and run.corrections == 0 and run.limit is None and run.ledger.affords_another():
        run.corrections += 1
        run.first_draft, run.draft = draft, None
        faults = "\n".join(f"- {f}" for f in checked.faults)
        if run.messages[-1].text != draft:
            run.messages.append(Message.assistant(draft))
        run.messages.append(Message.user(render("correct", run.brief.language, faults=faults)))
        run.emit(DraftReplaced(" ".join(checked.faults)))
        return None
    if run.first_draft is not None:
        first = check(run.first_draft, run)
        if len(first.faults) < len(checked.faults) or not checked.text:
            checked = first
    return _answer(checked, run)


def so_far(run: Run, text: object) -> Answer[object]:
    """Return what a run that could not be finished had done: status "failed", and `text` where it is text."""
    shown = text if isinstance(text, str) else ""
    return _make(run, shown, "failed")


def _in_passage(quote: str, passage: Passage, run: Run, *, elsewhere: bool = False) -> Citation | None:
    found = locate(quote, passage.text)
    if found is None:
        return None
    start, end, how = found
    if (
        run.references is not None
        and passage.source in run.references.sources
        and (run.references.text(passage.source)[passage.start : passage.end] == passage.text)
    ):
        # The source knows its pages; a passage knows only the one that it begins on.
        begin = passage.start + start
        return run.references.cite(
            passage.source, begin, passage.start + end, "elsewhere" if elsewhere else how
        )
    return Citation(
        passage.source,
        passage.start + start,
        passage.start + end,
        passage.line + passage.text.count("\n", 0, start),
        passage.text[start:end],
        "elsewhere" if elsewhere else how,
        passage.page,
    )


def _answer(checked: Checked, run: Run) -> Answer[object]:
    status: Outcome = "answered"
    if run.refused or checked.ending == "refused":
        status = "refused"
    elif _ended_by_budget(checked, run):
        status = "over_budget"
    elif checked.ending in ("not_found", "needs_input"):
        status = checked.ending
    # What was not found cannot be proved either: a "not found" with a citation would be a contradiction.
    citations = () if status == "not_found" else checked.citations
    text = checked.text if citations == checked.citations else _without_numbers(checked)
    for number, citation in enumerate(citations, 1):
        run.emit(Cited(number, citation))
    for quote in checked.unverified:
        run.note("quote", _("This quote stands in no source: {quote}").format(quote=quote))
    for wrong in checked.wrong:
        run.note("arithmetic", wrong)
    if status == "answered" and run.passages and not citations:
        run.note("uncited", _("Reference texts were read, and the answer quotes none of them."))
    if run.limit is not None:
        run.note("budget", _("The budget of {limit} was reached.").format(limit=run.limit))
    return _make(run, text, status, citations, checked.unverified)


def _stopped(run: Run) -> Answer[object]:
    if run.waiting:
        calls = "; ".join(
            f"{c.name}({', '.join(f'{k}={v!r}' for k, v in c.arguments.items())})" for c in run.waiting.values()
        )
        return _make(run, _("Waiting for a yes: {calls}").format(calls=calls), "needs_approval")
    return _make(run, run.question_back or "", "needs_input")


def _make(
    run: Run,
    text: str,
    status: Outcome,
    citations: tuple[Citation, ...] = (),
    unverified: tuple[str, ...] = (),
) -> Answer[object]:
    turns = (*run.brief.history, Message.user(run.brief.question, *run.brief.media), Message.assistant(text))
    return Answer(
        text,
        run.output if run.shape is not None else text,
        status,
        run.model.name,
        citations,
        unverified,
        run.plan,
        tuple(run.steps.values()),
        run.ledger.total,
        tuple(run.findings),
        turns,
    )


def _ended_by_budget(checked: Checked, run: Run) -> bool:
    """Whether the limit, and not the model, ended the work.

    Out of calls after the tools have run, the last call may well hold the whole answer: then the model says
    by [incomplete] whether something is missing.
    """
    if run.limit is None:
        return False
    if run.limit != "calls" or checked.ending == "incomplete":
        return True
    done = [e for e in run.steps.values() if e.status == "done"]
    return (len(run.toolbox) > 0 and not done) or any(e.status == "skipped" for e in run.steps.values())


def _without_numbers(checked: Checked) -> str:
    text = checked.text
    for number in range(1, len(checked.citations) + 1):
        text = text.replace(f" [{number}]", "").replace(f"[{number}]", "")
    return text.strip()
