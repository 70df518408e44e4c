"""A tool that fails by an error that may pass is tried again; what changes something is not."""

import asyncio
from typing import Any

import httpx
import pytest

from agentsdk.agent import Agent
from agentsdk.events import Event, Finished, StepRetried
from agentsdk.function_tool import Tool, tool
from agentsdk.testing.scripted import ScriptedModel, call
from agentsdk.toolbox import Toolbox, may_pass


def run(made: Tool[Any, Any]) -> tuple[list[str], Any]:
    events: list[Event] = list(Agent(ScriptedModel([call("fetch"), "ok"]), tools=[made]).stream("q"))
    last = events[-1]
    assert isinstance(last, Finished)
    return [e.error for e in events if isinstance(e, StepRetried)], last.answer.steps[0]


class Line:
    """A connection that breaks so often."""

    def __init__(self, breaks: int, error: Exception) -> None:
        self.left, self.calls, self.error = breaks, 0, error

    def fetch(self) -> str:
        self.calls += 1
        if self.calls <= self.left:
            raise self.error
        return "there"


def fetching(line: Line, **options: Any) -> Tool[Any, Any]:
    @tool(**options)
    def fetch() -> str:
        """Return what is there."""
        return line.fetch()

    return fetch


def test_a_lost_connection_is_tried_again_and_told() -> None:
    line = Line(2, ConnectionResetError("reset"))
    retried, step = run(fetching(line))
    assert retried == ["ConnectionResetError: reset"] * 2
    assert (step.status, step.value, line.calls) == ("done", "there", 3)


@pytest.mark.parametrize("options", [{"side_effect": True}, {"retries": 0}])
def test_what_changes_something_is_never_tried_again_unasked(options: dict[str, Any]) -> None:
    line = Line(1, ConnectionResetError("reset"))
    retried, step = run(fetching(line, **options))
    assert (retried, step.status, line.calls) == ([], "failed", 1)


def test_who_says_that_an_effect_may_be_repeated_has_it_tried_again() -> None:
    line = Line(1, TimeoutError("slow"))
    _retried, step = run(fetching(line, side_effect=True, retries=1))
    assert (step.status, line.calls) == ("done", 2)


def test_an_error_that_will_not_pass_is_told_at_once() -> None:
    line = Line(1, ValueError("wrong"))
    retried, step = run(fetching(line))
    assert (retried, step.status, line.calls) == ([], "failed", 1)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (httpx.ConnectError("x"), True),
        (httpx.ReadTimeout("x"), True),
        (BrokenPipeError(), True),
        (PermissionError(), False),
        (KeyError("x"), False),
    ],
)
def test_which_errors_may_pass(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes


def test_second_tries_count_against_the_time_of_the_call() -> None:
    line = Line(100, ConnectionResetError("reset"))
    _retried, step = run(fetching(line, retries=100, timeout=0.5))
    assert step.status == "failed"
    assert "did not return within 0.5 s" in step.error
    assert line.calls < 5


def test_no_more_calls_of_a_tool_run_at_once_than_it_allows() -> None:
    now, most = 0, 0

    @tool(at_once=2)
    async def work() -> None:
        """Work."""
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1

    box = Toolbox([work])

    async def go() -> None:
        await asyncio.gather(*(box.call("work", {}) for _ in range(9)))

    asyncio.run(go())
    asyncio.run(go())
    assert (now, most) == (0, 2)
