"""Keeps a conversation inside a model's window: old turns are left out whole, a call never without its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any

from agentsdk.errors import ContextOverflow
from agentsdk.i18n import _
from agentsdk.messages import Repair
from agentsdk.models.remembered import Remembered
from agentsdk.models.tokens import MARGIN, Count, estimate, exact, weigh_message, weigh_tools

ANSWER = 4_096
"""Tokens that are kept free for an answer whose limit nobody set, where the window is large enough."""

SHORT = 1_024
"""Tokens of a conversation that fits every window in use: for so short a one no server is asked how large its is."""

RUNGS = (16_384, 32_768, 65_536, 131_072, 262_144)
"""Windows that Ollama is asked for: few, since each change loads the model again."""

_ratios = Remembered[float]()
"""What a server counted, over what was estimated, in its last answer."""
_limits = Remembered[int]()
"""What fits, as a refusal has shown."""
_rungs = Remembered[int]()
"""The window asked for last; it does not shrink while it is remembered."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a request weighs, in tokens."""

    estimated: float
    """By the classes of characters alone."""
    asked: int
    """Corrected by what the server counted last, or with a margin where it has counted nothing yet."""
    count: Count
    """What it was counted by."""


def weigh(
    conversation: Sequence[Mapping[str, Any]],
    tools: Sequence[Any],
    tokens: str,
    key: tuple[str, str],
    *,
    room: float = 0,
) -> Weight:
    """Return what a conversation and its tools weigh.

    Args:
        conversation: messages as any of the wire formats writes them.
        tools: their schemas.
        tokens: whose tokenizer (`Family.tokens`).
        key: the server's address and the model's name.
        room: tokens that it is to fit in; near it, an exact table is asked where there is one.

    """
    count: Count = partial(estimate, tokens=tokens)
    estimated = _sum(conversation, tools, count)
    ratio = _ratios.get(key)
    asked = round(estimated * (MARGIN if ratio is None else ratio * 1.03))
    if room and 0.75 * room < asked < 1.5 * room and exact("", tokens) is not None:
        count = partial(_exactly, tokens=tokens)
        asked = round(_sum(conversation, tools, count) * 1.03)
    return Weight(estimated, asked, count)


def _sum(conversation: Sequence[Mapping[str, Any]], tools: Sequence[Any], count: Count) -> float:
    return sum(weigh_message(m, count) for m in conversation) + weigh_tools(tools, count)


def _exactly(text: str, tokens: str) -> float:
    return float(exact(text, tokens) or 0)


def learn(key: tuple[str, str], estimated: float, counted: int) -> None:
    """Take what a server counted for a request into the next estimates.

    A count that is far off is not believed: some servers leave out what they had in their cache.
    """
    if counted > 0 and estimated > 50:
        ratio = counted / estimated
        if 0.6 <= ratio <= 1.7:
            _ratios.set(key, ratio)


def told(key: tuple[str, str], limit: int | None, asked: int) -> int:
    """Take a server's refusal of so long a conversation in, and return the tokens to ask for now.

    Only a number of the server's own is kept: a guess of ours would hold for every later conversation.
    """
    if limit is not None:
        _limits.set(key, limit)
    return min(limit or asked, round(asked * 0.8))


def limit_of(key: tuple[str, str], context: int | None) -> int | None:
    """Return the tokens of a model's window: as its server has shown, else as is known of it."""
    shown = _limits.get(key)
    return shown if context is None or (shown is not None and shown < context) else context


def rung(key: tuple[str, str], needed: int, most: int, least: int = RUNGS[0]) -> int:
    """Return the window to ask for: the smallest that holds what is needed, and never less than last time."""
    fitting = next((r for r in RUNGS if r >= max(needed, least)), RUNGS[-1])
    chosen = min(max(fitting, _rungs.get(key) or 0), most)
    _rungs.set(key, chosen)
    return chosen


@dataclass(frozen=True, slots=True)
class Shortened:
    """A conversation that fits, as far as it can."""

    conversation: list[Any]
    left_out: int
    """Messages that were left out."""
    asked: int
    """Tokens of what is left, tools included."""
    estimated: float
    """The same, uncorrected: what `learn` takes."""


def shorten(
    conversation: Sequence[Any], tools: Sequence[Any], room: int, tokens: str, key: tuple[str, str]
) -> Shortened:
    """Return a conversation without its oldest turns, so that it weighs at most `room` tokens.

    What instructs the model stays, and so does the last turn. A turn begins with what a person says, and holds all
    calls and results up to the next; none begins while a call waits for its result. Where the last turn alone is too
    long, its oldest calls go, each with its results and with what stands between, all but the last.
    """
    whole = weigh(conversation, tools, tokens, key, room=room)
    factor = whole.asked / (_sum(conversation, tools, whole.count) or 1)
    weights = [weigh_message(m, whole.count) * factor for m in conversation]
    asked = float(whole.asked)
    out: set[int] = set()
    bound = _bound(conversation)
    turns = _turns(conversation, bound)
    groups = [*turns[:-1], *(_exchanges(conversation, turns[-1], bound)[:-1] if turns else [])]
    for group in groups:
        if asked <= room:
            break
        out.update(group)
        asked -= sum(weights[at] for at in group)
    left = [m for at, m in enumerate(conversation) if at not in out]
    estimated = whole.estimated if not out else _sum(left, tools, partial(estimate, tokens=tokens))
    return Shortened(left, len(out), round(asked), estimated)


