import asyncio
import threading
import time
from contextvars import ContextVar

import pytest

from agentsdk.errors import ConfigurationError, InvalidToolArguments, ToolError, UnknownTool
from agentsdk.function_tool import tool
from agentsdk.toolbox import Toolbox, available, gather, load


def test_ten_blocking_tools_wait_side_by_side_each_in_a_thread_of_its_own() -> None:
    barrier = threading.Barrier(10, timeout=10)

    @tool
    def meet() -> int:
        """Wait for the nine others: it returns only if all ten run at once."""
        return barrier.wait()

    async def all_of_them() -> list[int]:
        box = Toolbox([meet])
        return list(await asyncio.gather(*(box.call("meet", {}) for _ in range(10))))

    assert sorted(asyncio.run(all_of_them())) == list(range(10))


def test_a_tool_that_does_not_return_is_given_up_and_named() -> None:
    @tool(timeout=0.05)
    def stuck() -> None:
        """Hang."""
        time.sleep(5)

    @tool(timeout=0.05)
    async def stuck_too() -> None:
        """Hang."""
        await asyncio.sleep(5)

    box = Toolbox([stuck, stuck_too])
    for name in box.names:
        with pytest.raises(ToolError, match=f"{name} did not return"):
            asyncio.run(box.call(name, {}))


def test_a_timeout_inside_a_tool_is_its_own_error() -> None:
    @tool
    def slow() -> None:
        """Raise."""
        raise TimeoutError("the disk")

    with pytest.raises(TimeoutError, match="the disk"):
        asyncio.run(Toolbox([slow]).call("slow", {}))


def test_a_tool_in_a_thread_sees_the_context_of_its_caller() -> None:
    var: ContextVar[str] = ContextVar("var")

    @tool
    def look() -> str:
        """Return it."""
        return var.get()

    async def go() -> str:
        var.set("here")
        return str(await Toolbox([look]).call("look", {}))

    assert asyncio.run(go()) == "here"


def test_stop_iteration_does_not_get_lost_on_its_way_out_of_a_thread() -> None:
    @tool
    def empty() -> None:
        """Raise."""
        raise StopIteration("end")

    with pytest.raises(RuntimeError, match="end"):
        asyncio.run(Toolbox([empty]).call("empty", {}))


def test_an_unknown_tool_and_wrong_arguments_are_told_in_words_for_the_model() -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Return the sum."""
        return a + b

    box = Toolbox([add])
    with pytest.raises(ToolError, match="no tool called sub") as unknown:
        asyncio.run(box.call("sub", {}))
    assert "add" in unknown.value.fix
    with pytest.raises(InvalidToolArguments, match="b: Field required"):
        asyncio.run(box.call("add", {"a": 1}))


def test_two_tools_of_one_name_are_refused() -> None:
    def add(a: int) -> int:
        """Return it."""
        return a

    with pytest.raises(ConfigurationError, match="add"):
        Toolbox(gather([add, add]))


def test_registered_tools_are_found_by_name() -> None:
    assert [t.name for t in load("calculator")] == ["calculator"]
    assert {"calculator", "clock", "files", "web_page", "web_search"} <= set(available())


def test_a_misspelt_tool_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UnknownTool) as error:
        load("calulator")
    assert "calculator" in error.value.why


def test_a_tool_made_to_measure_asks_what_for_and_another_takes_nothing() -> None:
    with pytest.raises(ConfigurationError, match="files"):
        load("files")
    with pytest.raises(ConfigurationError, match="colon"):
        load("calculator:x")


def test_what_is_no_tool_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="42"):
        gather([42])  # type: ignore[list-item]
