"""An agent's tools: found by name, arguments checked, called, bounded in time."""

from __future__ import annotations

import contextlib
import contextvars
import difflib
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from agentsdk.errors import ConfigurationError, ToolError, UnknownTool
from agentsdk.function_tool import Tool, tool
from agentsdk.i18n import _
from agentsdk.models.model import ToolSpec
from agentsdk.store.place import path
from agentsdk.telemetry import executing

ENTRY_POINTS = "agentsdk.tools"
"""The entry-point group: each names a Tool, or a function that makes tools from one text."""

SECONDS = 120.0
"""Time one call may take, where the tool says nothing else."""

FIRST_WAIT = 0.2
"""Seconds before a second try; doubled for each further one."""

_PASSING = {"TransportError", "ConnectionError", "Timeout", "ClientConnectionError", "ServerDisconnectedError"}

AnyTool = Tool[Any, Any]


class AsTool(Protocol):
    """What can be a tool: another agent, or references."""

    def as_tool(self) -> AnyTool:
        """Return it as a tool."""


class Toolbox:
    """Tools by name.

    Raises:
        ConfigurationError: two tools have one name.

    """

    def __init__(self, tools: Iterable[AnyTool] = ()) -> None:
        self._tools: dict[str, AnyTool] = {}
        for each in tools:
            if each.name in self._tools:
                raise ConfigurationError(
                    _("Two tools are called {name}.").format(name=each.name),
                    fix=_('Rename one: @tool(name="...").'),
                )
            self._tools[each.name] = each
        self._rooms: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()
        """By event loop and tool: the semaphore of those that limit how many calls run at the same time."""

    def __iter__(self) -> Iterator[AnyTool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names, in the order given."""
        return tuple(self._tools)

    def get(self, name: str) -> AnyTool:
        """Return the tool called `name`.

        Raises:
            ToolError: there is none; the text, meant for the model, lists those there are.

        """
        if name in self._tools:
            return self._tools[name]
        raise ToolError(
            _("There is no tool called {name}.").format(name=name),
            fix=_("The tools are: {names}.").format(names=", ".join(self._tools) or "-"),
        )

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the tools as a model is told of them."""
        return tuple(ToolSpec(t.name, t.description, t.parameters) for t in self)

    def _room(self, found: AnyTool) -> AbstractAsyncContextManager[Any]:
        """Return what a call of a tool waits for until there is room for it."""
        if found.at_once is None:
            return contextlib.nullcontext()
        import asyncio

        rooms = self._rooms.setdefault(asyncio.get_running_loop(), {})
        if found.name not in rooms:
            rooms[found.name] = asyncio.Semaphore(found.at_once)
        room: asyncio.Semaphore = rooms[found.name]
        return room

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        retried: Callable[[int, Exception], None] | None = None,
    ) -> Any:
        """Check the arguments, call the tool and return what it returns.

        A plain function runs in a thread of its own: ten that block for 100 ms take 100 ms together, and one
        that never returns does not keep the process from ending. What failed by an error that may pass is tried again,
        within the same time, unless it changes something outside.

        Args:
            retried: told of each second try: its number, from 1, and the error before it.

        Raises:
            ToolError: no such tool, arguments that do not fit, or no result in time.
            Exception: whatever else the function raises.

        """
        import asyncio  # half of the time that `import agentsdk` would take

        found = self.get(name)
        given = found.validate(arguments)
        seconds = found.timeout or SECONDS
        tries = _retries(found)
        try:
            async with (
                self._room(found),
                executing(found, given, "/".join(path())) as watch,
                asyncio.timeout(seconds) as limit,
            ):
                for again in range(1, tries + 2):
                    try:
                        result = await _once(found, given)
                        break
                    except Exception as error:
                        if again > tries or not may_pass(error):
                            raise
                        if retried is not None:
                            retried(again, error)
                    await asyncio.sleep(FIRST_WAIT * 2 ** (again - 1))
                watch.returned(result)
                return result
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ToolError(
                _("{name} did not return within {seconds:g} s.").format(name=name, seconds=seconds)
            ) from error


