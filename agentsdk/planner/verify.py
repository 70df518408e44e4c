"""Settles a draft: what its checks find goes back to the model once, the better draft is kept, the rest is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from agentsdk.answer import Answer, Outcome
from agentsdk.checks.check import Broken, Candidate, Fault, faults_of
from agentsdk.checks.private import monologue
from agentsdk.checks.second import SolveThenCompare, UntilDry
from agentsdk.events import Cited, Draft, DraftReplaced
from agentsdk.evidence import Citation
from agentsdk.i18n import _
from agentsdk.messages import Message, ToolCall
from agentsdk.planner.claims import wrong_claims
from agentsdk.planner.markers import Ending
from agentsdk.planner.prove import prove_all
from agentsdk.planner.run import Run
from agentsdk.planner.second import compare
from agentsdk.prompts import render
from agentsdk.references.references import LOOK_UP
from agentsdk.waiting import Waiting, WaitingKind, is_plan


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft taken apart and checked."""

    draft: str
    """As the model wrote it."""
    text: str
    ending: Ending | None
    citations: tuple[Citation, ...]
    unverified: tuple[str, ...]
    output: Any
    faults: tuple[Fault, ...]

    @property
    def mendable(self) -> tuple[Fault, ...]:
        """Those that the model can do something about."""
        return tuple(f for f in self.faults if not isinstance(f, Broken))


async def check(draft: str, run: Run) -> Checked:
    """Return the draft with its quotes proved, its arithmetic recomputed, and the run's own checks done."""
    proved = prove_all(draft, run)
    faults = [
        Fault(_("This quote stands in no source: {quote}").format(quote=q), "quote") for q in proved.unverified
    ]
    faults += [
        Fault(_("{claim}: it is {right}.").format(claim=c.text, right=c.computed), "arithmetic")
        for c in wrong_claims(proved.text)
    ]
    found = Checked(
        draft, proved.text, proved.ending, proved.citations, proved.unverified, run.output, tuple(faults)
    )
    # A refusal or a question back is not three bullets long, and need not be.
    if found.ending in ("not_found", "needs_input", "refused") or run.refused:
        return found
    found = replace(found, faults=(*found.faults, *monologue(candidate(found, run))))
    for each in run.checks:
        if isinstance(each, UntilDry):  # it is done where the list is made
            continue
        if run.shape is None and (tidy := getattr(each, "tidy", None)):
            found = replace(found, text=tidy(candidate(found, run)))
        here = candidate(found, run)
        asked = isinstance(each, SolveThenCompare)
        more = await compare(each, here, run) if asked else await faults_of(each, here)
        found = replace(found, faults=(*found.faults, *more))
    return found


def candidate(checked: Checked, run: Run) -> Candidate:
    """Return what a check is given."""
    system = run.messages[0].text if run.messages and run.messages[0].role == "system" else ""
    return Candidate(
        checked.text,
        run.brief.question,
        checked.output,
        run.brief.language,
        checked.citations,
        tuple(run.passages),
        tuple(run.steps.values()),
        system,
        tuple(run.thoughts),
    )


async def verify(run: Run) -> Answer[object] | None:
    """Return the answer; None where the draft has faults and a correction was asked for in the conversation.

    One correction at most, and only where the budget affords it. The draft with fewer faults is kept.
    """
    if run.waiting or run.question_back is not None:
        return _stopped(run)
    checked = await check(run.draft or "", run)
    first: Checked | None = run.first
    if checked.mendable and first is None and run.limit is None and run.ledger.affords_another():
        _ask_again(checked, run)
        return None
    if first is not None and (len(first.faults) < len(checked.faults) or not checked.text):
        checked = first
    run.output = checked.output
    return _answer(await _mended(checked, run), run)


def so_far(run: Run, text: object) -> Answer[object]:
    """Return what a run that could not be finished had done: status "failed", and `text` where it is text."""
    shown = text if isinstance(text, str) else ""
    return _make(run, shown, "failed")


