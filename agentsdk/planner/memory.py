"""Makes a long conversation short: older turns and results are told in brief, and opened again by `recall`.

`run.messages` is the whole log and is never shortened: `shown` is what of it a model is sent. So nothing can be lost,
a call stands beside its result or neither is sent, and the plan, which is no message but `run.plan` and `run.steps`,
is the same before and after; where its call is no longer shown, its steps and their states are written out.

What is told in brief was said by persons, tools and texts. It stands between marks that it cannot close, in a turn of
the person, and never in the system part.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentsdk.errors import ModelError
from agentsdk.events import Condensed
from agentsdk.examples import likeness
from agentsdk.i18n import _
from agentsdk.memory import SHARE
from agentsdk.messages import Message
from agentsdk.models.model import Request
from agentsdk.models.tokens import MARGIN, MOST_TOKENS, characters
from agentsdk.planner.call import call_model
from agentsdk.planner.ledger import LimitReached
from agentsdk.planner.recall import with_recall
from agentsdk.planner.run import Run
from agentsdk.planner.shown import LEAST_RESULT, shown
from agentsdk.planner.units import Unit, earlier_turns, exchanges_of
from agentsdk.planner.weigh import cut, tokens_of, weigh, weigh_specs
from agentsdk.prompts import render
from agentsdk.prompts.fence import fence, nonce

SMALL = 1_200
"""Tokens of a conversation that fits every window in use: for so short a one nobody is asked how large its is."""

_CALLS_AFTER = 2
"""Calls that must be left after a summary: one to work, one to answer."""


async def make_room(run: Run) -> None:
    """Tell more of the conversation in brief, where it has outgrown what `run.memory` allows.

    A summary that the budget does not afford, or in which the model fails, is left out: then it is filtered.
    """
    limit = await _limit(run)
    if limit is None or _most(run) <= limit or (before := _weigh_shown(run)) <= limit:
        return
    shelf, memory = run.shelf, run.memory
    if memory is None:
        return
    turns, exchanges = earlier_turns(run), exchanges_of(run)
    shelf.longest = None
    more_turns, more_work = _choose(run, turns, exchanges, limit)
    how, why = await _take_off(more_turns, more_work, run, limit)
    run.toolbox = with_recall(run.toolbox, run)
    if _weigh_shown(run) > limit:
        _cut_results(run, limit)
    left = [u for u in (*more_turns, *more_work) if u.id not in shelf.kept]
    told = (
        tuple(u.id for u in left if u in more_turns),
        tuple(s for u in left if u in more_work for s in u.steps or (u.id,)),
    )
    if left or _weigh_shown(run) < before:
        run.emit(Condensed(how, *told, before, _weigh_shown(run), why))


async def _take_off(turns: Sequence[Unit], exchanges: Sequence[Unit], run: Run, limit: int) -> tuple[str, str]:
    """Have turns and exchanges told in brief from now on; return how, and why it is not as it was asked for."""
    shelf, memory = run.shelf, run.memory
    how, why = memory.how if memory else "filter", ""
    shelf.turns += len(turns)
    shelf.exchanges += len(exchanges)
    shelf.room = limit // 8
    rest = [*turns, *exchanges]
    if how == "summary":
        try:
            for piece, units in _pieces(turns, run, limit):
                shelf.told = await _tell_in_brief(shelf.told, piece, run)
                shelf.told_turns = int(units[-1].id.removeprefix("t"))
                rest = rest[len(units) :]
            for piece, units in _pieces(exchanges, run, limit):
                shelf.told_work = await _tell_in_brief(shelf.told_work, piece, run)
                rest = rest[len(units) :]
        except LimitReached:
            how, why = "filter", _("The budget affords no summary.")
        except ModelError as error:
            how, why = "filter", error.what
    if how == "filter":
        _keep_alike(rest, run, limit // 2)
    return how, why


def _cut_results(run: Run, limit: int) -> None:
    """Show the results that still stand there in part, so that they fit: `recall` opens each in full."""
    results = [tokens_of(m.text, run.model) for m in shown(run) if m.role == "tool"]
    room = limit * 0.9 - (_weigh_shown(run) - sum(results) * MARGIN)
    # The longest that all of them may be: short ones leave their share to the long ones.
    share = 0.0
    for count, weight in zip(range(len(results), 0, -1), sorted(results), strict=True):
        share = room / count
        if weight * MARGIN > share:
            break
        room -= weight * MARGIN
    run.shelf.longest = max(round(share / MARGIN), LEAST_RESULT)
    run.toolbox = with_recall(run.toolbox, run)


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
    said = sum(len(m.text) + 3_000 * len(m.media) for m in run.messages)
    said += sum(characters(c.arguments) for m in run.messages for c in m.calls)
    return MOST_TOKENS * said + 300 * len(run.toolbox)


def _weigh_shown(run: Run) -> int:
    return round((weigh(shown(run), run.model) + weigh_specs(run.toolbox.specs(), run.model)) * MARGIN)


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


def _pieces(units: Sequence[Unit], run: Run, limit: int) -> list[tuple[str, list[Unit]]]:
    """Return the texts of the units in pieces that fit one call each, and the units of each piece."""
    memory = run.memory
    room = max(limit - 2 * (memory.summary_tokens if memory else 0) - 300, limit // 3)
    pieces: list[tuple[str, list[Unit]]] = []
    weight = 0.0
    for unit in units:
        text = cut(unit.text, room, run.model)
        cost = tokens_of(text, run.model)
        if pieces and weight + cost <= room:
            before, held = pieces[-1]
            pieces[-1] = (f"{before}\n\n{text}", [*held, unit])
            weight += cost
        else:
            pieces.append((text, [unit]))
            weight = cost
    return pieces


async def _tell_in_brief(told: str, piece: str, run: Run) -> str:
    """Return a summary of what was told before and of a piece.

    Raises:
        LimitReached: the budget does not afford it beside the work and the answer.
        ModelError: the model failed.

    """
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
    return cut(reply.message.text.strip(), 2 * most, run.model)


def _keep_alike(units: Sequence[Unit], run: Run, goal: int) -> None:
    """Have those of the units that are most like the question stand word for word, as long as there is room."""
    room = goal - _weigh_shown(run)
    scores = likeness([u.text for u in units], run.brief.question)
    for _score, at in sorted((-score, at) for at, score in enumerate(scores) if score):
        cost = weigh(units[at].messages, run.model) * MARGIN
        if cost <= room:
            run.shelf.kept.add(units[at].id)
            room -= round(cost)
