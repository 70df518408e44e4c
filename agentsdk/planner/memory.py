"""Makes a long conversation short: older turns and results are told in brief, and opened again by `recall`.

`run.messages` is the whole log and is never shortened: `shown` is what of it a model is sent. So nothing can be lost,
a call stands beside its result or neither is sent, and the plan, which is no message but `run.plan` and `run.steps`,
is the same before and after; where its call is no longer shown, its steps and their states are written out.

What is told in brief was said by persons, tools and texts. It stands between marks that it cannot close, in a turn of
the person, and never in the system part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from agentsdk.errors import ModelError, ToolError
from agentsdk.events import Condensed
from agentsdk.evidence import Evidence
from agentsdk.examples import by_likeness
from agentsdk.function_tool import Tool, tool
from agentsdk.i18n import _
from agentsdk.memory import SHARE
from agentsdk.messages import Message
from agentsdk.models.families import family_of
from agentsdk.models.model import Model, Request, ToolSpec
from agentsdk.models.tokens import MARGIN, MEDIA, MOST_TOKENS, PER_MESSAGE, PER_TOOL, estimate
from agentsdk.plan import describe
from agentsdk.planner.call import call_model
from agentsdk.planner.intake import earlier
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.run import Run
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce
from agentsdk.toolbox import AnyTool, Toolbox

SMALL = 1_200
"""Tokens of a conversation that fits every window in use: for so short a one nobody is asked how large its is."""

_CALLS_AFTER = 2
"""Calls that must be left after a summary: one to work, one to answer."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Messages that stay together: a turn, or what the model said with the results of its calls."""

    id: str
    messages: tuple[Message, ...]
    steps: tuple[str, ...] = ()
    """This run's steps whose results it holds."""

    @property
    def text(self) -> str:
        """All that was said in it, on whose behalf, and under its ids."""
        lines = []
        names = {c.id: f"{c.name}({_json(c.arguments)})" for m in self.messages for c in m.calls}
        for message in self.messages:
            if message.role == "tool":
                lines.append(f"{names.get(message.call_id, message.name)} -> {message.text}")
            elif message.text:
                lines.append(f"{'person' if message.role == 'user' else 'answer'}: {message.text}")
        return f"[{', '.join(self.steps) or self.id}] " + "\n".join(lines)


