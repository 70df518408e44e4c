"""A plan that breaks is mended where it broke; what is not concerned goes on."""

import asyncio
import json
from typing import Any

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.events import Event, Finished, PatchApplied, PatchProposed
from agentsdk.function_tool import tool
from agentsdk.models.model import Request
from agentsdk.plan import Plan
from agentsdk.toolbox import AnyTool
from tests.planner.writing import Writer, written

FAIL: dict[str, Any] = {"id": "f", "do": "fail", "in": {"why": "no disk"}}
AFTER: dict[str, Any] = {"id": "g", "do": "add", "in": {"a": {"$": "f"}, "b": 1}}
S1: dict[str, Any] = {"id": "s1", "do": "add", "in": {"a": 1, "b": 2}}


class Desk:
    def __init__(self) -> None:
        self.called: list[str] = []
        self.go_on = asyncio.Event()

        @tool(pure=True)
        async def add(a: int, b: int) -> int:
            """Return the sum."""
            self.called.append(f"add {a} {b}")
            return a + b

        @tool
        async def slow() -> str:
            """Wait until it is let go on."""
            self.called.append("slow")
            await asyncio.wait_for(self.go_on.wait(), 10)
            return "slow"

        @tool
        async def fail(why: str) -> str:
            """Fail."""
            self.called.append("fail")
            raise ValueError(why)

        self.tools: list[AnyTool] = [add, slow, fail]


def patch(*steps: dict[str, Any], drop: tuple[str, ...] = ()) -> str:
    return json.dumps({"steps": list(steps), "drop": list(drop)})


def run(desk: Desk, *lines: Any, question: str | Plan = "q") -> tuple[Answer[Any], list[Event], Writer]:
    model, events = Writer(*lines), list[Event]()

    async def go() -> None:
        async for event in Agent(model, tools=desk.tools).astream(question):
            events.append(event)  # what came before an error is looked at as well

    asyncio.run(go())
    last = events[-1]
    assert isinstance(last, Finished)
    return last.answer, events, model


def values(answer: Answer[Any]) -> dict[str, Any]:
    return {s.step: s.value if s.status == "done" else s.status for s in answer.steps}


def test_a_failed_step_is_replaced_and_what_waited_for_it_goes_on() -> None:
    instead = {"id": "f", "do": "add", "in": {"a": 4, "b": 4}}
    answer, events, model = run(Desk(), written(S1, FAIL, AFTER), patch(instead), "ok")
    assert values(answer) == {"s1": 3, "f": 8, "g": 9}
    assert "no disk" in model.requests[1].messages[0].text
    assert [e.plan.step("f").do for e in events if isinstance(e, PatchApplied)] == ["add"]
    assert answer.usage.calls == 3


def test_a_branch_that_is_not_concerned_runs_on_while_the_patch_is_written() -> None:
    desk = Desk()

    def repaired(_request: Request) -> str:
        assert "slow" in desk.called
        desk.go_on.set()  # it can end only now: it was running all the while
        return patch({"id": "f", "do": "add", "in": {"a": 4, "b": 4}})

    slow = {"id": "w", "do": "slow", "in": {}}
    answer, _events, model = run(desk, written(slow, FAIL, AFTER), repaired, "ok")
    assert values(answer) == {"w": "slow", "f": 8, "g": 9}
    assert "slow" not in model.requests[1].messages[0].text.partition("Tools:")[0]
    assert desk.called.count("slow") == 1


def test_new_steps_may_be_put_in_and_those_not_needed_dropped() -> None:
    desk = Desk()
    new = {"id": "n", "do": "add", "in": {"a": 5, "b": 5}}
    after = {"id": "g", "do": "add", "in": {"a": {"$": "n"}, "b": 1}}
    answer, _events, _model = run(desk, written(FAIL, AFTER), patch(new, after, drop=("f",)), "ok")
    found = values(answer)
    assert (found["n"], found["g"]) == (10, 11)
    assert answer.plan is not None
    assert "n" in [s.id for s in answer.plan]


def test_a_patch_that_cannot_work_is_asked_for_once_more_with_its_faults() -> None:
    desk = Desk()
    touching = patch({"id": "s1", "do": "add", "in": {"a": 0, "b": 0}})
    answer, events, model = run(
        desk, written(S1, FAIL), touching, patch({"id": "f", "do": "add", "in": {"a": 1, "b": 1}}), "ok"
    )
    assert values(answer) == {"s1": 3, "f": 2}
    assert "taken" in model.requests[2].messages[-1].text
    assert [bool(e.faults) for e in events if isinstance(e, PatchProposed)] == [True, False]


def test_where_no_patch_can_work_the_run_answers_with_what_it_has() -> None:
    desk = Desk()
    answer, _events, model = run(desk, written(S1, FAIL, AFTER), "no JSON", "nor this", "3 is all there is")
    assert values(answer) == {"s1": 3, "f": "failed", "g": "skipped"}
    assert answer.text == "3 is all there is"
    assert len(model.requests) == 4


def test_what_a_repair_brought_is_not_repaired_again() -> None:
    desk = Desk()
    again = patch({"id": "f", "do": "fail", "in": {"why": "still none"}})
    answer, _events, model = run(desk, written(FAIL), again, "sorry")
    assert values(answer) == {"f": "failed"}
    assert len(model.requests) == 3


def test_a_plan_that_was_given_is_changed_by_nobody() -> None:
    desk = Desk()
    given = Plan.from_dict({"question": "q", "steps": [S1, FAIL, AFTER]})
    answer, _events, model = run(desk, "3", question=given)
    assert values(answer) == {"s1": 3, "f": "failed", "g": "skipped"}
    assert len(model.requests) == 1


def test_a_pure_result_is_used_again_under_a_new_name() -> None:
    desk = Desk()
    same = {"id": "n", "do": "add", "in": {"a": 1, "b": 2}}
    answer, _events, _model = run(desk, written(S1, FAIL, AFTER), patch(same, drop=("f", "g")), "3")
    assert values(answer)["n"] == 3
    assert desk.called.count("add 1 2") == 1
