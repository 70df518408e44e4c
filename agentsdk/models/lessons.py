"""What servers said that they do not take of a request: learned by address and model, and kept to (learned.py).

A profile says what is known of a server. This says what was found out: a parameter that is refused, one that goes by
another name now, a value that is none of the supported ones. What bears the meaning of a request is never left out:
without its tools or its form a request is another one, and its error is for the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentsdk.models.learned import Learning

_KEPT = frozenset(
    {
        "model",
        "messages",
        "input",
        "instructions",
        "prompt",
        "tools",
        "tool_choice",
        "response_format",
        "text",
        "text.format",
        "format",
        "stream",
        "n",
        "max_output_tokens",
        "modalities",
        "parameters",
        "options",
    }
)
"""Fields that are never left out."""

_LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

_FIELD = r"[`'\"]?(?P<field>[A-Za-z_][\w.]*)[`'\"]?"
_REFUSED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # OpenAI, as recorded, and Azure.
        rf"unsupported parameter: {_FIELD}",
        rf"unsupported value: {_FIELD} does not support",
        rf"(?:unknown|unrecognized|unexpected) (?:request )?(?:parameter|argument|field)s?(?: supplied)?:? {_FIELD}",
        # vLLM and others that validate by pydantic; Azure's models of other makers.
        r"loc['\"]: ?[\[(]['\"]body['\"], ?['\"](?P<field>\w+)['\"][\])].{0,40}(?:extra inputs|not permitted)",
        r"at #/(?P<field>\w+): extra inputs are not permitted",
        # Groq, xAI, Mistral, Together.
        rf"property {_FIELD} is (?:unsupported|not supported)",
        rf"arguments? not supported(?: on this model)?: {_FIELD}",
        rf"does not support (?:the )?parameters?:? {_FIELD}",
        rf"does not support the {_FIELD} parameter",
        rf"{_FIELD} is not (?:supported|allowed|permitted)",
        rf"{_FIELD} does not support",
    )
)
_OF_ITS_VALUE = re.compile(
    r"\b(?:above|below|between|greater|less|more than|at (?:most|least)|to be|must be|should be|range|when|while|"
    r"unless|together|alongside)\b|\bwith (?!(?:(?:this|the|that|your) [^.]{0,40})?\bmodel)",
    re.IGNORECASE,
)
"""What says, right after a field's name, that its value or its company is wrong, and not that it is not taken."""
_RENAMED = re.compile(r"use ['\"`](?P<other>\w+)['\"`] instead", re.IGNORECASE)
_SUPPORTED = re.compile(r"supported values are:? (?P<values>[^.]+)", re.IGNORECASE)
_VALUE = re.compile(
    r"unsupported value: '(?P<value>\w+)' is not supported|does not support '(?P<other>\w+)'", re.IGNORECASE
)
_STREAM_ONLY = re.compile(
    r"for non-streaming calls|only supports? (?:the )?stream|streaming? (?:mode )?only|requires? stream",
    re.IGNORECASE,
)
# LM Studio's words (lmstudio-bug-tracker 670 and 189); OpenAI's and DeepSeek's.
_NO_NAMED_CHOICE = re.compile(
    r"invalid tool_choice type: '?object|tool_choice.{0,30}must be a string", re.IGNORECASE
)
_SCHEMA_ONLY = re.compile(r"'?response_format\.type'? must be '?json_schema", re.IGNORECASE)
_OBJECT_ONLY = re.compile(
    r"response_format'? of type '?json_schema'? is not supported|response_format type is unavailable",
    re.IGNORECASE,
)
_OPEN = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
"""The form that is any object, as a schema."""
_TOOLS_BESIDE_EFFORT = re.compile(r"function tools with reasoning_effort are not supported", re.IGNORECASE)

