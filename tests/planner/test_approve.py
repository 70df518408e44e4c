"""What waits for a person: answers reach the call they are about, and nothing else runs."""

import asyncio
import random
from typing import Any

import pytest

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.approval import Edit, PlanFirst, Verdict, ask
from agentsdk.errors import ConfigurationError
from agentsdk.function_tool import tool
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan
from agentsdk.testing.scripted import Line, ScriptedModel, call, plan
from agentsdk.toolbox import AnyTool
from agentsdk.waiting import is_plan


class Desk:
    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []

        @tool(needs_approval=True, side_effect=True)
        def send(to: str, amount: int = 1) -> str:
            """Send money."""
            self.sent.append((to, amount))
            return f"{amount} to {to}"

        @tool
        def add(a: int, b: int) -> int:
            """Return the sum."""
            return a + b

        self.tools: list[AnyTool] = [send, add]


def run(desk: Desk, *script: Line, **options: Any) -> tuple[Answer[Any], ScriptedModel]:
    model = ScriptedModel(script)
    return Agent(model, tools=desk.tools, **options).run("q"), model


SUM = {"id": "s1", "do": "add", "in": {"a": 1, "b": 2}}
PAY = {"id": "s2", "do": "send", "in": {"to": "bob", "amount": {"$": "s1"}}}
TIP = {"id": "s3", "do": "send", "in": {"to": "eve", "amount": 5}}


def test_what_waits_stands_in_the_answer_as_plain_data() -> None:
    answer, _ = run(Desk(), plan(SUM, PAY))
    (waiting,) = answer.waiting
    assert (waiting.step, waiting.tool, waiting.kind) == ("s2", "send", "call")
    assert waiting.arguments == {"to": "bob", "amount": 3}
    assert waiting.to_dict()["key"] == f"s2#{waiting.digest[:16]}"
    assert answer.to_dict()["waiting"] == [waiting.to_dict()]


def test_edited_arguments_are_what_runs_and_what_the_answer_shows() -> None:
    desk = Desk()
    answer, model = run(
        desk, call("send", to="bob", amount=900), "done", approve=lambda c: Edit({"to": "bob", "amount": 9})
    )
    assert desk.sent == [("bob", 9)]
    assert answer.steps[0].inputs == {"to": "bob", "amount": 9}
    assert "9 to bob" in model.requests[1].messages[-1].text


def test_an_edit_that_does_not_fit_is_asked_about_again_and_then_waits() -> None:
    desk, edits = (
        Desk(),
        iter([Edit({"to": "bob", "amount": "many"}), Edit({"whom": "x"}), Edit({"to": "bob"})]),
    )
    answer, _ = run(desk, call("send", to="bob", amount=9), "done", approve=lambda c: next(edits))
    assert desk.sent == [("bob", 1)]
    assert len([f for f in answer.findings if "edit" in f.text]) == 2
    answer, _ = run(desk, call("send", to="bob", amount=9), approve=lambda c: Edit({"amount": 1}))
    assert answer.status == "needs_approval"
    assert desk.sent == [("bob", 1)]


def test_a_policy_that_returns_what_is_no_decision_is_named() -> None:
    desk = Desk()
    with pytest.raises(ConfigurationError, match="policy returned 7"):
        run(desk, call("send", to="bob"), approve=lambda c: 7)
    with pytest.raises(ConfigurationError, match="no policy"):
        Agent(ScriptedModel([]), approve="sometimes")  # type: ignore[arg-type]  # that is what is tested
    assert desk.sent == []


def test_a_policy_that_raises_decides_nothing_and_loses_nothing() -> None:
    desk = Desk()

    async def policy(wanted: ToolCall) -> bool:
        if wanted.arguments["to"] == "eve":
            raise KeyError("no such person")
        return True

    answer, _ = run(
        desk, call("send", to="eve") + call("send", to="bob") + call("add", a=1, b=1), approve=policy
    )
    assert answer.status == "needs_approval"
    assert [w.arguments["to"] for w in answer.waiting] == ["eve"]
    assert [(s.do, s.status) for s in answer.steps] == [("send", "pending"), ("send", "done"), ("add", "done")]
    assert "no such person" in answer.findings[0].text


def test_a_wrong_answer_leaves_no_other_question_open() -> None:
    desk = Desk()
    asked: list[str] = []

    async def policy(wanted: ToolCall) -> Any:
        asked.append(str(wanted.arguments["to"]))
        if wanted.arguments["to"] == "eve":
            return 7
        return await asyncio.Event().wait()

    async def go() -> set[Any]:
        agent = Agent(
            ScriptedModel([call("send", to="bob") + call("send", to="eve")]), tools=desk.tools, approve=policy
        )
        with pytest.raises(ConfigurationError, match="policy returned 7"):
            await agent.arun("q")
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(go()) == set()
    assert sorted(asked) == ["bob", "eve"]


