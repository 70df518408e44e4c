"""A JSON schema in OpenAI's strict form: every key required, none added, and only the words that it knows (Q34).

What may be left out may be null there instead. Words that only narrow a value are said in its description; a schema
whose shape has no strict form is not bent until it has one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentsdk.models.repair.validate import Check

DEEPEST = 10
"""Levels of objects and arrays that OpenAI takes; this and what follows is from its guide to structured outputs."""
MOST_PROPERTIES = 5_000
MOST_OPTIONS = 1_000
MOST_CHARACTERS = 120_000
"""Of all keys and options together."""

_TAKEN = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems")
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_NARROWING = ("minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties", "minContains", "maxContains",
              "contains", "not", "propertyNames", "dependentRequired", "examples")  # fmt: skip
_SHAPES = ("patternProperties", "prefixItems", "if", "then", "else", "dependentSchemas", "additionalItems",
           "unevaluatedProperties", "unevaluatedItems", "$dynamicRef")  # fmt: skip
_KINDS = ("string", "integer", "number", "boolean", "null", "object", "array")
_SCALARS = ("string", "integer", "number", "boolean")
_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class NotStrict(Exception):
    """The schema has no strict form; the text says why."""


def strict_schema(schema: Mapping[str, Any], *, tool: bool = False) -> dict[str, Any]:
    """Return an object's schema in strict form.

    Args:
        schema: the object's.
        tool: whether it is that of a tool's arguments: then no properties means no arguments, and not any object.

    Raises:
        NotStrict: it has none.

    """
    strict = _Strict(schema)
    root = strict.check.followed(schema)
    if not isinstance(root, Mapping):
        raise NotStrict("it is not an object")
    if root is not schema:
        root = {k: v for k, v in root.items() if k not in ("$defs", "definitions")}
    if tool and isinstance(root.get("properties"), Mapping) and not root["properties"]:
        root = {"additionalProperties": False, **root}
    made = strict.part(root, 0)
    if made.get("type") != "object":
        raise NotStrict("it is not an object")
    for word in ("$defs", "definitions"):
        if isinstance(parts := schema.get(word), Mapping):
            made[word] = {name: strict.part(part, 1) for name, part in parts.items()}
    strict.measure(made)
    return made


class _Strict:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.check = Check(root)

    def part(self, schema: Any, depth: int) -> dict[str, Any]:
        """Return a part in strict form."""
        if not isinstance(schema, Mapping) or not schema:
            raise NotStrict("a part of it takes anything")
        if depth > DEEPEST:
            raise NotStrict(f"it is nested more than {DEEPEST} deep")
        if found := next((w for w in _SHAPES if w in schema), None):
            raise NotStrict(f"it uses {found}")
        if "$ref" in schema:
            return self._ref(schema)
        forms = schema.get("allOf")
        if isinstance(forms, list):
            rest = {k: v for k, v in schema.items() if k != "allOf"}
            if len(forms) != 1 or not isinstance(forms[0], Mapping) or rest.keys() & forms[0].keys():
                raise NotStrict("it uses allOf")
            return self.part({**forms[0], **rest}, depth)
        made: dict[str, Any] = {}
        notes = self._notes(schema)
        if notes:
            made["description"] = notes
        unions = [w for w in ("anyOf", "oneOf") if isinstance(schema.get(w), list)]
        if unions:
            if len(unions) > 1 or "properties" in schema or "items" in schema or not schema[unions[0]]:
                raise NotStrict(f"it uses {unions[0]} beside something else")
            made["anyOf"] = [self.part(form, depth) for form in schema[unions[0]]]
            return made
        made["type"] = kinds = _types(schema)
        for word in ("enum", "const", *_TAKEN):
            if word in schema:
                made[word] = schema[word]
        if schema.get("format") in _FORMATS:
            made["format"] = schema["format"]
        if isinstance(schema.get("pattern"), str) and "(?" not in schema["pattern"]:
            made["pattern"] = schema["pattern"]
        if "object" in kinds:
            self._object(schema, made, depth)
        if "array" in kinds:
            if "items" not in schema:
                raise NotStrict("an array of it takes anything")
            made["items"] = self.part(schema["items"], depth + 1)
        return made

    def _ref(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        beside = schema.keys() - {"$ref", "description", "title", "default", "examples"}
        if beside or not isinstance(self.check.target(schema["$ref"]), Mapping):
            raise NotStrict("it refers to what is not there, or adds something to it")
        return {"$ref": schema["$ref"]}  # nothing may stand beside it, not even a description

    def _object(self, schema: Mapping[str, Any], made: dict[str, Any], depth: int) -> None:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", not properties)
        if not isinstance(properties, Mapping) or others is not False:
            raise NotStrict("an object of it takes any keys")
        required = schema.get("required") or []
        if not isinstance(required, list) or any(
            not isinstance(n, str) or n not in properties for n in required
        ):
            raise NotStrict("it requires a key that it does not describe")
        made["properties"] = {
            name: self.part(part, depth + 1) if name in required else self._or_null(name, part, depth + 1)
            for name, part in properties.items()
        }
        made["required"] = list(properties)
        made["additionalProperties"] = False

    def _or_null(self, name: str, schema: Any, depth: int) -> dict[str, Any]:
        made = self.part(schema, depth)
        if self.check.fits(None, schema):
            if isinstance(schema, Mapping) and schema.get("default") is not None:
                raise NotStrict(f"{name} may be null, and that is not what it is when it is left out")
            return made
        if made.get("type") in _SCALARS and "enum" not in made and "const" not in made:
            return made | {"type": [made["type"], "null"]}
        note = {"description": made.pop("description")} if "description" in made else {}
        if "anyOf" in made:
            return note | {"anyOf": [*made["anyOf"], {"type": "null"}]}
        return note | {"anyOf": [made, {"type": "null"}]}

    def _notes(self, schema: Mapping[str, Any]) -> str:
        """Return the description, with what only narrows the value said in words."""
        said = schema.get("description")
        notes = [said] if isinstance(said, str) and said else []
        if schema.get("default") is not None:
            notes.append(f"Default: {json.dumps(schema['default'], ensure_ascii=False)}.")
        lost = {w: schema[w] for w in _NARROWING if w in schema}
        if isinstance(schema.get("format"), str) and schema["format"] not in _FORMATS:
            lost["format"] = schema["format"]
        if isinstance(schema.get("pattern"), str) and "(?" in schema["pattern"]:
            lost["pattern"] = schema["pattern"]
        notes += [f"{word}: {json.dumps(value, ensure_ascii=False)}." for word, value in lost.items()]
        return " ".join(notes)

    def measure(self, made: Any) -> None:
        """Raise where a schema is larger than OpenAI takes."""
        properties = options = characters = 0
        todo = [made]
        while todo:
            at = todo.pop()
            if isinstance(at, list):
                todo += at
            elif isinstance(at, Mapping):
                names = at.get("properties")
                if isinstance(names, Mapping):
                    properties += len(names)
                    characters += sum(map(len, names))
                if isinstance(found := at.get("enum"), list):
                    options += len(found)
                    characters += sum(len(str(o)) for o in found)
                todo += [v for k, v in at.items() if k not in ("enum", "const")]
        if properties > MOST_PROPERTIES or options > MOST_OPTIONS or characters > MOST_CHARACTERS:
            raise NotStrict("it is larger than OpenAI takes")


def _types(schema: Mapping[str, Any]) -> Any:
    """Return the type, or what it must be where none is written."""
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not kinds or not all(isinstance(kind, str) and kind in _KINDS for kind in kinds):
            raise NotStrict("a part of it has a type that is none")
        return schema["type"]
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(options, list) and options and all(type(o) in _NAMES for o in options):
        names = list(dict.fromkeys(_NAMES[type(o)] for o in options))
        return names[0] if len(names) == 1 else names
    raise NotStrict("a part of it has no type")
