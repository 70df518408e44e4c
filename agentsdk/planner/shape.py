"""Shape: what an answer must look like when `output=` is given, and how a text is read into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from agentsdk.errors import ConfigurationError, OutputInvalid
from agentsdk.i18n import _

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL)


class Shape:
    """A Python type, as the JSON schema that a model is given and as the check of what it gives back.

    Any type that pydantic knows: a model, a dataclass, a TypedDict, int, list[str]. What is not an object is
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
        self._wrapped = schema.get("type") != "object" and "$ref" not in schema
        self.schema: Mapping[str, Any] = (
            {
                "type": "object",
                "properties": {"value": {k: v for k, v in schema.items() if k != "$defs"}},
                "required": ["value"],
                "additionalProperties": False,
                **({"$defs": schema["$defs"]} if "$defs" in schema else {}),
            }
            if self._wrapped
            else schema
        )

    def read(self, text: str) -> Any:
        """Return the value that `text` holds: JSON alone, or in a fenced block.

        Raises:
            OutputInvalid: there is no JSON, or it does not fit; `why` names each fault.

        """
        from pydantic import ValidationError

        fenced = _FENCED.search(text)
        try:
            found = json.loads(fenced[1] if fenced else text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise OutputInvalid(_("The answer is not JSON."), why=str(error)) from error
        if self._wrapped and isinstance(found, dict) and set(found) == {"value"}:
            found = found["value"]
        try:
            # As JSON and not as Python: dates and tuples are text and lists there.
            return self._adapter.validate_json(json.dumps(found))
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'value'}: {e['msg']}" for e in error.errors())
            raise OutputInvalid(
                _("The answer does not fit the type that was asked for."), why=faults
            ) from error