_GRADED = ("reasoning.effort", "reasoning_effort", "reasoning.summary", "text.verbosity", "verbosity")
"""Fields whose value may be named alone in a refusal."""
_GRADES = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A change that a body needs before a server takes it."""

    field: str
    """Its name; that of a field within another after a point."""
    change: Literal["leave out", "rename", "set", "stream", "one tool", "form"] = "leave out"
    to: Any = ""
    """The new name, or the new value."""
    was: Any = ""
    """The value that is refused, where another would do."""
    beside: str = ""
    """A field beside which only it is refused."""

    def apply(self, body: dict[str, Any]) -> str:
        """Change a body, and return what was done, in one English line; "" where it has nothing to change."""
        if self.beside and not body.get(self.beside):
            return ""
        if self.change == "stream":
            return ""
        if self.change == "one tool":
            return _one_tool(body)
        if self.change == "form":
            return _in_form(body, self.was, self.to)
        outer, _point, inner = self.field.partition(".")
        place = body
        if inner:
            if not isinstance(body.get(outer), Mapping):
                return ""
            place = body[outer] = dict(body[outer])
        name = inner or outer
        if self.change == "set":
            if (self.was and place.get(name) != self.was) or place.get(name) == self.to:
                return ""
            place[name] = self.to
            return f"{self.field} became {self.to}: the server does not take {self.was or 'another value'}."
        if name not in place:
            return ""
        value = place.pop(name)
        if inner and not place:
            del body[outer]
        if self.change == "rename":
            place.setdefault(self.to, value)
            return f"{self.field} was sent as {self.to}, as the server asks."
        return f"{self.field} was left out: the server does not take it."


STREAM = Lesson("", "stream")
"""It answers as a stream only."""


def streams_only(known: Learning) -> bool:
    """Return whether a server has said that it answers for a model as a stream only."""
    return STREAM in known


def fitted(body: dict[str, Any], known: Learning) -> tuple[dict[str, Any], list[str]]:
    """Return a body as a server takes it, as far as it has said so, and what was changed."""
    lessons = [thing for thing in known if isinstance(thing, Lesson)]
    if not lessons:
        return body, []
    body = dict(body)
    return body, [done for lesson in lessons if (done := lesson.apply(body))]


def learn(said: str, body: Mapping[str, Any], known: Learning, *, streamed: bool = True) -> bool:
    """Return whether a refusal says something new that lets the request be asked again, and take it in.

    Args:
        said: the server's text.
        body: what was refused.
        known: what is known of the model where it is served.
        streamed: whether the answer was asked for as a stream.

    """
    if not streamed and _STREAM_ONLY.search(said):
        return known.add(STREAM)
    lesson = lesson_of(said, body)
    return lesson is not None and bool(lesson.apply(dict(body))) and known.add(lesson)


def _one_tool(body: dict[str, Any]) -> str:
    """Offer the tool that is to be called alone, where it cannot be called by name."""
    choice = body.get("tool_choice")
    named = choice.get("function", choice) if isinstance(choice, Mapping) else None
    name = named.get("name") if isinstance(named, Mapping) else None
    alone = [t for t in body.get("tools") or () if t.get("function", t).get("name") == name]
    if name is None or not alone:
        return ""
    body["tools"], body["tool_choice"] = alone, "required"
    return f"{name} was offered alone: the server takes no tool_choice by name."


def _in_form(body: dict[str, Any], was: str, form: Mapping[str, Any]) -> str:
    """Ask for an answer in another form; whoever asked reads it by the schema all the same."""
    there = body.get("response_format")
    if not isinstance(there, Mapping) or there.get("type") != was:
        return ""
    body["response_format"] = dict(form)
    return f"The answer was asked for as {form['type']}: the server does not take {was}."


def _other_form(said: str, body: Mapping[str, Any]) -> Lesson | None:
    """Return the form of an answer that a server does take, for one that it refuses."""
    form = body.get("response_format")
    kind = form.get("type") if isinstance(form, Mapping) else None
    if kind == "json_object" and _SCHEMA_ONLY.search(said):
        return Lesson("response_format", "form", _OPEN, was=kind)
    if kind == "json_schema" and _OBJECT_ONLY.search(said):
        return Lesson("response_format", "form", {"type": "json_object"}, was=kind)
    return None


def lesson_of(said: str, body: Mapping[str, Any]) -> Lesson | None:
    """Return what a refusal teaches about a body; None where nothing that may be changed."""
    if _NO_NAMED_CHOICE.search(said) and isinstance(body.get("tool_choice"), Mapping):
        return Lesson("tool_choice", "one tool")
    if lesson := _other_form(said, body):
        return lesson
    if _TOOLS_BESIDE_EFFORT.search(said):
        return Lesson(
            "reasoning_effort", "set", "none", was=str(body.get("reasoning_effort") or ""), beside="tools"
        )
    if lesson := _other_value(said, body):
        return lesson
    for pattern in _REFUSED:
        for found in pattern.finditer(said):
            field = found["field"].rstrip(".").removeprefix("body.")
            if field in _KEPT or not _holds(body, field):
                continue
            if _OF_ITS_VALUE.search(said, found.end("field"), found.end("field") + 120):
                continue
            if renamed := _RENAMED.search(said, found.end()):
                return Lesson(field, "rename", renamed["other"])
            if field in _LIMITS:  # a limit is never lost: it has another name, or the refusal is the caller's
                return Lesson(field, "rename", _LIMITS[field])
            return Lesson(field)
    return None


def _other_value(said: str, body: Mapping[str, Any]) -> Lesson | None:
    """Return the nearest value that a server does take, where it lists them."""
    listed, refused = _SUPPORTED.search(said), _VALUE.search(said)
    if listed is None or refused is None:
        return None
    value = refused["value"] or refused["other"]
    field = next((f for f in _GRADED if _value(body, f) == value), None)
    values = re.findall(r"['\"`](\w+)['\"`]", listed["values"])
    if field is None or not values:
        return None
    return Lesson(field, "set", nearest(value, values), was=value)


def nearest(grade: str, grades: list[str] | tuple[str, ...]) -> str:
    """Return the one of some grades ("low", "high"...) that is nearest to another; of two as near, the lower."""
    known = [g for g in grades if g in _GRADES]
    if grade in grades or grade not in _GRADES or not known:
        return grade if grade in grades else grades[0]
    at = _GRADES.index(grade)
    return min(known, key=lambda g: (abs(_GRADES.index(g) - at), _GRADES.index(g)))


def _holds(body: Mapping[str, Any], field: str) -> bool:
    outer, _point, inner = field.partition(".")
    there = body.get(outer)
    return outer in body and (not inner or (isinstance(there, Mapping) and inner in there))


def _value(body: Mapping[str, Any], field: str) -> Any:
    outer, _point, inner = field.partition(".")
    there = body.get(outer)
    return there.get(inner) if inner and isinstance(there, Mapping) else None if inner else there
