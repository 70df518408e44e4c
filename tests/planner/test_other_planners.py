"""Defects that were reproduced in other planners: each has a test here, so that it is none of ours.

LLMCompiler (its scheduler, commit a00c9d3) and two tutorials of langgraph: plan-and-execute with ReWOO's "#E1", and
the one that follows LLMCompiler.
"""

import asyncio
import threading
from typing import Any

import pytest

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.budget import Budget
from agentsdk.events import Event, PlanRejected
from agentsdk.function_tool import tool
from agentsdk.plan import Plan, Ref, Step
from agentsdk.planner.intake import intake
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.run import Run
from agentsdk.planner.schedule import schedule
from agentsdk.testing.scripted import ScriptedModel, plan
from agentsdk.toolbox import AnyTool, Toolbox
from tests.planner.writing import Writer, written


@tool
async def add(a: int, b: int) -> int:
    """Return the sum."""
    return a + b


@tool
async def fail() -> int:
    """Fail."""
    raise ValueError("no")


@tool
async def say(text: str) -> str:
    """Return the text."""
    return text


def run(model: Any, *tools: AnyTool, **options: Any) -> Answer[str]:
    return Agent(model, tools=tools or [add, fail, say], **options).run("q")


def test_llmcompiler_a_tool_that_raises_does_not_hang_what_needs_it() -> None:
    steps = plan(
        {"id": "s1", "do": "fail", "in": {}}, {"id": "s2", "do": "add", "in": {"a": {"$": "s1"}, "b": 1}}
    )
    answer = run(ScriptedModel([steps, "no patch", "no patch", "It failed."]))
    assert {s.step: s.status for s in answer.steps} == {"s1": "failed", "s2": "skipped"}


def test_llmcompiler_a_step_starts_when_its_need_ends_and_not_when_the_next_line_is_written() -> None:
    begun = asyncio.Event()

    @tool
    async def follow(a: int) -> int:
        """Follow."""
        begun.set()
        return a

    async def until_begun() -> None:
        await asyncio.wait_for(begun.wait(), 10)

    frame, first, second, third, end = written(
        {"id": "s1", "do": "add", "in": {"a": 1, "b": 2}},
        {"id": "s2", "do": "follow", "in": {"a": {"$": "s1"}}},
        {"id": "s3", "do": "add", "in": {"a": {"$": "s2"}, "b": 1}},
    )
    answer = run(Writer([frame, first, second, until_begun, third, end], "4"), add, follow)
    assert [s.value for s in answer.steps] == [3, 3, 4]


def test_llmcompiler_dollar_signs_in_texts_and_results_are_text() -> None:
    steps = plan(
        {"id": "1", "do": "say", "in": {"text": "costs $2 and ${1}"}},
        {"id": "2", "do": "say", "in": {"text": "budget $100, item: $1"}},
        {"id": "3", "do": "say", "in": {"text": {"$": "1"}}},
    )
    answer = run(ScriptedModel([steps, "done"]))
    assert [s.value for s in answer.steps] == [
        "costs $2 and ${1}",
        "budget $100, item: $1",
        "costs $2 and ${1}",
    ]


def test_llmcompiler_an_answer_with_brackets_comes_whole() -> None:
    assert (
        run(ScriptedModel(["Finish(The total is 4 (four) apples)"])).text
        == "Finish(The total is 4 (four) apples)"
    )


class Frozen(asyncio.SelectorEventLoop):
    """A loop in which no timer ever fires."""

    def time(self) -> float:
        return 0.0


def test_llmcompiler_no_edge_of_a_plan_is_polled_for() -> None:
    steps = [Step("s0", "add", {"a": 1, "b": 0})]
    steps += [Step(f"s{n}", "add", {"a": Ref(f"s{n - 1}"), "b": 1}) for n in range(1, 30)]
    state = Run(intake("q"), ScriptedModel([]), Toolbox([add]), Ledger(Budget()), lambda _event: None)
    loop = Frozen()
    loop.run_until_complete(schedule(steps, state))
    loop.close()
    assert state.steps["s29"].value == 30


@pytest.mark.parametrize("planned", [True, False])
def test_langgraph_tutorial_independent_tools_run_side_by_side(planned: bool) -> None:
    meeting = threading.Barrier(4, timeout=20)  # it opens only when all four are there

    @tool
    def meet(name: str) -> str:
        """Meet the others."""
        meeting.wait()
        return name

    wires = [{"id": f"s{n}", "do": "meet", "in": {"name": f"n{n}"}} for n in range(4)]
    given = Plan.from_dict(wires)
    answer = Agent(ScriptedModel(["met"] if not planned else [plan(*wires), "met"]), tools=[meet]).run(
        "q" if planned else given
    )
    assert [s.value for s in answer.steps] == ["n0", "n1", "n2", "n3"]


def test_langgraph_rewoo_the_first_result_is_not_put_into_the_tenth() -> None:
    wires: list[dict[str, Any]] = [{"id": f"s{n}", "do": "add", "in": {"a": n, "b": 0}} for n in range(1, 11)]
    wires.append({"id": "end", "do": "add", "in": {"a": {"$": "s10"}, "b": {"$": "s1"}}})
    answer = run(ScriptedModel([plan(*wires), "11"]))
    assert answer.steps[-1].value == 11


def test_langgraph_tutorial_a_need_that_never_comes_is_refused_and_not_waited_for() -> None:
    steps = plan({"id": "s1", "do": "add", "in": {"a": {"$": "s9"}, "b": 1}})
    events: list[Event] = list(Agent(ScriptedModel([steps, "none"]), tools=[add]).stream("q"))
    (rejected,) = [e for e in events if isinstance(e, PlanRejected)]
    assert "s9" in rejected.findings[0]


def test_langgraph_a_run_whose_time_is_over_leaves_nothing_running() -> None:
    ended: list[str] = []

    @tool
    async def wait(name: str) -> None:
        """Wait for ever."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def go() -> Answer[str]:
        wires = [{"id": n, "do": "wait", "in": {"name": n}} for n in ("a", "b")]
        agent = Agent(ScriptedModel([plan(*wires), "Nothing."]), tools=[wait], budget=Budget(seconds=1.0))
        answer = await agent.arun("q")
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return answer

    answer = asyncio.run(go())
    assert answer.status == "over_budget"
    assert sorted(ended) == ["a", "b"]
    assert {s.status for s in answer.steps} == {"skipped"}
