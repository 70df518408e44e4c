"""Fits a call's arguments to the tool's JSON schema: what is plainly meant is mended, the rest is refused.

A repair never adds what was not given and never guesses between two readings. Where a value fits already, nothing is
touched. What cannot be mended is a ValueError in plain English: it goes back to the model.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from agentsdk.messages import Repair
from agentsdk.models.repair.json_text import DEEPEST, depth, read_json
from agentsdk.models.repair.validate import Check, is_a, item_schemas, join, same_as, show

LONGEST = 2_000_000
"""Characters of one call's arguments."""

WRAPPERS = ("parameters", "arguments", "args", "properties", "input", "kwargs")
"""Keys that models put around the arguments as a whole."""

ECHOES = ("functionName", "function_name", "name", "function", "tool", "tool_name")
"""Keys under which models repeat the tool's name among its arguments."""

_NOTHING = ("", "null", "none", "[]")
_WHOLE = re.compile(r"(-?(?:0|[1-9]\d{0,400}))(?:\.0{1,20})?")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,400})(?:\.\d{1,400})?(?:[eE][+-]?\d{1,4})?")
_EXACT = 2**53
"""From here on not every whole number is a float."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Arguments that fit, and what was mended for that."""

    arguments: Mapping[str, Any]
    repairs: tuple[Repair, ...] = ()


def fit_arguments(
    given: Any, schema: Mapping[str, Any] | None, name: str = "", *, nulls: bool = False
) -> Fitted:
    """Return arguments as the tool's schema has them.

    Args:
        given: the arguments as they came: JSON text, or an object where the server parses them.
        schema: JSON schema of the arguments; None where it is not known, and then they are read only.
        name: the tool's name, to know its echo.
        nulls: whether null for what may be left out was asked for, so that leaving it out is no repair.

    Raises:
        ValueError: they cannot be read, or do not fit; the text says where, and what was expected.

    """
    repairs: list[Repair] = []
    value = _read(given, repairs)
    if not isinstance(given, str) and depth(value) > DEEPEST:  # of a text its reader has seen to it
        raise ValueError("The arguments are nested too deep.")
    if schema is None:
        return Fitted(value, tuple(repairs))
    mender = _Mender(schema, given if isinstance(given, str) else "", nulls=nulls)
    try:
        fitted = mender.arguments(value, name)
    except RecursionError:
        raise ValueError("The arguments are nested too deep.") from None
    return Fitted(fitted, (*repairs, *mender.repairs()))


def _read(given: Any, repairs: list[Repair]) -> dict[str, Any]:
    if isinstance(given, str):
        if len(given) > LONGEST:
            raise ValueError("The arguments are too long.")
        given = _read_text(given, repairs)
    if given is None or given == []:
        return {}
    if not isinstance(given, Mapping):
        raise ValueError(f"The arguments are not an object but {show(given)}.")
    return dict(given)


def _read_text(text: str, repairs: list[Repair]) -> Any:
    if _is_nothing(text):
        if text.strip():
            repairs.append(Repair("arguments.empty", f"{text.strip()} in place of the arguments became {{}}"))
        return {}
    value = _read_json(text, repairs)
    if not isinstance(value, str):
        return value
    if _is_nothing(value):
        repairs.append(Repair("arguments.empty", f"{text.strip()} in place of the arguments became {{}}"))
        return {}
    inner = _read_json(value, repairs)
    repairs.append(Repair("arguments.decoded", "the arguments were JSON within a JSON string"))
    return inner


def _read_json(text: str, repairs: list[Repair]) -> Any:
    try:
        value, forgiven = read_json(text)
    except ValueError as error:
        raise ValueError(f"The arguments are not JSON: {error}") from None
    if forgiven:
        repairs.append(Repair("arguments.read", f"the arguments were read in spite of {forgiven}"))
    return value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) < 20 and value.strip().lower() in _NOTHING)


