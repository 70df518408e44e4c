"""JSON schemas lowered to what a server accepts, and what is answered under them raised back to the caller's own.

What a lowered schema cannot say is not lost: answers are held against the caller's schema, whatever was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agentsdk.models.repair.validate import Check
from agentsdk.models.servers import Server
from agentsdk.models.strict import NotStrict, strict_schema

WRAP = "value"
"""The key under which an answer that is no object stands, where a server answers in objects only."""

MOST_REPEATS = 1_000
"""Lengths and counts above it are not sent: llama.cpp refuses a grammar that repeats more than 2,000 times (Q33)."""

MOST_NODES = 3_000
"""Parts of a schema with its `$defs` written out; a larger one keeps them."""

_OWN_ROOT = re.compile(r'"\$ref": "#(?!/(?:\$defs|definitions)/)')
"""A reference to the root, or to a part of it that is no definition: it would point elsewhere within a wrapper."""

_DROPPED = ("$schema", "$id", "$comment", "$anchor", "discriminator")
_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLES = ("items", "additionalProperties", "additionalItems", "contains", "not", "if", "then", "else",
            "propertyNames", "unevaluatedItems", "unevaluatedProperties")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lowered:
    """A schema as it is sent."""

    schema: Mapping[str, Any]
    strict: bool = False
    """Whether the server may be told to keep to it to the letter."""
    why: str = ""
    """Why it may not, where that was wanted; an English line."""
    wrapped: bool = False
    """Whether the value stands under the key `value` of an object."""
    own: Mapping[str, Any] | None = None
    """The caller's schema, where an answer has to be raised back to it; None where it fits as it is."""

    def raise_back(self, value: Any) -> Any:
        """Return an answer under the lowered schema as one under the caller's.

        Taken off is what only the lowering put there: the object around a value that is none, and null for each
        part that may be left out. What does not fit is returned as it is: the caller's schema tells it.
        """
        if self.wrapped and isinstance(value, Mapping) and value.keys() == {WRAP}:
            value = value[WRAP]
        if self.own is None or not self.strict:
            return value
        try:
            return _Raising(self.own).value(value, self.own)
        except (ValueError, RecursionError):
            return value

    def raise_text(self, text: str) -> str:
        """Return an answer's text raised back; as it is where it is no JSON, or needs no change."""
        if not self.wrapped and self.own is None:
            return text
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        raised = self.raise_back(value)
        return text if raised == value else json.dumps(raised, ensure_ascii=False)


def lower(schema: Mapping[str, Any], server: Server, *, strict: bool = False, tool: bool = True) -> Lowered:
    """Return a schema as a server takes it.

    Args:
        schema: the caller's.
        server: who gets it.
        strict: whether OpenAI's strict form is wanted; where the schema has none, `why` tells the reason.
        tool: whether it is that of a tool's arguments; those are an object, an answer need not be one.

    """
    try:
        text = json.dumps(schema)
    except (TypeError, ValueError, RecursionError):
        return Lowered(schema)  # no JSON: the server will tell
    return _lowered(text, strict, server.inline_defs, tool)


@lru_cache(maxsize=256)
def _lowered(text: str, strict: bool, inline: bool, tool: bool) -> Lowered:
    own = json.loads(text)
    if not isinstance(own, Mapping):
        return Lowered({"type": "object", "properties": {}} if tool else {})
    try:
        if tool and "type" not in own:  # no parameters at all, as some write it; servers want an object
            own = {"type": "object", "properties": {}, **own}
        plain = _plain(own, inline=inline)
        if not strict:
            return Lowered(plain)
        wrapped = not tool and not is_object(own) and not _OWN_ROOT.search(text)
        try:
            return Lowered(
                strict_schema(_wrapped(own) if wrapped else own, tool=tool),
                strict=True,
                wrapped=wrapped,
                own=own,
            )
        except NotStrict as reason:
            return Lowered(plain, why=str(reason))
    except (RecursionError, ValueError):
        return Lowered(own, why="it is too large, or nested too deep")