def may_pass(error: BaseException) -> bool:
    """Return whether an error is of the kind that may be gone at the next try: a connection, or time.

    Those of httpx, requests and aiohttp are told by their names: they are not imported for it.
    """
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    return any(kind.__name__ in _PASSING for kind in type(error).__mro__)


async def _once(found: AnyTool, given: Mapping[str, Any]) -> Any:
    if inspect.iscoroutinefunction(found.function):
        return await found.function(**given)
    result = await _in_thread(found.function, given)
    return await result if inspect.isawaitable(result) else result


def _retries(found: AnyTool) -> int:
    if found.retries is not None:
        return found.retries
    return 0 if found.side_effect or found.needs_approval or found.keeps_itself else 2


async def _in_thread(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if not done.done():  # cancelled, or timed out
            done.set_exception(error) if error else done.set_result(result)

    def work() -> None:
        result: Any = None
        fault: BaseException | None = None
        try:
            result = context.run(function, **arguments)
        except StopIteration as error:  # a future refuses it
            fault = RuntimeError(f"StopIteration: {error}")
        except BaseException as error:  # it is raised again where the call is awaited
            fault = error
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=work, name=f"tool-{getattr(function, '__name__', '')}", daemon=True).start()
    return await done


def gather(tools: Iterable[str | AnyTool | Callable[..., Any] | AsTool]) -> list[AnyTool]:
    """Return the tools meant: a Tool as it is, a name by its entry point, a function by `@tool`, an agent as one.

    Raises:
        UnknownTool: a name is not registered.
        ConfigurationError: a function cannot be a tool, or it is something else altogether.

    """
    found: list[AnyTool] = []
    for each in tools:
        if isinstance(each, Tool):
            found.append(each)
        elif isinstance(each, str):
            found += load(each)
        elif hasattr(each, "as_tool"):  # another agent, or references
            found.append(each.as_tool())
        elif callable(each):
            found.append(tool(each))
        else:
            raise ConfigurationError(
                _("{value!r} is not a tool.").format(value=each),
                fix=_("Give a function, a Tool made by @tool, or the name of a registered tool."),
            )
    return found


def load(name: str) -> list[AnyTool]:
    """Return the tool registered as `name`; "name:text" gives a text to one that is made to measure.

    `load("calculator")` is one tool; `load("files:docs")` is three that may touch the folder docs only.

    Raises:
        UnknownTool: nothing is registered under the name; the text names the nearest one.
        ConfigurationError: the tool needs a text, or takes none.

    """
    key, colon, text = name.partition(":")
    points = _entry_points()
    if key not in points:
        near = difflib.get_close_matches(key, points, n=1)
        raise UnknownTool(
            _("There is no tool called {name!r}.").format(name=key),
            why=_("Did you mean {near!r}?").format(near=near[0]) if near else "",
            fix=_("Registered tools: {names}.").format(names=", ".join(sorted(points)) or "-"),
        )
    found = points[key].load()
    if isinstance(found, Tool):
        if colon:
            raise ConfigurationError(
                _("The tool {name} takes nothing after the colon.").format(name=key),
                fix=f"--tool {key}",
            )
        return [found]
    if not text:
        raise ConfigurationError(
            _("The tool {name} needs to know what it may work on.").format(name=key),
            fix=_("For example: {example}").format(example=f"{key}:FOLDER"),
        )
    made = found(text)
    return [made] if isinstance(made, Tool) else list(made)


def available() -> dict[str, list[AnyTool] | str]:
    """Return what is registered: tools by name; a text about one that is made to measure, or that fails."""
    found: dict[str, list[AnyTool] | str] = {}
    for name, point in sorted(_entry_points().items()):
        try:
            loaded = point.load()
        except Exception as error:  # a stranger's package may fail to import in any way
            found[name] = f"{type(error).__name__}: {error}"
            continue
        found[name] = [loaded] if isinstance(loaded, Tool) else inspect.getdoc(loaded) or ""
    return found


def _entry_points() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}