class _Mender:
    """Fits one call's arguments to one schema, and notes what it changed."""

    def __init__(self, schema: Mapping[str, Any], text: str, *, nulls: bool) -> None:
        self._check = Check(schema)
        self._schema = schema
        self._text = text
        self._nulls = nulls
        self._notes: list[tuple[str, str]] = []
        self._nearest: Any = None
        """The arguments as given, mended as far as they can be."""

    def repairs(self) -> Iterator[Repair]:
        """Yield one Repair for each kind of change."""
        for kind in dict.fromkeys(kind for kind, _detail in self._notes):
            details = [detail for k, detail in self._notes if k == kind]
            more = f"; and {len(details) - 5} more" if len(details) > 5 else ""
            yield Repair(kind, "; ".join(details[:5]) + more)

    def arguments(self, given: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the arguments as they fit: as they are, unwrapped, or without an echo of the tool's name."""
        root = self._check.followed(self._schema)
        properties = root.get("properties") if isinstance(root, Mapping) else None
        known = properties if isinstance(properties, Mapping) else {}
        # A key that is not declared is meant by nobody, unless the schema says that there may be others.
        open_ = isinstance(root, Mapping) and (
            properties is None
            or root.get("additionalProperties", False) is not False
            or "patternProperties" in root
        )
        own, others = [("", given)], self._readings(given, known, name)
        taken_off = 0
        for note, reading in (
            chain(own, others) if open_ or known.keys() >= given.keys() else chain(others, own)
        ):
            taken_off += bool(note)
            mark = len(self._notes)
            if note and not open_ and not known.keys() >= reading.keys():
                continue
            if note:
                self._notes.append(("arguments.unwrapped" if "within" in note else "arguments.dropped", note))
            fitted = self._mend(reading)
            if fitted is not None:
                return fitted
            del self._notes[mark:]
        fitted = self._fit(given, self._schema, "") if taken_off else self._nearest
        raise ValueError(f"The arguments do not fit. {' '.join(self._check.faults(fitted, self._schema))}")

    def _readings(
        self, given: dict[str, Any], known: Mapping[str, Any], name: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what may be meant instead, each with a note on what was taken off."""
        echoes = [
            k
            for k, v in given.items()
            if k not in known
            and isinstance(v, str)
            and ((k in ECHOES and v.casefold() == name.casefold() != "") or (k, v) == ("type", "function"))
        ]
        rest = {k: v for k, v in given.items() if k not in echoes}
        if len(rest) == 1:
            (key, inner), *_none = rest.items()
            if key in WRAPPERS and key not in known:
                if isinstance(inner, str) and not _is_nothing(inner):
                    try:
                        inner, _forgiven = read_json(inner)
                    except ValueError:
                        inner = 0
                if _is_nothing(inner):
                    inner = {}
                if isinstance(inner, Mapping):
                    yield f"the arguments stood within {key}", dict(inner)
        if echoes:
            yield f"{', '.join(echoes)} only repeated the call's name", rest

    def _mend(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """Return the value as it fits, or None where it cannot be made to."""
        if self._check.fits(value, self._schema):
            if not _has_whole_float(value):
                return value
            return self._kept(value)
        fitted = self._nearest = self._fit(value, self._schema, "")
        return fitted if isinstance(fitted, dict) and self._check.fits(fitted, self._schema) else None

    def _kept(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return a value that fits with its whole floats as integers; as it is where that would undo the fit."""
        mark = len(self._notes)
        fitted = self._fit(value, self._schema, "")
        if isinstance(fitted, dict) and self._check.fits(fitted, self._schema):
            return fitted
        del self._notes[mark:]
        return value

    def _fit(self, value: Any, schema: Any, path: str, hops: int = 0) -> Any:
        """Return a value nearer to the schema, or as it is; whether it fits then is checked by the caller."""
        self._check.spend()
        if not isinstance(schema, Mapping) or hops > 16:
            return value
        if "$ref" in schema:
            value = self._fit(value, self._check.target(schema["$ref"]), path, hops + 1)
        for part in _list(schema.get("allOf")):
            value = self._fit(value, part, path, hops + 1)
        for word in ("anyOf", "oneOf"):
            if parts := _list(schema.get(word)):
                value = self._union(value, parts, path, hops)
        options = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
        if options:
            value = self._option(value, options, path)
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else [k for k in _list(kinds) if isinstance(k, str)]
        if kinds:
            value = self._kind(value, kinds, schema, path)
        if isinstance(value, Mapping):
            return self._object(value, schema, path)
        if isinstance(value, list):
            return self._array(value, schema, path)
        return value

    def _union(self, value: Any, parts: list[Any], path: str, hops: int) -> Any:
        for part in parts:
            if self._check.fits(value, part):
                return self._fit(value, part, path, hops + 1)
        # A value is wrapped into a list only where nothing else fits.
        for part in sorted(parts, key=lambda p: isinstance(p, Mapping) and p.get("type") == "array"):
            mark = len(self._notes)
            fitted = self._fit(value, part, path, hops + 1)
            if self._check.fits(fitted, part):
                return fitted
            del self._notes[mark:]
        return value

    def _option(self, value: Any, options: list[Any], path: str) -> Any:
        self._check.spend(len(options))
        own = same_as(value)
        if any(same_as(o) == own for o in options):
            return value
        near = [o for o in options if _is_option(value, o)]
        return self._changed(path, value, near[0]) if len(near) == 1 else value

    def _kind(self, value: Any, kinds: list[str], schema: Mapping[str, Any], path: str) -> Any:
        if any(is_a(value, kind) for kind in kinds):
            if isinstance(value, float) and "number" not in kinds and abs(value) < _EXACT:
                return self._changed(path, value, int(value))
            return value
        if isinstance(value, str):
            for kind in sorted(kinds, key="null boolean integer number object array".find):
                read = _from_text(value, kind)
                if read is not _UNREAD:
                    return self._changed(path, value, read)
        elif "string" in kinds and (text := self._as_text(value)) is not None:
            return self._changed(path, value, text)
        if "array" in kinds and not isinstance(value, list):
            return self._wrapped(value, schema, path)
        return value

    def _as_text(self, value: Any) -> str | None:
        """Return a number as it was written; None where that is not known: 1.10 has become 1.1 before it is seen."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if isinstance(value, int):
            return str(value)
        text = repr(value)
        written = re.search(rf"(?<![\d.eE+-]){re.escape(text)}(?![\d.eE])", self._text[:100_000])
        return text if written else None

    def _wrapped(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        first, rest = item_schemas(schema)
        wanted = first[0] if first else rest
        if (
            wanted is None
            or value is None
            or (isinstance(value, str) and re.search(r"^\s*(?:\[|$)|[,;\n]", value))
        ):
            return value  # a text with commas may be one item or several
        mark = len(self._notes)
        item = self._fit(value, wanted, path)
        if self._check.fits(item, wanted) and self._check.fits([item], schema):
            return self._changed(path, value, [item])
        del self._notes[mark:]
        return value

    def _object(self, value: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        properties, required = schema.get("properties"), _list(schema.get("required"))
        properties = properties if isinstance(properties, Mapping) else {}
        others = schema.get("additionalProperties")
        fitted: dict[str, Any] = {}
        for name, item in value.items():
            part = properties.get(name, others if isinstance(others, Mapping) else True)
            new = self._fit(item, part, join(path, name))
            if (
                _is_nothing(new)
                and name in properties
                and name not in required
                and not self._check.fits(new, part)
            ):
                if item is not None or not self._nulls:
                    note = f"{join(path, name)} was {show(item)} and may be left out"
                    self._notes.append(("arguments.dropped", note))
                continue
            fitted[name] = new
        return fitted

    def _array(self, value: list[Any], schema: Mapping[str, Any], path: str) -> list[Any]:
        first, rest = item_schemas(schema)
        if not first and rest is None:
            return value
        return [
            self._fit(item, first[at] if at < len(first) else rest, f"{path}[{at}]")
            for at, item in enumerate(value)
        ]

    def _changed(self, path: str, before: Any, after: Any) -> Any:
        became = show(after) if not isinstance(after, list) or len(after) != 1 else f"[{show(after[0])}]"
        self._notes.append(("arguments.coerced", f"{path or 'arguments'}: {show(before)} became {became}"))
        return after


_UNREAD = object()


def _from_text(text: str, kind: str) -> Any:
    """Return what a text says as a value of another type, or _UNREAD."""
    said = text.strip() if len(text) <= LONGEST else ""
    low = said.lower() if len(said) < 10 else ""
    if kind == "null" and low in ("", "null", "none") and said in ("", "null", "None", "NULL", "none"):
        return None
    if kind == "boolean" and low in ("true", "false"):
        return low == "true"
    if kind == "integer" and (whole := _WHOLE.fullmatch(said)):
        return int(whole[1])
    if kind == "number" and _NUMBER.fullmatch(said):
        number = int(said) if re.fullmatch(r"-?\d+", said) else float(said)
        return number if math.isfinite(number) else _UNREAD
    if (kind == "array" and said.startswith("[")) or (kind == "object" and said.startswith("{")):
        try:
            value, _forgiven = read_json(said)
        except ValueError:
            return _UNREAD
        return value if is_a(value, kind) else _UNREAD
    return _UNREAD


def _is_option(value: Any, option: Any) -> bool:
    """Return whether a value is an option written otherwise: in another case, or as text."""
    if isinstance(value, str) and isinstance(option, str):
        return value.strip().casefold() == option.strip().casefold()
    if isinstance(value, str):
        return not isinstance(option, (list, Mapping)) and value.strip().lower() in (
            json.dumps(option),
            str(option).lower(),
        )
    return isinstance(value, int) and not isinstance(value, bool) and str(value) == option


def _has_whole_float(value: Any) -> bool:
    parts = [value]
    for part in parts:  # it grows on the way
        if isinstance(part, float):
            if part.is_integer():
                return True
        elif isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, list):
            parts += part
    return False


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