def is_object(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema asks for an object."""
    target = Check(schema).followed(schema)
    return isinstance(target, Mapping) and (target.get("type") == "object" or "properties" in target)


def _wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    inner = {k: v for k, v in schema.items() if k not in ("$defs", "definitions", "$schema")}
    outer = {k: schema[k] for k in ("$defs", "definitions") if k in schema}
    return {
        "type": "object",
        "properties": {WRAP: inner},
        "required": [WRAP],
        "additionalProperties": False,
    } | outer


def _plain(schema: Mapping[str, Any], *, inline: bool) -> dict[str, Any]:
    if inline:
        try:
            return _Plain(schema, inline=True).whole()
        except OverflowError:  # what it refers to would be written out too often
            pass
    return _Plain(schema, inline=False).whole()


class _Plain:
    """Takes out of a schema what confuses templates and grammars, and what only costs tokens."""

    def __init__(self, root: Mapping[str, Any], *, inline: bool) -> None:
        self._root = root
        self._check = Check(root)
        self._inline = inline
        self._kept: dict[str, Any] = {}
        """Definitions that refer to themselves: they stay, since no end of writing them out is a right one."""
        self._nodes = 0

    def whole(self) -> dict[str, Any]:
        made = self.part(self._root, ())
        found = dict(made) if isinstance(made, Mapping) else {}
        for word in ("$defs", "definitions"):
            there = self._root.get(word)
            names = there if isinstance(there, Mapping) and not self._inline else {}
            kept = {n: self.part(s, ()) for n, s in names.items()}
            kept |= {r.rpartition("/")[2]: s for r, s in self._kept.items() if r.startswith(f"#/{word}/")}
            if kept:
                found[word] = kept
        return found

    def part(self, schema: Any, open_: tuple[str, ...]) -> Any:
        """Return a part of the schema; `open_` are the references that are being written out."""
        self._nodes += 1
        if self._inline and self._nodes > MOST_NODES:
            raise OverflowError
        if not isinstance(schema, Mapping):
            return schema
        if self._inline and isinstance(ref := schema.get("$ref"), str) and ref.startswith("#"):
            return self._written_out(schema, ref, open_)
        made: dict[str, Any] = {}
        for word, value in schema.items():
            if (
                word in _DROPPED
                or word in ("$defs", "definitions")
                or (word == "title" and isinstance(value, str))
            ):
                continue
            if self._inline and word in _SIZES and isinstance(value, (int, float)) and value > MOST_REPEATS:
                continue
            if word in _MAPS and isinstance(value, Mapping):
                made[word] = {n: self.part(s, open_) for n, s in value.items()}
            elif (word in _LISTS or word == "items") and isinstance(value, list):
                made[word] = [self.part(s, open_) for s in value]
            elif word in _SINGLES:
                made[word] = self.part(value, open_)
            else:
                made[word] = value
        if self._inline and isinstance(made.get("properties"), Mapping):
            required = made.get("required")
            must = required if isinstance(required, list) else []
            made["properties"] = {n: s if n in must else _not_null(s) for n, s in made["properties"].items()}
        return made

    def _written_out(self, schema: Mapping[str, Any], ref: str, open_: tuple[str, ...]) -> Any:
        rest = {k: v for k, v in schema.items() if k != "$ref"}
        if ref == "#" or self._refers_to_itself(ref):
            if ref.startswith(("#/$defs/", "#/definitions/")) and ref not in self._kept:
                self._kept[ref] = {}  # its own parts refer to it
                self._kept[ref] = self.part(self._check.target(ref), (*open_, ref))
            return {"$ref": ref, **{k: v for k, v in rest.items() if k == "description"}}
        target = self._check.target(ref)
        if not isinstance(target, Mapping):
            return self.part(rest, open_)
        both = target.keys() & rest.keys() - {"description", "title", "default"}
        merged: dict[str, Any] = {"allOf": [target, rest]} if both else {**target, **rest}
        return self.part(merged, (*open_, ref))

    def _refers_to_itself(self, ref: str) -> bool:
        seen: set[str] = set()
        todo = [self._check.target(ref)]
        while todo:
            at = todo.pop()
            if isinstance(at, Mapping):
                other = at.get("$ref")
                if other == ref:
                    return True
                if isinstance(other, str) and other not in seen:
                    seen.add(other)
                    todo.append(self._check.target(other))
                todo += at.values()
            elif isinstance(at, list):
                todo += at
        return False


def _not_null(schema: Any) -> Any:
    """Return the schema of what may be left out without null: leaving it out says the same."""
    if not isinstance(schema, Mapping):
        return schema
    made = dict(schema)
    for word in ("anyOf", "oneOf"):
        forms = made.get(word)
        if isinstance(forms, list) and {"type": "null"} in forms:
            others = [f for f in forms if f != {"type": "null"}]
            del made[word]
            if (
                len(others) == 1
                and isinstance(others[0], Mapping)
                and not (others[0].keys() & made.keys() - _NOTES)
            ):
                made = {**others[0], **made}
            elif others:
                made[word] = others
            else:
                return schema
    kinds = made.get("type")
    if isinstance(kinds, list) and "null" in kinds and len(kinds) > 1:
        others = [k for k in kinds if k != "null"]
        made["type"] = others[0] if len(others) == 1 else others
        if isinstance(made.get("enum"), list):
            made["enum"] = [o for o in made["enum"] if o is not None]
    if made.get("default", 0) is None:
        del made["default"]
    return made


_NOTES = {"description", "title", "default", "examples"}


class _Raising:
    """Takes null off wherever a part may be left out and may not be null."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._check = Check(root)

    def value(self, value: Any, schema: Any, hops: int = 0) -> Any:
        if not isinstance(schema, Mapping) or hops > 16 or not isinstance(value, (Mapping, list)):
            return value
        if "$ref" in schema:
            value = self.value(value, self._check.target(schema["$ref"]), hops + 1)
        for part in _list(schema.get("allOf")):
            value = self.value(value, part, hops + 1)
        for part in _list(schema.get("anyOf")) or _list(schema.get("oneOf")):
            raised = self.value(value, part, hops + 1)
            if self._check.fits(raised, part):
                value = raised
                break
        if isinstance(value, list):
            items = schema.get("items")
            return value if items is None else [self.value(v, items) for v in value]
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return value
        required = _list(schema.get("required"))
        return {
            name: self.value(item, properties.get(name))
            for name, item in value.items()
            if not (
                item is None
                and name in properties
                and name not in required
                and not self._check.fits(None, properties[name])
            )
        }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
