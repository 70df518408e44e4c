"""Tool, and @tool: a function with a name, a description and a JSON schema."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, get_type_hints, overload

from agentsdk.errors import ConfigurationError, InvalidToolArguments
from agentsdk.i18n import _

if TYPE_CHECKING:
    from pydantic import BaseModel

P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What OpenAI allows in a function's name, and so what every provider gets."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool(Generic[P, R]):
    """A function that a model may call.

    It can still be called like the function it was made from. Make one with `@tool`.
    """

    function: Callable[P, R]
    """Plain or async. A plain function runs in a thread, so it may block."""
    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments: an object."""
    needs_approval: bool = False
    """A person or policy is asked before each call."""
    side_effect: bool = False
    """It changes something outside; it is never shared between steps, and a recording never repeats it."""
    pure: bool = False
    """The same arguments always give the same result, so that a result may be used again."""
    timeout: float | None = None
    """Seconds that one call may take."""
    version: str = ""
    """Its author's; raised when it does something else, so that no resumed run takes a result of the old one."""
    keeps_itself: bool = False
    """It is an agent: what it does has rows of its own in the journal, so that after a crash it is called again and
    goes on where it stopped, also where a call within has a side effect."""
    retries: int | None = None
    """How often a call is tried again after an error that may pass (`toolbox.may_pass`); None: twice, and never where
    it has a side effect or needs an approval."""
    at_once: int | None = None
    """How many calls may run at the same time."""
    _arguments: type[BaseModel] | None = field(default=None, repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, unchecked."""
        return self.function(*args, **kwargs)

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the types that the function asks for.

        Raises:
            InvalidToolArguments: they do not fit; the text names each argument and what it should be.

        """
        if self._arguments is None:
            return dict(arguments)
        from pydantic import ValidationError

        try:
            model = self._arguments.model_validate(dict(arguments))
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()
            )
            raise InvalidToolArguments(
                _("The arguments of {name} do not fit: {faults}.").format(name=self.name, faults=faults),
                fix=_("Its schema: {schema}").format(schema=json.dumps(self.parameters, ensure_ascii=False)),
            ) from error
        names = type(model).model_fields
        return {info.alias or name: getattr(model, name) for name, info in names.items()}


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    needs_approval: bool = False,
    side_effect: bool = False,
    pure: bool = False,
    timeout: float | None = None,
    retries: int | None = None,
    at_once: int | None = None,
    version: str = "",
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    needs_approval: bool = False,
    side_effect: bool = False,
    pure: bool = False,
    timeout: float | None = None,
    retries: int | None = None,
    at_once: int | None = None,
    version: str = "",
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a Tool of a function: `@tool`, or `@tool(needs_approval=True)`.

    The name is the function's, the description its docstring, the schema its annotations. Lines of an "Args:"
    section become the arguments' descriptions.

    Args:
        name: another name; letters, digits, "_" and "-", at most 64 of them.
        description: another description.
        needs_approval: ask a person or policy before each call.
        side_effect: it changes something outside.
        pure: the same arguments always give the same result.
        timeout: seconds that one call may take, second tries included.
        retries: how often a call is tried again after an error that may pass, such as a lost connection; twice where
            nothing is said, and never where the tool has a side effect or needs an approval.
        at_once: how many calls may run at the same time.
        version: raise it when the tool does something else: a resumed run takes no result of another version.

    Raises:
        ConfigurationError: there is no description, the name is not allowed, or a parameter cannot be given by
            a model (`*args`, `**kwargs`, positional-only, or of a type without a JSON schema).

    """

    def make(function: Callable[P, R]) -> Tool[P, R]:
        own_name = name or function.__name__
        if not _NAME.fullmatch(own_name):
            raise ConfigurationError(
                _("{name!r} cannot be a tool's name.").format(name=own_name),
                why=_("Models accept letters, digits, _ and -, at most 64 of them."),
                fix=_('Give another: @tool(name="...").'),
            )
        text = inspect.cleandoc(description or function.__doc__ or "")
        if not text:
            raise ConfigurationError(
                _("The tool {name} has no description.").format(name=own_name),
                why=_("A model decides by the description whether to call it."),
                fix=_("Write a docstring that says what it returns."),
            )
        shown, about = _sections(text)
        model = _arguments_model(function, own_name, about)
        schema = model.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        for part in schema.get("properties", {}).values():
            part.pop("title", None)
        return Tool(
            function,
            own_name,
            shown,
            schema,
            needs_approval,
            side_effect,
            pure,
            timeout,
            version,
            retries=retries,
            at_once=at_once,
            _arguments=model,
        )

    return make if function is None else make(function)


def _arguments_model(function: Callable[..., Any], name: str, about: Mapping[str, str]) -> type[BaseModel]:
    from pydantic import ConfigDict, Field, create_model
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for key, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigurationError(
                _("The tool {name} takes {key} in a way that a model cannot fill.").format(name=name, key=key),
                why=_("A model gives arguments by name: no *args, **kwargs or positional-only ones."),
                fix=_("Name each argument."),
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        note = about.get(key)
        # The field's own name is made up: "schema", "json" or "_x" would clash with pydantic's names.
        fields[f"argument_{key}"] = (
            hints.get(key, str),
            Field(default, alias=key, description=note) if note else Field(default, alias=key),
        )
    try:
        return create_model(
            name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields
        )
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise ConfigurationError(
            _("An argument of the tool {name} has a type that no JSON schema can describe.").format(name=name),
            why=str(error).splitlines()[0],
            fix=_("Use str, int, float, bool, list, dict, an Enum, a dataclass or a pydantic model."),
        ) from error


def _sections(text: str) -> tuple[str, dict[str, str]]:
    """Split a Google-style docstring into what it says, and what it says of each argument."""
    head, found, rest = text.partition("\nArgs:\n")
    about: dict[str, str] = {}
    if not found:
        return text, about
    current = ""
    lines = rest.splitlines()
    for at, line in enumerate(lines):
        if line and not line.startswith((" ", "\t")):
            head += "\n" + "\n".join(lines[at:])
            break
        entry = re.match(r"\s{2,4}(\w+)(?: \([^)]*\))?:\s*(.*)", line)
        if entry:
            current, about[entry[1]] = entry[1], entry[2]
        elif current and line.strip():
            about[current] += " " + line.strip()
    # What a call returns or raises is for readers of the code; a model needs only what the tool does.
    head = re.split(r"\n(?:Returns|Raises|Yields|Examples?):\n", head)[0]
    return head.strip(), about
