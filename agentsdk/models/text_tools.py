"""Tools for models that have none: described in words, and a history of calls told in the same words.

The model's calls then come as text; the repair stage reads them (repair/text_calls.py), as it does where a server has
left native calls in the text. Which words a model knows best is a fact of its family: `Dialect`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agentsdk.models.bodies import joined
from agentsdk.models.families import Dialect
from agentsdk.models.wire import text_of
from agentsdk.prompts import render

STOP: dict[Dialect, str] = {"marks": "✿RESULT✿"}
"""Where an answer must end: a model that was trained on these marks goes on and makes the result up."""


def told(tools: Sequence[Mapping[str, Any]], dialect: Dialect, language: str) -> str:
    """Return what is said of tools to a model that has none.

    Args:
        tools: name, description and parameters of each.
        dialect: how the model calls best.
        language: "en" or "zh".

    """
    lines = (
        json.dumps({k: t[k] for k in ("name", "description", "parameters") if t.get(k)}, ensure_ascii=False)
        for t in tools
    )
    return render(f"text_tools_{dialect}", language, tools="\n".join(lines))


def history(messages: Sequence[Mapping[str, Any]], dialect: Dialect) -> list[Mapping[str, Any]]:
    """Return a conversation with its calls and results told as text.

    A result becomes part of a user's turn: templates without tools know no other role that may follow an answer.
    """
    out: list[Mapping[str, Any]] = []
    follows = False
    for message in messages:
        if message.get("role") == "tool":
            said = _result(message.get("content"), dialect)
            if follows:
                out[-1] = {**out[-1], "content": _spliced(out[-1].get("content"), said)}
            else:
                out.append({"role": "user", "content": said})
            follows = True
            continue
        calls = message.get("tool_calls")
        if calls:
            told_calls = []
            for call in calls:
                function = call.get("function") or {}
                told_calls.append(_call(str(function.get("name")), function.get("arguments"), dialect))
            rest = {k: v for k, v in message.items() if k != "tool_calls"}
            said = "\n".join(told_calls)
            out.append({**rest, "content": _spliced(message.get("content") or "", said)})
        elif follows and message.get("role") == "user" and isinstance(message.get("content"), str):
            # Two turns of the user in a row are refused by some templates.
            out[-1] = {**out[-1], "content": joined(out[-1].get("content"), message["content"])}
        else:
            out.append(message)
        follows = False
    return out


def _call(name: str, arguments: Any, dialect: Dialect) -> str:
    given = arguments
    if isinstance(arguments, str):
        try:
            given = json.loads(arguments or "{}")
        except (ValueError, RecursionError):  # a call that was broken goes back as it came
            given = arguments
    if dialect == "marks":
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
        return f"✿FUNCTION✿: {name}\n✿ARGS✿: {text}"
    field = "parameters" if dialect == "llama" else "arguments"
    wire = json.dumps({"name": name, field: {} if given is None else given}, ensure_ascii=False)
    return wire if dialect == "llama" else f"<tool_call>\n{wire}\n</tool_call>"


def _result(content: Any, dialect: Dialect) -> Any:
    before, after = (
        ("✿RESULT✿: ", "\n✿RETURN✿:") if dialect == "marks" else ("<tool_response>\n", "\n</tool_response>")
    )
    if isinstance(content, list) and any(isinstance(p, Mapping) and "text" not in p for p in content):
        typed = any(
            isinstance(p, Mapping) and "type" in p for p in content
        )  # it holds pictures: they stay parts

        def part(text: str) -> dict[str, str]:
            return {"type": "text", "text": text} if typed else {"text": text}

        return [part(before.rstrip()), *content, part(after.lstrip())]
    said = text_of(content)
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    # A result must not be able to end itself: what stands behind it would speak for the user.
    text = text.replace("</tool_response", "<\\/tool_response").replace("✿", "*")
    return before + text + after


def _spliced(content: Any, said: Any) -> Any:
    if isinstance(said, list):
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        return [*parts, *said]
    if isinstance(content, list):
        return joined(content, said)
    return f"{content}\n{said}" if content else said
