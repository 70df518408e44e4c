"""Values as plain JSON and back: what is read is checked field by field, since a file may have been forged."""

from __future__ import annotations

import base64
import dataclasses
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from agentsdk.plan import Plan, Step
from agentsdk.store.canonical import plain

T = TypeVar("T")

_SPELLED = (Plan, Step)
"""They write themselves: references stand in them as objects."""


def write(value: Any) -> Any:
    """Return `value` as plain JSON: dataclasses by their fields, bytes in base64."""
    if isinstance(value, _SPELLED):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: write(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(k): write(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [write(v) for v in value]
    return plain(value)


def read(kind: type[T], wire: Any) -> T:
    """Return the value of type `kind` that `wire` holds.

    Raises:
        ValueError: it holds none; the text names the field.

    """
    return _read(kind, wire, kind.__name__)  # type: ignore[no-any-return]  # what _read makes is of that type


def _read(kind: Any, wire: Any, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, _SPELLED):
        try:
            return kind.from_dict(wire)
        except Exception as error:  # whatever a forged plan makes of itself
            raise ValueError(f"{where}: {error}") from error
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, wire, where)
    origin, inner = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(origin) and isinstance(origin, type):  # Answer[Any]
        return _object(origin, wire, where)
    if origin is Literal:
        return _held(wire in inner and isinstance(wire, str), wire, where)
    if origin in (Union, types.UnionType) and not _any_json(kind):
        return _one_of(inner, wire, where)
    if origin is tuple:
        _held(isinstance(wire, list), wire, where)
        return tuple(_read(inner[0], v, f"{where}[{i}]") for i, v in enumerate(wire))
    if kind is bytes:
        _held(isinstance(wire, str), wire, where)
        return base64.b64decode(wire, validate=True)
    if kind is float:
        return _held(isinstance(wire, (int, float)) and not isinstance(wire, bool), wire, where)
    if kind is int:
        return _held(isinstance(wire, int) and not isinstance(wire, bool), wire, where)
    if kind in (str, bool):
        return _held(isinstance(wire, kind), wire, where)
    if kind is type(None):
        return _held(wire is None, wire, where)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _held(isinstance(wire, dict), wire, where)
    return wire  # Any, or JSON of any form


def _object(kind: type[Any], wire: Any, where: str) -> Any:
    _held(isinstance(wire, dict), wire, where)
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable; mypy loses that over Any
    values = {}
    for field in dataclasses.fields(kind):
        if field.init and field.name in wire:
            values[field.name] = _read(hints[field.name], wire[field.name], f"{where}.{field.name}")
    try:
        return kind(**values)
    except TypeError as error:  # a field without a default is missing
        raise ValueError(f"{where}: {error}") from error


def _one_of(kinds: Sequence[Any], wire: Any, where: str) -> Any:
    if wire is None and type(None) in kinds:
        return None
    faults = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _read(kind, wire, where)
        except ValueError as error:
            faults.append(str(error))
    raise ValueError(faults[0])


def _held(right: bool, wire: Any, where: str) -> Any:
    if not right:
        raise ValueError(f"{where}: {str(wire)[:80]!r}")
    return wire


def _any_json(kind: Any) -> bool:
    """Whether a union is that of all JSON values."""
    return len(get_args(kind)) > 4


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)