async def condense(run: Run) -> None:
    """Tell more of the conversation in brief, where it has outgrown what `run.memory` allows.

    A summary that the budget does not afford, or in which the model fails, is left out: then it is filtered.
    """
    limit = await _limit(run)
    if limit is None or (before := _weigh_shown(run)) <= limit:
        return
    shelf, memory = run.shelf, run.memory
    if memory is None:
        return
    turns, exchanges = _turns(run), _exchanges(run)
    more_turns, more_work = _choose(run, turns, exchanges, limit)
    if not more_turns and not more_work:
        return
    shelf.turns += len(more_turns)
    shelf.exchanges += len(more_work)
    shelf.room = limit // 8
    how, why = memory.how, ""
    if how == "summary":
        try:
            if more_turns:
                shelf.told = await _summarise(shelf.told, more_turns, run, limit)
                shelf.kept -= {u.id for u in more_turns}
            if more_work:
                shelf.told_work = await _summarise(shelf.told_work, more_work, run, limit)
        except (LimitReached, ModelError) as error:
            how, why = (
                "filter",
                error.what if isinstance(error, ModelError) else _("The budget affords no summary."),
            )
    run.toolbox = with_recall(run.toolbox, run)
    if how == "filter":
        _keep_alike([*more_turns, *more_work], run, limit // 2)
    left = [u for u in (*more_turns, *more_work) if u.id not in shelf.kept]
    run.emit(
        Condensed(
            how,
            tuple(u.id for u in left if u in more_turns),
            tuple(s for u in left if u in more_work for s in u.steps or (u.id,)),
            before,
            _weigh_shown(run),
            why,
        )
    )


def shown(run: Run) -> tuple[Message, ...]:
    """Return the conversation as a model is sent it: whole, or with its older part told in brief."""
    shelf = run.shelf
    if not shelf.turns and not shelf.exchanges:
        return tuple(run.messages)
    head, turns, exchanges = _opening(run), _turns(run), _exchanges(run)
    begin, question, rest = _parts(run)
    before = [m for at, u in enumerate(turns) if at >= shelf.turns or u.id in shelf.kept for m in u.messages]
    after = [
        m for at, u in enumerate(exchanges) if at >= shelf.exchanges or u.id in shelf.kept for m in u.messages
    ]
    lead = _block("earlier", shelf.told, turns[: shelf.turns], run) if shelf.turns else ""
    done = _block("done", shelf.told_work, exchanges[: shelf.exchanges], run) if shelf.exchanges else ""
    if done:
        question = replace(question, text=f"{question.text}\n\n{done}")
    messages = [*before, question]
    if lead:
        messages[0] = replace(messages[0], text=f"{lead}\n\n{messages[0].text}")
    return (*head, *messages, *rest[:begin], *after)


def tokens_of(text: str, model: Model) -> int:
    """Return about how many tokens a text is to a model."""
    return round(estimate(text, _tokenizer(model.name)))


def weigh_specs(specs: Iterable[ToolSpec], model: Model) -> int:
    """Return about how many tokens the descriptions of tools are to a model."""
    texts = [f"{s.name} {s.description} {_json(s.parameters)}" for s in specs]
    return round(sum(tokens_of(text, model) + PER_TOOL for text in texts))


def weigh(messages: Iterable[Message], model: Model) -> float:
    """Return about how many tokens messages are to a model."""
    tokens = _tokenizer(model.name)
    total = 0.0
    for message in messages:
        total += PER_MESSAGE + estimate(message.text, tokens)
        total += sum(estimate(c.name, tokens) + estimate(_json(c.arguments), tokens) for c in message.calls)
        total += sum(MEDIA.get(m.kind, 0) for m in message.media)
        if message.calls and message.reasoning:
            total += estimate(message.reasoning, tokens)
    return total


async def _limit(run: Run) -> int | None:
    """Return the tokens beyond which this run's conversation is made short; the same in every process of the run."""
    shelf, memory = run.shelf, run.memory
    if memory is None or memory.tokens is not None:
        return memory.tokens if memory else None
    if shelf.asked or _most(run) < SMALL:
        return shelf.limit
    from agentsdk.models.facts import facts_of
    from agentsdk.planner.journal import Key

    # What a server says of its window may differ tomorrow; a resumed run must decide as it did.
    key = Key("window", "fact")
    found = await run.journal.found(key)
    if found is not None and found.finished:
        window = found.value
    else:
        window = (await facts_of(run.model)).context
        await run.journal.ended(key, window)
    shelf.asked, shelf.limit = True, int(window * SHARE) if window else None
    return shelf.limit


def _most(run: Run) -> float:
    """Return what the conversation can be at most, in tokens: cheap, since it is asked before every call."""
    return MOST_TOKENS * sum(len(m.text) + 40 * len(m.calls) + 3_000 * len(m.media) for m in run.messages)


def _weigh_shown(run: Run) -> int:
    if (
        not run.shelf.turns
        and not run.shelf.exchanges
        and run.memory
        and run.memory.tokens
        and (_most(run) + 300 * len(run.toolbox) < run.memory.tokens)
    ):
        return 0
    return round((weigh(shown(run), run.model) + weigh_specs(run.toolbox.specs(), run.model)) * MARGIN)


def _opening(run: Run) -> list[Message]:
    """Return the system part and the examples."""
    return run.messages[: 1 + sum(2 + 2 * len(e.calls) for e in run.brief.examples)]


def _parts(run: Run) -> tuple[int, Message, list[Message]]:
    """Return the question, what follows it, and how many of that stand before the model's first words."""
    at = len(_opening(run)) + len(earlier(run.brief))
    rest = run.messages[at + 1 :]
    begin = next((i for i, m in enumerate(rest) if m.role == "assistant"), len(rest))
    return begin, run.messages[at], rest


def _turns(run: Run) -> list[Unit]:
    """Return the turns before the question: "t1" is the first of all."""
    return turns_of(earlier(run.brief))


def turns_of(messages: Sequence[Message]) -> list[Unit]:
    """Return the turns of a conversation, each from what a person says up to the next thing that is said."""
    groups: list[list[Message]] = []
    for message in messages:
        if not groups or (message.role == "user" and groups[-1][-1].role != "user"):
            groups.append([])
        groups[-1].append(message)
    return [Unit(f"t{at}", tuple(group)) for at, group in enumerate(groups, 1)]


def _exchanges(run: Run) -> list[Unit]:
    """Return this run's exchanges: what the model said, the results of its calls, and what it was told then."""
    begin, _question, rest = _parts(run)
    groups: list[list[Message]] = []
    for message in rest[begin:]:
        if message.role == "assistant":
            groups.append([])
        groups[-1].append(message)
    return [
        Unit(f"e{at}", tuple(group), tuple(s for m in group for c in m.calls for s in run.asked.get(c.id, ())))
        for at, group in enumerate(groups, 1)
    ]


def _choose(run: Run, turns: list[Unit], exchanges: list[Unit], limit: int) -> tuple[list[Unit], list[Unit]]:
    """Return the turns and exchanges to be told in brief now: the oldest, until half of what is allowed is left.

    The latest stay as they are, as many as were asked for; fewer, where they alone are too long.
    """
    shelf, memory = run.shelf, run.memory
    if memory is None:
        return [], []
    turns, exchanges = turns[shelf.turns :], exchanges[shelf.exchanges :]
    weights = {u.id: weigh(u.messages, run.model) * MARGIN for u in (*turns, *exchanges)}
    spare = memory.summary_tokens + limit // 8
    open_turns: list[Unit] = []
    open_work: list[Unit] = []
    for keep in dict.fromkeys((memory.keep_turns, 1, 0)):
        open_turns, open_work = turns[: len(turns) - keep], exchanges[: len(exchanges) - max(keep, 1)]
        freed = sum(weights[u.id] for u in (*open_turns, *open_work))
        if _weigh_shown(run) - freed + spare <= limit:
            break
    left = float(_weigh_shown(run) + spare)
    chosen: list[Unit] = []
    for unit in (*open_turns, *open_work):
        if left <= limit // 2:
            break
        chosen.append(unit)
        left -= weights[unit.id]
    return [u for u in chosen if u in open_turns], [u for u in chosen if u in open_work]


async def _summarise(told: str, units: Sequence[Unit], run: Run, limit: int) -> str:
    """Return a summary of what was told before and of `units`, piece by piece where they are too long for one call.

    Raises:
        LimitReached: the budget does not afford it beside the work and the answer.
        ModelError: the model failed.

    """
    memory = run.memory
    room = max(limit - 2 * (memory.summary_tokens if memory else 0) - 300, limit // 3)
    pieces: list[str] = []
    weight = 0.0
    for unit in units:
        text = _cut(unit.text, room, run.model)
        cost = tokens_of(text, run.model)
        if not pieces or weight + cost > room:
            pieces.append(text)
            weight = cost
        else:
            pieces[-1] += "\n\n" + text
            weight += cost
    for piece in pieces:
        told = await _tell_in_brief(told, piece, run)
    return told


async def _tell_in_brief(told: str, piece: str, run: Run) -> str:
    calls = run.ledger.budget.calls
    if calls is not None and run.ledger.used.calls + 1 + _CALLS_AFTER > calls:
        raise LimitReached("calls")
    memory = run.memory
    most = memory.summary_tokens if memory else 0
    mark = nonce([told, piece])
    material = "\n".join(
        [*([fence("summary", told, mark)] if told else []), fence("conversation", piece, mark)]
    )
    prompt = render("summarise", run.brief.language, material=material, tokens=str(most))
    reply = await call_model(run, Request((Message.user(prompt),)), public=False)
    return _cut(reply.message.text.strip(), 2 * most, run.model)


def _keep_alike(units: Sequence[Unit], run: Run, goal: int) -> None:
    """Have those of the units that are most like the question stand word for word, as long as there is room."""
    room = goal - _weigh_shown(run)
    for at in by_likeness([u.text for u in units], run.brief.question):
        cost = weigh(units[at].messages, run.model) * MARGIN
        if cost <= room and _alike(units[at].text, run.brief.question):
            run.shelf.kept.add(units[at].id)
            room -= round(cost)


def _alike(text: str, question: str) -> bool:
    from agentsdk.references.words import terms

    return not set(terms(text, words=False)).isdisjoint(terms(question, words=False))


def _block(kind: str, told: str, units: Sequence[Unit], run: Run) -> str:
    """Return what is told in brief, between marks: the plan's state, the summary, and a line for what it leaves out."""
    left = [u for u in units if u.id not in run.shelf.kept]
    lines = []
    if kind == "done" and run.plan is not None:
        lines += ["plan:", *(f"- {s.id} {describe(s)}: {_state(s.id, run)}" for s in run.plan), ""]
    if told:
        lines += [told, ""]
    named = set(re.findall(r"[tecsp]\d+|\w+", told))
    rest = [u for u in left if u.id not in named and not (u.steps and named.issuperset(u.steps))]
    room = float(run.shelf.room)
    listed: list[str] = []
    for unit in reversed(rest):  # the latest first: where not all have room, the oldest are reached by search
        text = _line(unit, run)
        room -= tokens_of(text, run.model)
        if room < 0:
            break
        listed.append(text)
    if len(listed) < len(left):
        ids = [i for u in left for i in (u.steps or (u.id,))]
        lines.append(f"ids: {ids[0]} ... {ids[-1]} ({len(ids)})" if len(ids) > 8 else f"ids: {', '.join(ids)}")
    lines += listed[::-1]
    text = "\n".join(lines).strip()
    name = _recall_name(run.toolbox)
    return render("condensed", run.brief.language, tool=name) + "\n" + fence(kind, text, nonce([kind, text]))


def _state(step: str, run: Run) -> str:
    evidence = run.steps.get(step)
    return evidence.status if evidence else "pending"


def _line(unit: Unit, run: Run) -> str:
    """Return a unit as one line of the list of what is left out."""
    if unit.steps:
        return "\n".join(f"- [{s}] {_line_of(run.steps[s], run)}" for s in unit.steps if s in run.steps)
    said = " / ".join(" ".join(m.text.split())[:80] for m in unit.messages if m.text and m.role != "tool")
    return f"- [{unit.id}] {said[:200]}"


def _line_of(evidence: Evidence, run: Run) -> str:
    inputs = _json(evidence.inputs)[:80]
    if evidence.status != "done":
        brought = f"{evidence.status}: {(evidence.error or '')[:80]}"
    elif evidence.passages:
        brought = ", ".join(run.number(p) for p in evidence.passages)
    else:
        value = evidence.value if isinstance(evidence.value, str) else _json(evidence.value)
        brought = " ".join(value.split())[:120]
    return f"{evidence.do} {inputs} -> {brought}"


def with_recall(box: Toolbox, run: Run) -> Toolbox:
    """Return the tools, and `recall` with them where something of the conversation is told in brief."""
    told = run.shelf.turns or run.shelf.exchanges
    return Toolbox([*box, _recall_for(box, run)]) if told and _recalls(box) is None else box


def _recalls(box: Toolbox) -> AnyTool | None:
    return next(
        (t for t in box if t.name.startswith("recall") and getattr(t.function, "opens_memory", False)), None
    )


def _recall_name(box: Toolbox) -> str:
    found = _recalls(box)
    return found.name if found else "recall"


def _recall_for(box: Toolbox, run: Run) -> Tool[Any, Any]:
    """Return the tool that opens what was told in brief."""

    def recall(id: str) -> Any:
        return _open(id, run)

    recall.opens_memory = True  # type: ignore[attr-defined]  # how it is known again among an agent's own tools
    name = "recall"
    while name in box:  # the agent has one of its own
        name += "_"
    return tool(name=name, description=render("recall", run.brief.language), pure=True)(recall)


def _open(id_: str, run: Run) -> Any:
    """Return what an id stands for, in full; for other words, the turns and results that are most like them.

    Raises:
        ToolError: nothing is like the words.

    """
    wanted = id_.strip().strip("[]").strip()
    units = {u.id: u for u in (*_turns(run), *_exchanges(run))}
    if wanted in run.steps:
        evidence = run.steps[wanted]
        return list(evidence.passages) or (evidence.value if evidence.status == "done" else evidence.error)
    if (found := re.fullmatch(r"p(\d+)", wanted)) and 0 < int(found[1]) <= len(run.passages):
        return [run.passages[int(found[1]) - 1]]
    if wanted in units:
        return units[wanted].text
    texts = {u.id: u.text for u in units.values()}
    likely = [list(texts)[at] for at in by_likeness(list(texts.values()), wanted)]
    best = [texts[i] for i in likely[:3] if _alike(texts[i], wanted)]
    if not best:
        raise ToolError(
            _("Nothing in this conversation is called {id}, and nothing is like it.").format(id=wanted[:80]),
            fix=_("Give an id that stands in brackets, such as {id}.").format(id=next(iter(units), "t1")),
        )
    return "\n\n".join(text[:2_000] for text in best)


def _cut(text: str, room: int, model: Model) -> str:
    """Return the text, its middle left out where it takes more than `room` tokens."""
    weight = tokens_of(text, model)
    if weight <= room:
        return text
    half = max(int(len(text) * room / weight) // 2 - 10, 20)
    return f"{text[:half]}\n(...)\n{text[-half:]}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


@lru_cache(maxsize=256)
def _tokenizer(name: str) -> str:
    return family_of(name.partition(":")[2] or name).tokens
