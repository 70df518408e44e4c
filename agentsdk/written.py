"""Reads and writes plans as YAML and JSON text, as a person keeps them in a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from agentsdk.errors import PlanError
from agentsdk.i18n import _

LARGEST = 2_000_000
"""Bytes of a plan's file."""


def read_text(path: str | Path) -> str:
    """Return the text of a plan's file.

    Raises:
        PlanError: there is no such file, it is no text, or it is larger than any plan.

    """
    try:
        data = Path(path).read_bytes()
        if len(data) > LARGEST:
            raise PlanError(_("The plan {path} is too large.").format(path=path))
        return data.decode("utf-8-sig")
    except OSError as error:
        raise PlanError(
            _("The plan {path} cannot be read.").format(path=path), why=error.strerror or str(error)
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError(
            _("The plan {path} cannot be read.").format(path=path), why=_("It is not a text in UTF-8.")
        ) from error


def parse(text: str) -> Any:
    """Return what a text holds that is JSON or YAML.

    Raises:
        PlanError: it is neither; the message says where it breaks.

    """
    try:
        if text.lstrip().startswith(("{", "[")):
            try:
                return json.loads(text)
            except (json.JSONDecodeError, RecursionError):
                pass  # YAML's own braces look the same
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, made stricter
    except yaml.YAMLError as error:
        raise PlanError(_("The plan is neither JSON nor YAML."), why=" ".join(str(error).split())) from error
    except RecursionError as error:
        raise PlanError(_("The plan is nested too deep.")) from error


def to_yaml(wire: Any) -> str:
    """Return plain JSON as YAML that `parse` reads back as it was."""
    return str(yaml.dump(wire, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Reads YAML as JSON: `no` is a text, a date is a text, a key stands once, and nothing refers to elsewhere."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        # An alias within an alias within an alias is a small file that no memory can hold.
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()
            raise yaml.constructor.ConstructorError(None, None, "a plan has no aliases (*)", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:  # noqa: ARG002  # yaml's form
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in found:
                said = "a key is one text, and stands once"
                raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
            found[key.value] = self.construct_object(value, deep=True)
        return found


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # yaml has no types
    """Writes what `_Loader` reads: no aliases for what stands in a plan twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # yaml's form
        return True


_JSON_FORMS = {
    "null": ("~nN\0", r"~|null|Null|NULL|"),
    "bool": ("tTfF", r"true|True|TRUE|false|False|FALSE"),
    "int": ("-+0123456789", r"[-+]?(?:0|[1-9][0-9]*)"),
    "float": ("-+.0123456789", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"),
}
"""What is not a text when it stands without quotes: as in YAML 1.2. To PyYAML `no` is false and `12:30` is 750."""


def _resolvers() -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for name, (firsts, form) in _JSON_FORMS.items():
        for first in firsts:
            entry = (f"tag:yaml.org,2002:{name}", re.compile(rf"^(?:{form})$"))
            found.setdefault("" if first == "\0" else first, []).append(entry)
    return found


_Loader.yaml_implicit_resolvers = _resolvers()
# Quotes what either version of YAML would not read as text.
_Dumper.yaml_implicit_resolvers = {
    first: [*_resolvers().get(first, ()), *yaml.SafeDumper.yaml_implicit_resolvers.get(first, ())]
    for first in {*_resolvers(), *yaml.SafeDumper.yaml_implicit_resolvers}
}
