"""Shape: what an answer must look like when `output=` is given, and how a text is read into it."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from agentsdk.errors import ConfigurationError, OutputInvalid
from agentsdk.i18n import _
from agentsdk.models.repair.json_text import read_json
from agentsdk.planner.dry import sameness

_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_MOST_FAULTS = 12
_NO_VALUE = object()


class Shape:
    """A Python type, as the JSON schema that a model is given and as the check of what it gives back.

    Any type that pydantic knows: a model, a dataclass, a TypedDict, int, list[str], a union. What is not an object is
    asked for as {"value": ...}, since strict schemas of the providers start with an object.

    Raises:
        ConfigurationError: no JSON schema can describe the type.

    """

    def __init__(self, kind: Any) -> None:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
            schema = self._adapter.json_schema()
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise ConfigurationError(
                _("{kind!r} cannot be an output type.").format(kind=kind),
                why=str(error).splitlines()[0],
                fix=_("Use a pydantic model, a dataclass, a TypedDict, or a type such as int or list[str]."),
            ) from error
        bare = {k: v for k, v in schema.items() if k != "$defs"}
        named = schema.get("$defs", {}).get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
        self._wrapped = named.get("type") != "object"
        self.is_list = named.get("type") == "array"
        defs = {"$defs": schema["$defs"]} if "$defs" in schema else {}
        self.schema: Mapping[str, Any] = {**_object(value=bare), **defs} if self._wrapped else schema

    def read(self, text: str) -> Any:
        """Return the value that `text` holds: JSON alone, in a fenced block, or an object among words.

        Nothing that was cut off is completed.

        Raises:
            OutputInvalid: there is no JSON, or it does not fit; `why` names each fault and where it is.

        """
        fault: OutputInvalid | None = None
        for found in self._found(text):
            try:
                return self._value(found)
            except OutputInvalid as error:
                fault = fault or error
        if fault is not None:
            raise fault
        opened, closed = (sum(map(text.count, signs)) for signs in ("{[", "}]"))
        why = _("The JSON is cut off.") if opened > closed else _("There is no JSON in it.")
        raise OutputInvalid(_("The answer is not JSON."), why=why)

    def holds_json(self, text: str) -> bool:
        """Return whether there is JSON in a text, be it of this type or not."""
        return next(self._found(text), _NO_VALUE) is not _NO_VALUE

    def is_json(self, text: str) -> bool:
        """Return whether a text is JSON and nothing else, a fence aside."""
        try:
            read_json(text)
        except ValueError:
            return False
        return True

    def plain(self, value: Any) -> Any:
        """Return a value of this type, or an item of one, as plain JSON."""
        from pydantic_core import to_jsonable_python

        return to_jsonable_python(value, fallback=str)

    def sameness(self, item: Any) -> Hashable:
        """Return what two items have in common that are the same but for case, width and spacing."""
        return sameness(self.plain(item))

    def _found(self, text: str) -> Iterator[Any]:
        """Yield each JSON value that may be meant; among words only objects are, since "[1]" is a mark there."""
        try:
            yield read_json(text)[0]
        except ValueError:
            pass
        else:
            return
        for fenced in _FENCED.findall(text):
            try:
                yield read_json(fenced)[0]
            except ValueError:
                continue
        decoder = json.JSONDecoder()
        at = text.find("{")
        while at >= 0:
            try:
                value, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                # One object is looked for in each place once: what begins within a broken one is no answer.
                return
            yield value
            at = text.find("{", end)

    def _value(self, found: Any) -> Any:
        from pydantic import ValidationError

        if self._wrapped and isinstance(found, dict) and set(found) == {"value"}:
            found = found["value"]
        try:
            # As JSON and not as Python: dates and tuples are text and lists there.
            return self._adapter.validate_json(json.dumps(found))
        except ValidationError as error:
            faults = error.errors(include_url=False)
            told = [_fault(f) for f in faults[:_MOST_FAULTS]]
            if len(faults) > len(told):
                told.append(_("and {count} more").format(count=len(faults) - len(told)))
            raise OutputInvalid(
                _("The answer does not fit the type that was asked for."), why="; ".join(told)
            ) from error


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _fault(error: Mapping[str, Any]) -> str:
    """Return where a fault is, what is wrong, and what stands there: `legs[2].price: Input should be ... ("ten")`."""
    where = ""
    for part in error["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    given = json.dumps(error.get("input"), ensure_ascii=False, default=str)
    shown = f" ({given})" if error["type"] != "missing" and len(given) <= 60 else ""
    return f"{where or 'value'}: {error['msg']}{shown}"
