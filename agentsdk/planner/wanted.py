"""Wanted: the type that `as` names, in short words or as a JSON schema; what a value of it is held against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentsdk.errors import OutputInvalid, PlanError
from agentsdk.i18n import _
from agentsdk.models.repair.arguments import fit_arguments
from agentsdk.models.repair.json_text import read_json

Schema = Mapping[str, Any]

_WORDS: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    "any": {},
}
_SAME_AS = {"string": "text", "str": "text", "float": "number", "int": "integer", "bool": "boolean"}
_LIST = re.compile(r"(?:list|array)\[(.+)\]|(.+)\[\]", re.DOTALL)
_JSON_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
_SCHEMA_WORDS = {"$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A type: its JSON schema, as a model is given it and as its answer is checked."""

    schema: Schema

    @property
    def asked(self) -> Schema:
        """The schema of the whole answer, `{"value": ...}`: an object, as strict servers want it.

        The value may be null: what the material does not hold is said and not made up.
        """
        value = self.schema if "null" in _types(self.schema) else {"anyOf": [self.schema, {"type": "null"}]}
        return {
            "type": "object",
            "properties": {"value": value},
            "required": ["value"],
            "additionalProperties": False,
        }

    @property
    def is_list(self) -> bool:
        """Whether a value holds items that can be added to."""
        return self.schema.get("type") == "array"

    def read(self, text: str) -> Any:
        """Return the value that an answer holds; None where it says that there is none.

        Raises:
            OutputInvalid: there is no JSON, or it does not fit; `why` names each fault.

        """
        try:
            found, _mended = read_json(text)
        except ValueError as error:
            raise OutputInvalid(_("The answer is not JSON."), why=str(error)) from error
        if not (isinstance(found, Mapping) and set(found) == {"value"}):
            found = {"value": found}
        if found["value"] is None:
            return None
        schema = {**self.asked, "properties": {"value": self.schema}}
        try:
            return fit_arguments(found, schema).arguments["value"]
        except ValueError as error:
            raise OutputInvalid(
                _("The answer does not fit the type that was asked for."), why=str(error)
            ) from error


def wanted(written: Any, id: str = "?") -> Wanted:
    """Return the type that `as` of step `id` names.

    "text", "number", "integer", "boolean", "date", "any"; "low|high" for one of several words; "list[text]";
    `{"name": "text", "age?": "integer"}` for an object, "?" where a field may be missing; or a JSON schema.

    Raises:
        PlanError: it is none of these; the text names the step and the word.

    """
    return Wanted(_schema(written, id))


def _schema(written: Any, id: str) -> Schema:
    if isinstance(written, str):
        word = written.strip()
        if (known := _WORDS.get(_SAME_AS.get(word, word))) is not None:
            return known
        if found := _LIST.fullmatch(word):
            return {"type": "array", "items": _schema(found[1] or found[2], id)}
        options = [part.strip() for part in word.split("|")]
        if len(options) > 1 and all(options):
            if all(_SAME_AS.get(o, o) in _WORDS or o in ("null", "none") for o in options):
                return {
                    "anyOf": [{"type": "null"} if o in ("null", "none") else _schema(o, id) for o in options]
                }
            return {"type": "string", "enum": options}
    elif isinstance(written, list) and len(written) == 1:
        return {"type": "array", "items": _schema(written[0], id)}
    elif isinstance(written, Mapping) and written:
        if _is_schema(written):
            return written
        return {
            "type": "object",
            "properties": {str(k).removesuffix("?"): _schema(v, id) for k, v in written.items()},
            "required": [str(k) for k in written if not str(k).endswith("?")],
            "additionalProperties": False,
        }
    raise PlanError(
        _(
            'Step {id}: "as" names no type that is known: {written}. Use {words}, list[...], a|b, or an object.'
        ).format(id=id, written=str(written)[:60], words=", ".join(_WORDS))
    )


def _is_schema(written: Mapping[str, Any]) -> bool:
    kind = written.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return bool(_SCHEMA_WORDS & set(written)) or all(isinstance(k, str) and k in _JSON_TYPES for k in kinds)


def _types(schema: Schema) -> list[Any]:
    kind = schema.get("type", [])
    found = list(kind) if isinstance(kind, list) else [kind]
    for part in schema.get("anyOf", ()):
        found += _types(part) if isinstance(part, Mapping) else []
    return found