def cuts_of(fitted: Shortened) -> list[Repair]:
    """Return what was left out, as it is told on the answer."""
    if not fitted.left_out:
        return []
    return [Repair("context.cut", f"the {fitted.left_out} oldest messages were left out to fit the window")]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a request in one of the wire formats keeps its conversation."""

    conversation: Sequence[Any]
    tools: Sequence[Any]
    put: Callable[[list[Any]], dict[str, Any]]
    """Returns the request with another conversation."""


def placed(body: Mapping[str, Any]) -> Placed | None:
    """Return where a request keeps its conversation: `messages`, DashScope's `input`, or the items of Responses."""
    tools = body.get("tools") or ()
    if isinstance(messages := body.get("messages"), list):
        return Placed(messages, tools, lambda new: {**body, "messages": new})
    inner = body.get("input")
    if isinstance(inner, Mapping) and isinstance(messages := inner.get("messages"), list):
        tools = (body.get("parameters") or {}).get("tools") or ()
        return Placed(messages, tools, lambda new: {**body, "input": {**inner, "messages": new}})
    if isinstance(inner, list):
        told = {"role": "system", "content": body.get("instructions") or ""}
        return Placed([told, *inner], tools, lambda new: {**body, "input": new[1:]})
    return None


def overflow(model: str, asked: int, limit: int) -> ContextOverflow:
    """Return the error for a conversation that cannot be made to fit."""
    return ContextOverflow(
        _("The conversation is too long for {model}.").format(model=model),
        why=_("It is about {asked:,} tokens, and {limit:,} fit.").format(asked=asked, limit=limit),
        fix=_("Ask less at once, give shorter texts, or take a model with a larger window."),
        limit=limit,
        asked=asked,
    )


def _instructs(item: Mapping[str, Any]) -> bool:
    return item.get("role") in ("system", "developer")


def _turns(conversation: Sequence[Mapping[str, Any]], bound: AbstractSet[int]) -> list[list[int]]:
    """Return the turns, each as the places of its messages; what instructs belongs to none.

    Args:
        conversation: the messages.
        bound: the places of those that stay with the one before (`_bound`): no turn begins there.

    """
    turns: list[list[int]] = []
    before = ""
    for at, item in enumerate(conversation):
        if _instructs(item):
            continue
        role = _role(item)
        # Two things said in a row belong together: the second may be nothing without the first.
        if not turns or (role == "user" and before != "user" and at not in bound):
            turns.append([])
        turns[-1].append(at)
        before = "" if at in bound else role
    return turns


def _exchanges(
    conversation: Sequence[Mapping[str, Any]], turn: Sequence[int], bound: AbstractSet[int]
) -> list[list[int]]:
    """Return the calls of a turn with their results, each group in order; what the person said is not among them."""
    groups: list[list[int]] = []
    answered = True
    for at in turn:
        item = conversation[at]
        if _role(item) == "user" and not (at in bound and _shows(item)):
            continue
        # A model's next words after a result begin a new group; its thoughts and calls before it belong together.
        result = _is_result(item) or at in bound
        if not groups or (answered and not result):
            groups.append([])
        groups[-1].append(at)
        answered = _is_result(item) or _role(item) == "user"
    return groups


def _bound(conversation: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return the places that stay with the one before: all from a call to its last result, and what a result shows.

    A result belongs to the latest unanswered call of its id; where there are no ids, as with Ollama, to the latest
    message with an unanswered call. A call that nothing answers binds nothing.
    """
    bound: set[int] = set()
    waiting: list[tuple[int, str]] = []
    before = False
    for at, item in enumerate(conversation):
        waiting += [(at, called) for called in _calls(item)]
        shown = before and _role(item) == "user" and _shows(item) and not _says(item)
        if _is_result(item):
            place = _answered(waiting, _id(item))
            if place is not None:
                bound.update(range(waiting.pop(place)[0] + 1, at + 1))
        elif shown:
            bound.add(at)
        before = shown or _is_result(item)
    return bound


def _answered(waiting: Sequence[tuple[int, str]], id: str) -> int | None:
    """Return which of the calls that wait for a result has this one."""
    latest_first = range(len(waiting) - 1, -1, -1)
    same = [place for place in latest_first if waiting[place][1] == id]
    nameless = [place for place in latest_first if not (id and waiting[place][1])]
    return next(iter(same + nameless), None)


def _calls(item: Mapping[str, Any]) -> list[str]:
    """Return the ids of the calls that a message or an item makes; "" is one that has none."""
    if calls := item.get("tool_calls"):
        return [_id(call) for call in calls]
    if isinstance(item.get("function_call"), Mapping):  # Chat Completions before there were several
        return [""]
    return [_id(item)] if item.get("call_id") and not _is_result(item) else []


def _is_result(item: Mapping[str, Any]) -> bool:
    role = _role(item)
    return role in ("tool", "function") or role.endswith("_output")


def _id(item: Any) -> str:
    found = item if isinstance(item, Mapping) else {}
    # An item of Responses has an `id` of its own beside that of its call.
    return str(found.get("call_id") or found.get("tool_call_id") or found.get("id") or "")


def _role(item: Mapping[str, Any]) -> str:
    return str(item.get("role") or item.get("type") or "")


def _shows(item: Mapping[str, Any]) -> bool:
    """Return whether there is anything but text in a message."""
    content = item.get("content")
    parts = content if isinstance(content, list) else ()
    return bool(item.get("images")) or any(not _text_of(part) for part in parts)


def _says(item: Mapping[str, Any]) -> bool:
    """Return whether there is text in a message."""
    content = item.get("content")
    return any(map(_text_of, content)) if isinstance(content, list) else bool(content)


def _text_of(part: Any) -> str:
    return part if isinstance(part, str) else str(part.get("text") or "") if isinstance(part, Mapping) else ""
