"""Steps start while their plan is still being written; what must wait, waits."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.errors import ConnectionLost
from agentsdk.events import Event, Finished, ModelCalled, PlanRejected, PlanStepSeen, StepStarted
from agentsdk.function_tool import tool
from agentsdk.models.connect import connect
from agentsdk.testing.standin import Standin
from agentsdk.toolbox import AnyTool
from tests.planner.writing import Writer, written


class Desk:
    """Tools that say when they are called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.begun = asyncio.Event()

        @tool
        async def add(a: int, b: int) -> int:
            """Return the sum."""
            self.called.append(f"add {a} {b}")
            self.begun.set()
            return a + b

        @tool(side_effect=True)
        async def send(text: int) -> str:
            """Send a text."""
            self.called.append(f"send {text}")
            return "sent"

        self.tools: list[AnyTool] = [add, send]

    async def until_begun(self) -> None:
        await asyncio.wait_for(self.begun.wait(), 10)


S1 = {"id": "s1", "do": "add", "in": {"a": 1, "b": 2}}
S2 = {"id": "s2", "do": "add", "in": {"a": {"$": "s1"}, "b": 10}}
MAIL = {"id": "s3", "do": "send", "in": {"text": {"$": "s2"}}}
BAD = {"id": "s4", "do": "nothing", "in": {}}


def run(desk: Desk, *lines: Any, **options: Any) -> tuple[Answer[Any], list[Event], Writer]:
    model, events = Writer(*lines), list[Event]()

    async def go() -> None:
        async for event in Agent(model, tools=desk.tools, **options).astream("q"):
            events.append(event)  # what came before an error is looked at as well

    asyncio.run(go())
    last = events[-1]
    assert isinstance(last, Finished)
    return last.answer, events, model


def test_the_first_step_runs_before_the_model_has_written_the_second() -> None:
    desk = Desk()
    frame, first, *rest = written(S1, S2)
    answer, events, _model = run(desk, [frame, first, desk.until_begun, *rest], "13")
    assert {s.step: s.value for s in answer.steps} == {"s1": 3, "s2": 13}
    kinds = [(type(e), getattr(e, "step", None)) for e in events]
    assert kinds.index((StepStarted, "s1")) < kinds.index((ModelCalled, None))


def test_what_changes_something_waits_for_the_end_of_the_plan() -> None:
    desk = Desk()
    seen: list[list[str]] = []
    mail = {"id": "m", "do": "send", "in": {"text": 7}}
    frame, first, *rest = written(mail, S1, S2)

    def look() -> None:
        seen.append(list(desk.called))

    answer, _events, _model = run(desk, [frame, first, rest[0], desk.until_begun, look, *rest[1:], look], "ok")
    assert all("send 7" not in called for called in seen)
    assert "add 1 2" in seen[0]
    assert {s.step: s.status for s in answer.steps} == {"m": "done", "s1": "done", "s2": "done"}


def test_a_plan_refused_at_its_end_keeps_what_was_done_and_does_it_once() -> None:
    desk = Desk()
    frame, first, *rest = written(S1, BAD)
    answer, events, model = run(desk, [frame, first, desk.until_begun, *rest], written(S1, S2, MAIL), "sent")
    assert desk.called == ["add 1 2", "add 3 10", "send 13"]
    told = model.requests[1].messages[-1].text
    assert "nothing" in told
    assert "## s1 add: done" in told
    assert any(isinstance(e, PlanRejected) for e in events)
    assert {s.step: s.value for s in answer.steps} == {"s1": 3, "s2": 13, "s3": "sent"}


def test_another_step_under_the_name_of_one_that_was_begun_is_done_anew() -> None:
    desk = Desk()
    frame, first, *rest = written(S1, BAD)
    other = {"id": "s1", "do": "add", "in": {"a": 5, "b": 5}}
    answer, _events, _model = run(desk, [frame, first, desk.until_begun, *rest], written(other), "10")
    assert {s.step: s.value for s in answer.steps} == {"s1": 10}


def test_a_plan_that_was_cut_keeps_what_was_done_and_has_sent_nothing() -> None:
    desk = Desk()
    pieces = ['{"steps": [', json.dumps(S1), ", ", desk.until_begun, json.dumps(MAIL)[:20]]
    answer, _events, model = run(desk, pieces, written(S2 | {"id": "s5"}), "13")
    assert desk.called == ["add 1 2", "add 3 10"]
    assert "cut" in model.requests[1].messages[-1].text
    assert "## s1 add: done" in model.requests[1].messages[-1].text
    assert {s.step: s.value for s in answer.steps} == {"s1": 3, "s5": 13}


def test_after_two_bad_plans_none_is_asked_for_any_more() -> None:
    _answer, _events, model = run(Desk(), written(BAD), written(BAD), "no plan")
    assert ["make_plan" in [t.name for t in r.tools] for r in model.requests] == [True, True, False]


def test_a_stream_that_breaks_has_sent_nothing_and_shows_what_was_done() -> None:
    desk = Desk()
    mail = {"id": "m", "do": "send", "in": {"text": 7}}
    frame, first, second, *_rest = written(S1, mail, S2)
    with pytest.raises(ConnectionLost) as caught:
        run(desk, [frame, first, desk.until_begun, second, ConnectionLost("It broke off.")])
    assert desk.called == ["add 1 2"]
    assert isinstance(caught.value.partial, Answer)
    assert {s.step: s.status for s in caught.value.partial.steps}["s1"] == "done"


@given(st.lists(st.integers(0, 400), max_size=30))
def test_however_a_plan_is_cut_into_pieces_it_runs_alike(cuts: list[int]) -> None:
    text = "".join(written(S1, S2, MAIL))
    places = sorted({min(c, len(text)) for c in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    desk = Desk()
    answer, events, _model = run(desk, pieces, "done")
    assert desk.called == ["add 1 2", "add 3 10", "send 13"]
    assert [e.step.id for e in events if isinstance(e, PlanStepSeen)] == ["s1", "s2", "s3"]
    assert [s.step for s in answer.steps] == ["s1", "s2", "s3"]


@pytest.mark.parametrize(
    "name", ["openai:gpt-4o-mini", "openai:gpt-5", "dashscope:qwen-plus", "ollama:qwen3:8b"]
)
def test_each_protocol_shows_the_steps_before_its_call_has_ended(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider: Any = name.partition(":")[0]
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "none")
    desk = Desk()
    with Standin() as server:
        server.call("make_plan", steps=[S1, S2]).say("13")
        model = connect(name, base_url=server.url(provider))
        events = list(Agent(model, tools=desk.tools).stream("q"))
    seen = [at for at, e in enumerate(events) if isinstance(e, PlanStepSeen)]
    called = next(at for at, e in enumerate(events) if isinstance(e, ModelCalled))
    assert len(seen) == 2
    assert seen[-1] < called