@pytest.mark.parametrize("seed", range(50))
def test_answers_that_come_in_any_order_reach_their_own_call(seed: int) -> None:
    """An approval inside parallel branches was seen to be executed as that of another step, in a bare langgraph node."""
    desk, jitter = Desk(), random.Random(seed)
    names = [f"p{n}" for n in range(6)]
    yes = {name: jitter.random() < 0.5 for name in names}
    order = names[:]
    jitter.shuffle(order)
    turns = {name: asyncio.Event() for name in names}
    turns[order[0]].set()

    async def policy(wanted: ToolCall) -> Verdict:
        name = str(wanted.arguments["to"])
        await turns[name].wait()
        at = order.index(name) + 1
        if at < len(order):
            turns[order[at]].set()
        return yes[name] or f"not {name}"

    calls = [c for name in names for c in call("send", to=name)]
    answer, _ = run(desk, calls, "done", approve=policy)
    assert {to for to, _ in desk.sent} == {name for name in names if yes[name]}
    assert {s.inputs["to"]: s.status == "done" for s in answer.steps} == yes


def test_the_whole_plan_is_shown_before_anything_of_it_runs() -> None:
    desk, seen = Desk(), list[ToolCall]()

    def policy(wanted: ToolCall) -> bool:
        seen.append(wanted)
        assert desk.sent == [] or not is_plan(wanted)
        return True

    answer, _ = run(desk, plan(SUM, PAY, TIP), "done", approve=PlanFirst(policy))
    assert is_plan(seen[0])
    assert [s.id for s in Plan.from_dict(seen[0].arguments)] == ["s1", "s2", "s3"]
    # The tip stood in the plan with all of its arguments; the payment's amount was not known then.
    assert [c.id for c in seen[1:]] == ["s2"]
    assert sorted(desk.sent) == [("bob", 3), ("eve", 5)]
    assert answer.status == "answered"


def test_a_plan_that_is_refused_goes_back_with_the_reason_and_nothing_has_run() -> None:
    desk = Desk()
    verdicts: list[Verdict] = ["Send nothing to Eve.", True]
    answer, model = run(desk, plan(SUM, TIP), plan(SUM), "3", approve=PlanFirst(lambda c: verdicts.pop(0)))
    assert "Send nothing to Eve." in model.requests[1].messages[-1].text
    assert desk.sent == []
    assert [(s.step, s.value) for s in answer.steps] == [("s1", 3)]


def test_an_edited_plan_is_run_in_place_of_the_models() -> None:
    desk = Desk()
    other = Plan.from_dict([SUM, {**TIP, "in": {"to": "ann", "amount": 2}}])
    answer, _ = run(desk, plan(SUM, TIP), "done", approve=PlanFirst(lambda c: Edit(other)))
    assert desk.sent == [("ann", 2)]
    assert answer.plan is not None
    assert answer.plan.step("s3").inputs["to"] == "ann"


def test_without_a_terminal_a_plan_waits_and_is_decided_later(tmp_path: Any) -> None:
    desk, store = Desk(), tmp_path / "runs.db"
    waiting = Agent(ScriptedModel([plan(SUM, PAY)]), tools=desk.tools, approve="plan", store=store).run("q")
    assert [(w.step, w.kind) for w in waiting.waiting] == [("plan", "plan")]
    assert waiting.steps == ()
    then = Agent(ScriptedModel([]), tools=desk.tools, approve="plan", store=store)
    waits = then.resume(waiting.run_id, decisions={"plan": True})
    assert [(w.step, w.kind) for w in waits.waiting] == [("s2", "call")]
    last = Agent(ScriptedModel(["paid"]), tools=desk.tools, approve="plan", store=store)
    with pytest.raises(ConfigurationError, match="edit of s2"):
        last.resume(waiting.run_id, decisions={"s2": Edit({"amount": 1})})
    with pytest.raises(ConfigurationError, match="decides nothing"):
        last.resume(waiting.run_id, decisions={"s2": 7})
    answer = last.resume(waiting.run_id, decisions={waits.waiting[0].key: Edit({"to": "bob", "amount": 2})})
    assert answer.text == "paid"
    assert desk.sent == [("bob", 2)]
    assert last.resume(waiting.run_id).steps[1].inputs == {"to": "bob", "amount": 2}


def test_a_terminal_shows_the_call_without_what_could_move_its_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["e\n", "not json\n", "e\n", '{"to": "ann"}\n'])

    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return next(answers)

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    decision = ask(ToolCall("s1", "send", {"to": "bob\u202e\x1b[2J", "amount": 3}))
    assert decision == Edit({"to": "ann"})
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "amount = 3" in shown