def _ask_again(checked: Checked, run: Run) -> None:
    run.corrections += 1
    run.first, run.draft, run.output = checked, None, None
    faults = "\n".join(f"- {f.told or f.text}" for f in checked.mendable)
    if run.messages[-1].text != checked.draft:
        run.messages.append(Message.assistant(checked.draft))
    run.messages.append(Message.user(render("correct", run.brief.language, faults=faults)))


async def _mended(checked: Checked, run: Run) -> Checked:
    """Return the draft as the checks themselves can mend it, such as by a cut; each change is a finding."""
    if run.shape is not None or not checked.mendable:
        return checked
    for each in run.checks:
        mend = getattr(each, "mend", None)
        here = candidate(checked, run)
        before = await faults_of(each, here) if mend else []
        if mend is None or not before or (mended := mend(here)) is None:
            continue
        text, said = mended
        text, citations = _recited(text, checked.citations)
        after = await faults_of(each, replace(here, text=text, citations=citations))
        if len(after) >= len(before):
            continue
        run.note(before[0].kind, said)
        left = (*(f for f in checked.faults if f not in before), *after)
        checked = replace(checked, text=text, citations=citations, faults=left)
    return checked


def _recited(text: str, citations: tuple[Citation, ...]) -> tuple[str, tuple[Citation, ...]]:
    """Return a text of which something was taken, and its citations: those still marked, counted anew."""
    used = [n for n in range(1, len(citations) + 1) if f"[{n}]" in text]
    if used != list(range(1, len(used) + 1)):
        text = re.sub(
            r"\[(\d{1,3})\]", lambda m: f"[{used.index(int(m[1])) + 1}]" if int(m[1]) in used else m[0], text
        )
    return text, tuple(citations[n - 1] for n in used)


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
    _show(text, checked, run)
    for number, citation in enumerate(citations, 1):
        run.emit(Cited(number, citation))
    for fault in checked.faults:
        run.note(fault.kind, fault.text)
    if status == "answered" and run.passages and not citations:
        run.note("uncited", _("Reference texts were read, and the answer quotes none of them."))
    for each in run.steps.values():
        if each.do == LOOK_UP and each.status == "done" and each.error:  # how it was searched
            run.note("tool", each.error)
    if run.limit is not None:
        run.note("budget", _("The budget of {limit} was reached.").format(limit=run.limit))
    return _make(run, text, status, citations, checked.unverified)


def _show(text: str, checked: Checked, run: Run) -> None:
    """Show the text where it is not what was streamed: a draft is replaced once, and never silently."""
    first = run.first or checked
    untouched = checked.draft == first.draft and checked.text == prove_all(checked.draft, run).text
    if run.hold or not untouched:
        if not run.hold:
            why = " ".join(f.text for f in first.faults) or _("It was put into the form that was asked for.")
            run.emit(DraftReplaced(why))
        run.emit(Draft(text))


def _stopped(run: Run) -> Answer[object]:
    if run.waiting:
        calls = "; ".join(
            f"{c.name}({', '.join(f'{k}={v!r}' for k, v in c.arguments.items())})" for c in run.waiting.values()
        )
        waiting = tuple(
            Waiting(id_, c.name, c.arguments, _kind(id_, c, run), run.unknown.get(id_, 0))
            for id_, c in run.waiting.items()
        )
        answer = _make(run, _("Waiting for a yes: {calls}").format(calls=calls), "needs_approval")
        return replace(answer, waiting=waiting)
    return _make(run, run.question_back or "", "needs_input")


def _kind(id: str, call: ToolCall, run: Run) -> WaitingKind:
    return "outcome_unknown" if id in run.unknown else "plan" if is_plan(call) else "call"


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
        messages=turns,
        intent=run.brief.chosen.intent if run.brief.chosen else "",
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
